"""Is any damaged policy file read as if it were whole? Only where a kind of file has no checksum, and then it is said.

    python analyses/mutated_files.py                  # 10,000 mutants: some minutes
    python analyses/mutated_files.py --count 500

Files of a small network, in our own format and in those of others, are changed in ways from a single bit to parts that
change places. Each mutant must be refused with an error that a user can mend, or read as what it was before. Memory is
limited, so that a file that asks for too much fails here instead of ending the machine's other work.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch

from mechinterp.errors import MechinterpError
from mechinterp.policies import Checkpoint, ImpalaConfig, build, read, save, save_step
from mechinterp.policies.layouts import LAYOUTS

MEMORY = 8 * 2**30
OUTCOMES = ("refused", "as it was", "other provenance", "other weights", "traceback")


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        path: what is read.
        changed: the file of it that is changed.
        checked: whether its format holds a checksum.
    """

    path: Path
    changed: Path
    checked: bool


def files(folder: Path) -> dict[str, Kind]:
    """A small network in every kind of file."""
    policy = build(ImpalaConfig((4, 6), res_blocks=1, hidden=12), seed=0)
    own = save(policy, folder / "own", provenance={"organism": {"name": "coin"}, "steps": 3_000_000})
    step = save_step(policy, own, step=64)
    layout = LAYOUTS["cleanrl"]
    keys = ["network.0.res_block0.conv0.weight", "network.1.res_block0.conv0.weight"]
    theirs = {theirs: policy.state_dict()[ours].contiguous() for ours, theirs in layout.names(keys).items()}
    paths = {name: folder / f"theirs.{name}" for name in ("pt", "old.pt", "safetensors")}
    torch.save(theirs, paths["pt"])
    torch.save(theirs, paths["old.pt"], _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(theirs, paths["safetensors"])
    return {
        "own folder, weights": Kind(own, own / "model.safetensors", checked=True),
        "own folder, config.json": Kind(own, own / "config.json", checked=True),
        "own series": Kind(step, step, checked=True),
        "torch (zip)": Kind(paths["pt"], paths["pt"], checked=True),
        "torch before 1.6 (pickle)": Kind(paths["old.pt"], paths["old.pt"], checked=False),
        "safetensors of others": Kind(paths["safetensors"], paths["safetensors"], checked=False),
    }


def bit(data: bytes, rng: np.random.Generator) -> bytes:
    """One bit turned."""
    changed, at = bytearray(data), int(rng.integers(8 * len(data)))
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def early_bit(data: bytes, rng: np.random.Generator) -> bytes:
    """One bit turned among the first thousand bytes, where formats keep their descriptions."""
    return bit(data[:1000], rng) + data[1000:]


def some_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """One to eight bytes that are others."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        changed[int(rng.integers(len(data)))] = int(rng.integers(256))
    return bytes(changed)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut off."""
    return data[: int(rng.integers(len(data)))]


def inserted(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes put in."""
    at = int(rng.integers(len(data) + 1))
    return data[:at] + rng.bytes(int(rng.integers(1, 65))) + data[at:]


def blank(data: bytes, rng: np.random.Generator) -> bytes:
    """A stretch of zeros, as of a hole in a download."""
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 4097))
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


def swapped(data: bytes, rng: np.random.Generator) -> bytes:
    """Two stretches of the same length in each other's place."""
    length = int(rng.integers(1, max(2, len(data) // 8)))
    first, second = sorted(rng.integers(0, len(data) - length + 1, 2).tolist())
    second = max(second, first + length)
    one, other = data[first : first + length], data[second : second + length]
    return data[:first] + other + data[first + length : second] + one + data[second + length :]


def digit(data: bytes, rng: np.random.Generator) -> bytes:
    """One decimal digit of a text (of numbers in a description) that is another, or several more of it."""
    digits = [at for at in range(min(len(data), 4000)) if chr(data[at]).isdigit()]
    if not digits:
        return bit(data, rng)
    at = int(rng.choice(digits))
    return data[:at] + str(rng.integers(10 ** int(rng.integers(1, 6)))).encode() + data[at + 1 :]


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    bit, bit, bit, early_bit, early_bit, some_bytes, cut, inserted, blank, swapped, digit,
)  # fmt: skip


def outcome(path: Path, before: Checkpoint) -> str:
    """What reading a changed file came to."""
    try:
        found = read(path)
    except MechinterpError:
        return "refused"
    except Exception:
        traceback.print_exc()
        return "traceback"
    weights, expected = found.policy.state_dict(), before.policy.state_dict()
    same = weights.keys() == expected.keys() and all(torch.equal(weights[name], expected[name]) for name in expected)
    if not same or found.card.network != before.card.network:
        return "other weights"
    return "as it was" if found.card.provenance == before.card.provenance else "other provenance"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    rng = np.random.default_rng(arguments.seed)
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        kinds = files(Path(folder))
        before = {name: read(kind.path) for name, kind in kinds.items()}
        whole = {name: kind.changed.read_bytes() for name, kind in kinds.items()}
        for at in range(arguments.count):
            name = list(kinds)[at % len(kinds)]
            mutant = MUTATIONS[int(rng.integers(len(MUTATIONS)))](whole[name], rng)
            if mutant == whole[name]:
                continue
            kinds[name].changed.write_bytes(mutant)
            counts.setdefault(name, Counter())[outcome(kinds[name].path, before[name])] += 1
            kinds[name].changed.write_bytes(whole[name])
    wrong = 0
    for name, count in counts.items():
        wrong += count["traceback"] + (count["other weights"] if kinds[name].checked else 0)
        told = ", ".join(f"{count[one]:,} {one}" for one in OUTCOMES)
        print(f"{name}: {told}" + ("" if kinds[name].checked else " (this kind has no checksum)"))
    print(json.dumps({"mutants": sum(map(Counter.total, counts.values())), "read wrongly": wrong}))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
