"""Run as a program: make mutants of real state bytes, load and play all that `GameState` lets through, and count.

It runs in a process of its own, because a value that slips through kills the process.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from mechinterp.coinrun import layout
from mechinterp.coinrun.engine import RESET_ACTION, Engine, GameOptions
from mechinterp.coinrun.state import GameState, StateError

SLOTS = 50
STEPS = 6


def real_states() -> list[bytes]:
    """States of both difficulties, at level starts and later, with enemies, trails and lava among them."""
    found = []
    for mode in ("easy", "hard"):
        engine = Engine(8, options=GameOptions(distribution_mode=mode))
        rng = np.random.default_rng(0)
        for step in range(40):
            if step % 10 == 0:
                found += [engine.state_bytes(slot) for slot in range(8)]
            engine.step(rng.choice([5, 7, 7, 8], 8))
            engine.observe()
        engine.close()
    return found


class Mutator:
    """Changes bytes in ways from blunt (any byte) to sly (another value that the field's range allows)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.kinds = [self.flip, self.cut, self.grow, self.scalar, self.scalar, self.entity, self.entity, self.cell]
        self.kinds += [self.many, self.generator]

    def __call__(self, data: bytes) -> bytes:
        return self.kinds[int(self.rng.integers(len(self.kinds)))](data)

    def flip(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(int(self.rng.integers(1, 9))):
            changed[int(self.rng.integers(len(data)))] = int(self.rng.integers(256))
        return bytes(changed)

    def cut(self, data: bytes) -> bytes:
        return data[: int(self.rng.integers(len(data)))]

    def grow(self, data: bytes) -> bytes:
        at = int(self.rng.integers(len(data)))
        return data[:at] + self.rng.bytes(int(self.rng.integers(1, 9))) + data[at:]

    def generator(self, data: bytes) -> bytes:
        """Another digit somewhere in a generator's text."""
        at = int(self.rng.integers(100, 13_000))
        return data[:at] + str(self.rng.integers(10)).encode() + data[at + 1 :]

    def scalar(self, data: bytes) -> bytes:
        field = layout.SCALARS[int(self.rng.integers(len(layout.SCALARS)))]
        return self.put(data, scalar_offsets(data)[field.name], self.value(field), field.kind)

    def entity(self, data: bytes) -> bytes:
        count, first = entities(data)
        at = first + int(self.rng.integers(count)) * layout.ENTITY_DTYPE.itemsize
        which = int(self.rng.integers(len(layout.ENTITY)))
        return self.put(data, at + 4 * which, self.value(layout.ENTITY[which]), layout.ENTITY[which].kind)

    def cell(self, data: bytes) -> bytes:
        at = len(data) - 32 - 16384 + 4 * int(self.rng.integers(4096))
        allowed = self.rng.random() < 0.7
        value = self.rng.choice(layout.GRID_VALUES) if allowed else self.rng.integers(-200, 200)
        return self.put(data, at, float(value), "<i4")

    def many(self, data: bytes) -> bytes:
        """Dozens of cells and some fields at once."""
        for _ in range(int(self.rng.integers(2, 40))):
            data = self.cell(data) if self.rng.random() < 0.8 else self.entity(data)
        return data

    def value(self, field: layout.Field) -> float:
        draw = self.rng.random()
        if draw < 0.4 and field.kind == "<i4":
            return float(self.rng.integers(int(field.low), int(field.high) + 1))
        if draw < 0.4:
            return float(self.rng.uniform(field.low, field.high))
        if draw < 0.8:
            return self.rng.choice([field.low, field.high])
        return float(self.rng.choice([field.low - 1, field.high + 1, 1e9, -1e9, np.nan, np.inf, 2**31 - 1]))

    @staticmethod
    def put(data: bytes, at: int, value: float, kind: str) -> bytes:
        if kind == "<i4":
            value = int(np.clip(np.nan_to_num(value), -(2**31), 2**31 - 1))
        with np.errstate(over="ignore"):
            return data[:at] + np.array(value, kind).tobytes() + data[at + 4 :]


def scalar_offsets(data: bytes) -> dict[str, int]:
    """Where each scalar lies, found by walking over the sections and what lies between them."""
    between = {"options": 2, "episode": 0, "motion": 1, "view": 0, "tail": 0}
    offsets, at = {}, 8 + len(layout.GAME_NAME)
    for name, section in layout.SECTIONS.items():
        for field in section:
            offsets[field.name] = at
            at += 4
        for _ in range(between[name]):
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if name == "episode":
            at += int.from_bytes(data[at - 4 : at], "little") * layout.ENTITY_DTYPE.itemsize
        if name == "view":
            at += 4 * int.from_bytes(data[at - 4 : at], "little")
    assert at == len(data) - 4
    return offsets


def entities(data: bytes) -> tuple[int, int]:
    """How many there are, and where the first one lies."""
    at = scalar_offsets(data)["n_ents"]
    return int.from_bytes(data[at : at + 4], "little"), at + 4


def main(count: int, seed: int) -> None:
    bases = real_states()
    rng = np.random.default_rng(seed)
    mutate = Mutator(rng)
    engine = Engine(SLOTS, options=GameOptions(), threads=0)
    accepted = refused = unchanged = unreadable = 0
    batch: list[GameState] = []
    for _ in range(count):
        base = bases[int(rng.integers(len(bases)))]
        mutant = mutate(base)
        try:
            state = GameState.from_bytes(mutant)
        except StateError:
            refused += 1
            continue
        assert state.to_bytes() == mutant
        accepted += 1
        unchanged += mutant == base
        batch.append(state)
        if len(batch) == SLOTS:
            unreadable += play(engine, batch, rng)
            batch = []
    unreadable += play(engine, batch, rng)
    print(json.dumps({"accepted": accepted, "refused": refused, "unchanged": unchanged, "unreadable": unreadable}))


def play(engine: Engine, batch: list[GameState], rng: np.random.Generator) -> int:
    """Load, draw, step, force the next level, and count the games whose states could not be read back."""
    engine.load(dict(enumerate(batch)))
    engine.observe()
    unreadable = 0
    for step in range(STEPS):
        last = step == STEPS - 1
        engine.step(np.full(SLOTS, RESET_ACTION) if last else rng.integers(0, 15, SLOTS))
        engine.observe()
        if step >= STEPS - 2:
            for slot in range(len(batch)):
                try:
                    engine.states([slot])
                except StateError as error:
                    unreadable += 1
                    print(f"unreadable after step {step}: {error}", file=sys.stderr)
    return unreadable


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
