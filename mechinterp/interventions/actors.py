"""Acting under edits: every row of a batch may be another game, with another set of edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Tensor

from mechinterp.interventions.edits import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment
from mechinterp.interventions.rows import checked_edits, edit_row, placed_edits
from mechinterp.policies.actors import (
    BATCH,
    Games,
    checked_inputs,
    chosen_actions,
    padded,
    unsound_rows,
    unsound_words,
)
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.graph import Policy, network_words
from mechinterp.policies.hooks import HookFn
from mechinterp.policies.nodes import LOGITS, PolicyOutput


@dataclass(frozen=True, eq=False)
class EachActor:
    """Acts for many games at once, each under its own set of edits; a `policies.actors.GameActor`.

    A row's activations are edited row by row, and the network runs on batches of one size, so that a game's actions are
    the same to the last bit whatever the other games and sets.

    Attributes:
        policy: the network.
        sets: the sets of edits, with the name of each; an empty one leaves its games alone.
        set_of: which set (its place in `sets`) each episode has; None: all have the first.
        greedy: take the likeliest action instead of sampling.
        seen: of each set, at how many steps it was played so far.
        done: of each set, at how many of these each of its edits was done.

    Raises:
        UnknownHook: an edit at no hook point of the policy.
        InterventionError: an edit that does not fit its activation, is made for the rows of one batch, or cannot change
            an action, whatever it does; or two networks.
    """

    policy: Policy
    sets: Mapping[str, Sequence[Edit]]
    set_of: Int64[np.ndarray, " episodes"] | None = None
    greedy: bool = False
    seen: Int64[np.ndarray, " sets"] = field(init=False)
    done: tuple[Int64[np.ndarray, " edits"], ...] = field(init=False)

    def __post_init__(self) -> None:
        sets = {name: checked_edits(edits) for name, edits in self.sets.items()}
        placed_edits(self.policy, list(sets.values()))
        acting = _upstream(self.policy)
        for name, edits in sets.items():
            for edit in edits:
                if edit.by_row:
                    raise InterventionError(
                        f"{name}: {edit} holds something for each row of one batch; in episodes every row is another "
                        "game: give one row for all, or draw rows (`Resample`)"
                    )
                if edit.hook not in acting:
                    raise InterventionError(
                        f"{name}: {edit} cannot change an action: {edit.hook} does not lead to the logits"
                    )
        object.__setattr__(self, "sets", sets)
        object.__setattr__(self, "seen", np.zeros(len(sets), np.int64))
        object.__setattr__(self, "done", tuple(np.zeros(len(edits), np.int64) for edits in sets.values()))

    @cached_property
    def _edits(self) -> tuple[tuple[Edit, ...], ...]:
        return tuple(tuple(edits) for edits in self.sets.values())

    def __call__(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"]
    ) -> Int64[np.ndarray, " batch"]:
        """All rows under the first set, without the games behind them.

        Raises:
            InterventionError: an edit that depends on the game.
        """
        edits = self._edits[0]
        if needs := [edit for edit in edits if edit.momentary]:
            raise InterventionError(f"{needs[0]}: what it does depends on the game, and frames alone were given")
        moments = [Moment(b"")] * len(frames)  # nobody reads them
        return self._chosen(frames, uniform, np.zeros(len(frames), np.int64), moments)

    def act(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"], games: Games
    ) -> Int64[np.ndarray, " batch"]:
        """Each row under the set of its episode."""
        episodes = games.episodes
        sets = np.zeros(len(episodes), np.int64) if self.set_of is None else self.set_of[episodes]
        known = zip(games.states, frames, games.steps.tolist(), games.levels.tolist(), strict=True)
        moments = [Moment(state, frame, step, level) for state, frame, step, level in known]
        return self._chosen(frames, uniform, sets, moments)

    def _chosen(
        self, frames: np.ndarray, uniform: np.ndarray, sets: np.ndarray, moments: list[Moment]
    ) -> Int64[np.ndarray, " batch"]:
        frames, uniform = checked_inputs(frames, uniform)
        if len(frames) == 0:
            return np.zeros(0, np.int64)
        parts = [slice(at, at + BATCH) for at in range(0, len(frames), BATCH)]
        logits = np.concatenate([self._logits(frames[part], sets[part], moments[part]) for part in parts])
        return chosen_actions(self.policy, logits, uniform, greedy=self.greedy)

    @torch.no_grad()
    def _logits(
        self, frames: np.ndarray, sets: np.ndarray, moments: list[Moment]
    ) -> Float64[np.ndarray, "rows actions"]:
        pictures = padded(self.policy, frames)
        rows: dict[str, list[tuple[int, int, int]]] = {}  # hook point -> (row, set, edit), edits of a set in order
        for row, number in enumerate(sets.tolist()):
            self.seen[number] += 1
            for place, edit in enumerate(self._edits[number]):
                rows.setdefault(edit.hook, []).append((row, number, place))
        moments = self._told(pictures, rows, moments)

        def hook(placed: list[tuple[int, int, int]]) -> HookFn:
            def edit(value: Tensor, hook: object) -> Tensor:
                for row, number, place in placed:
                    if edit_row(value, row, self._edits[number][place], moments[row]):
                        self.done[number][place] += 1
                return value

            return edit

        hooks = {name: hook(placed) for name, placed in rows.items()}
        with self.policy.hooks_on(hooks):
            logits = self.policy(pictures).logits[: len(frames)].double().cpu().numpy()
            if (unsound := unsound_rows(logits)).any():
                first = int(unsound.argmax())
                name = list(self.sets)[sets[first]]
                why = unsound_words(self.policy, frames, logits[first], first)
                raise PolicyError(
                    f"{network_words(self.policy)}, under {name!r}: no action follows from the logits of "
                    f"{unsound.sum()} of {len(frames)} frames; {why}"
                )
        return logits

    def _told(
        self, pictures: Tensor, rows: Mapping[str, list[tuple[int, int, int]]], moments: list[Moment]
    ) -> list[Moment]:
        """The moments, with what the network says of the frames where an edit depends on that."""
        if not any(self._edits[number][place].reads_output for placed in rows.values() for _, number, place in placed):
            return moments
        plain = self.policy(pictures)
        outputs = [PolicyOutput(plain.logits[i : i + 1], plain.value[i : i + 1]) for i in range(len(moments))]
        return [
            Moment(one.source, one.frame, one.step, one.level_seed, output, self.policy.actions)
            for one, output in zip(moments, outputs, strict=True)
        ]


class EditedActor(EachActor):
    """Acts as a policy does under one set of edits; an `Actor`, for `rollout` and all that plays."""

    def __init__(self, policy: Policy, edits: Sequence[Edit], greedy: bool = False) -> None:
        super().__init__(policy, {"edited": edits}, None, greedy)


def _upstream(policy: Policy) -> frozenset[str]:
    """The hook points from which the logits can be reached, with the logits."""
    reached = {LOGITS}
    for node in reversed(policy.nodes):
        if node.name in reached:
            reached |= set(node.inputs)
    return frozenset(reached)
