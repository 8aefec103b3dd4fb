"""Acting under edits: every row of a batch may be another game, with another set of edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8
from torch import Tensor

from mechinterp.interventions.base import Edit, Looked
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import Moment, Point
from mechinterp.interventions.rows import checked_edits, placed_edits
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

_NOT_READ = Moment(b"")
_NO_LOOK: Looked = (None, ())
_Seen = tuple[str, int, int, Looked]
"""Hook point, set, place of the edit in it, what the edit saw."""


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
    def _momentary(self) -> frozenset[int]:
        """The sets with edits that depend on the game."""
        return frozenset(n for n, edits in enumerate(self._edits) if any(edit.momentary for edit in edits))

    @cached_property
    def _reading(self) -> frozenset[int]:
        """The sets with edits that depend on what the network says without edits."""
        return frozenset(n for n, edits in enumerate(self._edits) if any(edit.reads_output for edit in edits))

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
        frames, uniform = checked_inputs(frames, uniform)
        return self._chosen(frames, uniform, np.zeros(len(frames), np.int64), [_NOT_READ] * len(frames))

    def act(
        self, frames: UInt8[np.ndarray, "batch 64 64 3"], uniform: Float64[np.ndarray, " batch"], games: Games
    ) -> Int64[np.ndarray, " batch"]:
        """Each row under the set of its episode."""
        episodes = games.episodes
        sets = np.zeros(len(episodes), np.int64) if self.set_of is None else self.set_of[episodes]
        steps, levels, own = games.steps.tolist(), games.levels.tolist(), episodes.tolist()
        known = zip(sets.tolist(), games.states, frames, steps, levels, own, strict=True)
        moments = [
            Moment(state, frame, step, level, kept=self._kept.setdefault(episode, {}))
            if number in self._momentary
            else _NOT_READ
            for number, state, frame, step, level, episode in known
        ]
        if len(self._kept) > 4 * len(moments):
            now = set(episodes.tolist())
            for over in [episode for episode in self._kept if episode not in now]:
                del self._kept[over]
        return self._chosen(frames, uniform, sets, moments)

    def _chosen(
        self, frames: np.ndarray, uniform: np.ndarray, sets: np.ndarray, moments: list[Moment]
    ) -> Int64[np.ndarray, " batch"]:
        frames, uniform = checked_inputs(frames, uniform)
        if len(frames) == 0:
            return np.zeros(0, np.int64)
        for number, count in zip(*np.unique(sets, return_counts=True), strict=True):
            self.seen[number] += count
        logits = self._logits(frames, sets, moments)
        return chosen_actions(self.policy, logits, uniform, greedy=self.greedy)

    @torch.no_grad()
    def _logits(
        self, frames: np.ndarray, sets: np.ndarray, moments: list[Moment]
    ) -> Float64[np.ndarray, "rows actions"]:
        if not self._reading.isdisjoint(sets.tolist()):
            moments = self._told(frames, sets, moments)
        looked = self._looked(sets, moments)
        # Rows that are edited at the same hook points share a batch; which one they are in changes nothing.
        order = sorted(range(len(frames)), key=lambda row: self._first_hook[sets[row]])
        logits = np.empty((len(frames), len(self.policy.actions)))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            logits[rows] = self._run(frames[rows], sets[rows], [looked[row] for row in rows])
        return logits

    def _run(
        self, frames: np.ndarray, sets: np.ndarray, looked: Sequence[Sequence[_Seen]]
    ) -> Float64[np.ndarray, "rows actions"]:
        """The logits of one batch."""
        pictures = padded(self.policy, frames)
        placed: dict[str, list[tuple[int, _Seen]]] = {}
        for row, several in enumerate(looked):
            for seen in several:
                placed.setdefault(seen[0], []).append((row, seen))

        def hook(rows: list[tuple[int, _Seen]]) -> HookFn:
            def edit(value: Tensor, hook: object) -> Tensor:
                kind, each = (value.dtype, value.device), value.split(1)
                for row, (_, number, place, saw) in rows:
                    run = self._made.get((number, place, *kind)) or self._ready(number, place, value)
                    run(each[row], saw)
                return value

            return edit

        with self.policy.hooks_on({name: hook(rows) for name, rows in placed.items()}):
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

    def _looked(self, sets: np.ndarray, moments: list[Moment]) -> list[list[_Seen]]:
        """What is done in each row, in order.

        All games are looked at in one go, before the network runs: in between, each look would cost several times as
        much.
        """
        rows = []
        for number, moment in zip(sets.tolist(), moments, strict=True):
            rows.append(found := [])
            for place, (edit, momentary, side) in enumerate(self._plan[number]):
                looked = edit.look(moment, side) if momentary else _NO_LOOK
                if looked is not None:
                    self.done[number][place] += 1
                    found.append((edit.hook, number, place, looked))
        return rows

    @cached_property
    def _first_hook(self) -> tuple[int, ...]:
        """Of each set, the position of the first hook point that it edits; -1 for none."""
        at = {hook: position for position, hook in enumerate(self.policy.hook_names)}
        return tuple(min((at[edit.hook] for edit in edits), default=-1) for edits in self._edits)

    @cached_property
    def _plan(self) -> tuple[tuple[tuple[Edit, bool, int], ...], ...]:
        """Of each set, its edits, whether they depend on the game, and the side of their maps."""
        shapes = self.policy.shapes
        sides = {hook: shape[1] if len(shape) == 3 else 0 for hook, shape in shapes.items()}
        return tuple(tuple((edit, edit.momentary, sides[edit.hook]) for edit in edits) for edits in self._edits)

    def _ready(self, number: int, place: int, like: Tensor) -> Callable[[Tensor, Looked], None]:
        """An edit's `ready`, made once for each kind of number and device."""
        key = number, place, like.dtype, like.device
        self._made[key] = self._edits[number][place].ready(like)
        return self._made[key]

    @cached_property
    def _made(self) -> dict[tuple[int, int, torch.dtype, torch.device], Callable[[Tensor, Looked], None]]:
        return {}

    @cached_property
    def _kept(self) -> dict[int, dict[str, tuple[Point, ...]]]:
        """What was found in the grid of each episode that is being played, see `Moment.kept`."""
        return {}

    def _told(self, frames: np.ndarray, sets: np.ndarray, moments: list[Moment]) -> list[Moment]:
        """The moments, with what the network says of the frames where an edit depends on that."""
        told = list(moments)
        reading = [row for row, number in enumerate(sets.tolist()) if number in self._reading]
        for at in range(0, len(reading), BATCH):
            rows = reading[at : at + BATCH]
            plain = self.policy(padded(self.policy, frames[rows]))
            for place, row in enumerate(rows):
                output = PolicyOutput(plain.logits[place : place + 1], plain.value[place : place + 1])
                told[row] = replace(moments[row], output=output, actions=self.policy.actions)
        return told


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
