"""How many minimal pairs of the coin's side each organism has, from the pool and from its own play.

    python analyses/pair_counts.py                       # 60 levels; coin, left, right, standard

"Anywhere" puts the coins at the height of the agent's feet, in the air too: of its pairs, the share is printed in which
both coins have ground under them and level, safe ways to them. Other placements refuse what is not so; why, is printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mechinterp.coinrun import geometry
from mechinterp.coinrun.scenes import MinimalPairs, SceneError, coin_side
from mechinterp.coinrun.scenes.natural import NoRoom, free_ways
from mechinterp.coinrun.scenes.variables.variable import without_coins
from mechinterp.policies.subject import Subject, load

NAMES = ("coin", "left", "right", "standard")
ROWS = (
    ("anywhere, own play", "anywhere", "own"),
    ("on the ground, own play", "ground", "own"),
    ("on the ground, pool", "ground", "pool"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--levels", type=int, default=60)
    arguments = parser.parse_args()
    for name in arguments.names:
        subject = load(arguments.checkpoints / name)
        for words, place, source in ROWS:
            print(f"{name:10} {words:26} {counted(subject, place, source, arguments.levels)}", flush=True)


def counted(subject: Subject, place: str, source: str, levels: int) -> str:
    """Pairs, levels, and how many of them are natural, grounded and far, in words."""
    try:
        pairs = subject.pairs(coin_side(place=place), levels=levels, source=source)  # pyright: ignore[reportArgumentType]
    except SceneError as error:
        return str(error)
    by_level = {f"{label}": pairs.where(*key).n_levels for key in (("agent", "grounded"), ("agent", "airborne"),
        ("distance", "near"), ("distance", "far")) if (label := key[1]) in pairs.strata[key[0]]}  # fmt: skip
    reasons = "; ".join(f"{reason} {count}" for reason, count in pairs.refused.items())
    return f"{pairs.counted}, {natural(pairs)} natural; levels {by_level}; refused: {reasons or 'none'}"


def natural(pairs: MinimalPairs) -> int:
    """How many pairs have both coins on level, safe ground that goes all the way."""
    count = 0
    for right, left in zip(pairs.states("clean"), pairs.states("corrupted"), strict=True):
        x = geometry.agent_cell(right)[0]
        columns = [state.coins[0][0] - x for state in (right, left)]
        try:
            height, free = free_ways(without_coins(right), columns)
        except NoRoom:
            continue
        count += set(columns) <= set(free) and all(state.coins[0][1] == height for state in (right, left))
    return count


if __name__ == "__main__":
    main()
