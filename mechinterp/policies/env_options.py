"""The game that a policy was trained on, as far as its card tells."""

from __future__ import annotations

from mechinterp.coinrun.engine import GameOptions
from mechinterp.policies.card import Card
from mechinterp.policies.errors import CheckpointError

_FOREIGN = {
    # Trained on the original CoinRun, which painted the agent's velocity into the frame.
    "distill": GameOptions(distribution_mode="easy", paint_vel_info=True),
}
_UNRECORDED = GameOptions(distribution_mode="easy")


def training_env_options(card: Card) -> GameOptions:
    """The options that the policy's own training recorded; for foreign files, which record none, easy levels as stock.

    The network of "Understanding RL Vision" (layout ``distill``) saw its velocity painted into the frame, so it does
    here too.

    Raises:
        CheckpointError: options were recorded that are none of this game's.
    """
    organism = card.provenance.get("organism")
    recorded = organism.get("options") if isinstance(organism, dict) else None
    if recorded is None:
        return _FOREIGN.get(card.source.format, _UNRECORDED) if card.source else _UNRECORDED
    try:
        return GameOptions(**recorded)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the card's organism.options are not options of the game: {error}") from error
