"""Does any state that `GameState` lets through end the game's process? None may.

    python analyses/mutated_states.py                     # a million mutants, 60 steps each: about 90 CPU minutes
    python analyses/mutated_states.py --count 20000       # two minutes

Real states are changed in ways from blunt (any byte) to sly (another value that the field's range allows, in several
fields of one entity). What `GameState.from_bytes` lets through is loaded, drawn, played with random actions, reset, and
must be read back afterwards. Each part of the mutants runs in a process of its own, since a value that slips through
ends it. Counts are written after every part, and an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from mechinterp.coinrun import layout
from mechinterp.coinrun.ascii import level
from mechinterp.coinrun.empty import empty_level
from mechinterp.coinrun.engine import RESET_ACTION, Engine, GameOptions
from mechinterp.coinrun.state import GameState, StateError

SLOTS = 50
PART = 5_000
COUNTED = ("accepted", "refused", "unchanged", "unreadable")


def real_states() -> list[bytes]:
    """States of both difficulties and cameras, at level starts and later, with enemies, crates, trails and lava."""
    found = []
    for options in (
        GameOptions(distribution_mode="easy"),
        GameOptions(distribution_mode="hard"),
        GameOptions(distribution_mode="hard", center_agent=False, use_monochrome_assets=True),
    ):
        engine = Engine(8, options=options)
        large = empty_level(options, width=128, height=96)
        engine.load({0: large.replace(cur_time=3), 1: level("#A.SE..B.^.C#\n#############", options=options)})
        engine.observe()
        rng = np.random.default_rng(0)
        for step in range(40):
            if step % 10 == 0:
                found += [engine.state_bytes(slot) for slot in range(8)]
            engine.step(rng.choice([5, 7, 7, 8], 8))
            engine.observe()
        engine.close()
    return found


LOOKS = [at for at, field in enumerate(layout.ENTITY) if field.name in ("type", "image_type", "image_theme")]


class Mutator:
    """Changes bytes in ways from blunt (any byte) to sly (another value that the field's range allows)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.kinds = [self.flip, self.cut, self.grow, self.scalar, self.scalar, self.entity, self.entity, self.cell]
        self.kinds += [self.many, self.generator, self.seeded, self.one_entity, self.one_entity]

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

    def seeded(self, data: bytes) -> bytes:
        """Whether a generator is seeded, turned around."""
        at = generators(data)[int(self.rng.integers(3))]
        return data[:at] + bytes([1 - data[at]]) + data[at + 1 :]

    def scalar(self, data: bytes) -> bytes:
        field = layout.SCALARS[int(self.rng.integers(len(layout.SCALARS)))]
        return self.put(data, scalar_offsets(data)[field.name], self.value(field), field.kind)

    def entity(self, data: bytes) -> bytes:
        return self.fields(data, 1)

    def one_entity(self, data: bytes) -> bytes:
        """Several fields of one entity, with values that each field's own range allows; often its looks."""
        return self.fields(data, int(self.rng.integers(2, 5)), allowed=True)

    def fields(self, data: bytes, count: int, *, allowed: bool = False) -> bytes:
        there, first = entities(data)
        at = first + int(self.rng.integers(there)) * layout.ENTITY_DTYPE.itemsize
        for _ in range(count):
            which = int(self.rng.integers(len(layout.ENTITY)))
            if allowed and self.rng.random() < 0.5:
                which = int(self.rng.choice(LOOKS))
            field = layout.ENTITY[which]
            value = self.value(field, most=0.8 if allowed else 1)
            if field.name in ("type", "image_type") and self.rng.random() < 0.9:
                value = float(self.rng.choice(list(layout.IMAGE_THEMES)))
            data = self.put(data, at + 4 * which, value, field.kind)
        return data

    def cell(self, data: bytes) -> bytes:
        cells = scalar_offsets(data)["cells"]
        count = int.from_bytes(data[cells : cells + 4], "little")
        at = cells + 4 + 4 * int(self.rng.integers(count))
        allowed = self.rng.random() < 0.7
        value = self.rng.choice(layout.GRID_VALUES) if allowed else self.rng.integers(-200, 200)
        return self.put(data, at, float(value), "<i4")

    def many(self, data: bytes) -> bytes:
        """Dozens of cells and some fields at once."""
        for _ in range(int(self.rng.integers(2, 40))):
            data = self.cell(data) if self.rng.random() < 0.8 else self.entity(data)
        return data

    def value(self, field: layout.Field, *, most: float = 1) -> float:
        """A value for a field, beyond its range in one of five cases (never, with `most` 0.8)."""
        draw = most * self.rng.random()
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


def generators(data: bytes) -> list[int]:
    """Where the three generators begin, with whether each is seeded."""
    offsets = scalar_offsets(data)
    level_rng = offsets["game_n"] + 4
    step_rng = level_rng + 8 + int.from_bytes(data[level_rng + 4 : level_rng + 8], "little")
    asset_rng = offsets["step_rand_int"] + 4
    return [level_rng, step_rng, asset_rng]


def part(number: int, size: int, steps: int) -> dict[str, int]:
    """Make mutants, play all that are let through, and count. It lives only if all of them do no harm."""
    bases = real_states()
    rng = np.random.default_rng(number)
    mutate = Mutator(rng)
    engine = Engine(SLOTS, options=GameOptions(), threads=0)
    counts: dict[str, int] = dict.fromkeys(COUNTED, 0)
    batch: list[GameState] = []
    for made in range(size):
        base = bases[int(rng.integers(len(bases)))]
        mutant = mutate(base)
        try:
            state = GameState.from_bytes(mutant)
        except StateError:
            counts["refused"] += 1
        else:
            assert state.to_bytes() == mutant
            counts["accepted"] += 1
            counts["unchanged"] += mutant == base
            if mutant != base:
                batch.append(state)
        if batch and (len(batch) == SLOTS or made == size - 1):
            print(f"playing up to mutant {made}", file=sys.stderr, flush=True)
            counts["unreadable"] += play(engine, batch, rng, steps)
            batch = []
    return counts


def play(engine: Engine, batch: list[GameState], rng: np.random.Generator, steps: int) -> int:
    """Load, draw, step, force the next level, and count the games whose states could not be read back."""
    engine.load(dict(enumerate(batch)))
    engine.observe()
    unreadable = 0
    for step in range(steps):
        last = step == steps - 1
        engine.step(np.full(SLOTS, RESET_ACTION) if last else rng.integers(0, 15, SLOTS))
        engine.observe()
        if step == steps // 2 or step >= steps - 2:
            for slot in range(len(batch)):
                try:
                    engine.states([slot])
                except StateError as error:
                    unreadable += 1
                    print(f"unreadable after step {step}: {error}", file=sys.stderr)
    return unreadable


def written(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a kill leaves the old one or the new one."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="how many mutants")
    parser.add_argument("--steps", type=int, default=60, help="how long each is played, in steps; the last is a reset")
    parser.add_argument("--out", type=Path, default=Path("analyses/reports/robustness/mutated-states.json"))
    parser.add_argument("--part", type=int, nargs=2, metavar=("NUMBER", "SIZE"), help="one part, in this process")
    arguments = parser.parse_args()
    if arguments.part is not None:
        print(json.dumps(part(arguments.part[0], arguments.part[1], arguments.steps)))
        return
    found = {"steps": arguments.steps, "parts": []}
    if arguments.out.exists():
        found = json.loads(arguments.out.read_text())
        if found["steps"] != arguments.steps:
            raise SystemExit(f"{arguments.out} was counted over {found['steps']} steps; give another --out")
    while (done := sum(one["size"] for one in found["parts"])) < arguments.count:
        found["parts"].append(in_a_process(len(found["parts"]), min(PART, arguments.count - done), arguments.steps))
        written(arguments.out, json.dumps(found, indent=1) + "\n")
    print(text(found))
    if any(one["killed"] for one in found["parts"]):
        raise SystemExit(1)


def in_a_process(number: int, size: int, steps: int) -> dict[str, object]:
    """The counts of a part; where it ended its process, how, and up to which mutant it had come."""
    words = [sys.executable, __file__, "--part", str(number), str(size), "--steps", str(steps)]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    says = run.stderr.splitlines()
    odd = [line for line in says if line.startswith("unreadable")]
    if run.returncode == 0:
        return {"number": number, "size": size, "killed": "", "odd": odd[:3], **json.loads(run.stdout)}
    killed = f"exit code {run.returncode}: {' / '.join(says[-2:])}"
    return {"number": number, "size": size, "killed": killed, "odd": odd[:3], **dict.fromkeys(COUNTED, 0)}


def text(found: dict) -> str:
    """The counts, in words."""
    total = {name: sum(one[name] for one in found["parts"]) for name in COUNTED}
    made = sum(one["size"] for one in found["parts"])
    killed = [f"part {one['number']}: {one['killed']}" for one in found["parts"] if one["killed"]]
    lines = [
        f"{made:,} mutants: {total['refused']:,} refused, {total['accepted']:,} accepted ({total['unchanged']:,} "
        f"unchanged; the others were played for {found['steps']} steps)",
        f"could not be read back on the way: {total['unreadable']:,}",
        f"processes ended by a state: {len(killed)} of {len(found['parts'])}",
    ]
    return "\n".join([*lines, *killed])


if __name__ == "__main__":
    main()
