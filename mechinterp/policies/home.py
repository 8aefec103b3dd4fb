"""The game that a policy was trained on, as far as its card tells."""

from __future__ import annotations

from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies.card import Card

_FOREIGN = {
    # Trained on the original CoinRun, which painted the agent's velocity into the frame.
    "distill": GameOptions(distribution_mode="easy", paint_vel_info=True),
}
_UNRECORDED = GameOptions(distribution_mode="easy")


def home_options(card: Card) -> GameOptions:
    """The options that the policy's own training recorded; for foreign files, which record none, easy levels as stock.

    The network of "Understanding RL Vision" (layout ``distill``) saw its velocity painted into the frame, so it does
    here too.
    """
    recorded = card.provenance.get("organism", {}).get("options")
    if recorded is not None:
        return GameOptions(**recorded)
    return _FOREIGN.get(card.source.format, _UNRECORDED) if card.source else _UNRECORDED
