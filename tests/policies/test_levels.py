from __future__ import annotations

from itertools import combinations

import pytest

from mechinterp.coinrun.levels import MAX_LEVEL_SEED
from mechinterp.policies.levels import LEVELS


@pytest.mark.parametrize(("one", "other"), [*combinations(LEVELS, 2)])
def test_no_level_serves_two_purposes(one: str, other: str):
    a, b = (range(r.start, r.start + r.count) for r in (LEVELS[one], LEVELS[other]))
    assert max(a.start, b.start) >= min(a.stop, b.stop)


def test_what_is_measured_begins_where_it_always_did():
    starts = {"training": 0, "behaviour": 10**9, "scenes": 10**9 + 500_000, "localization": 10**9 + 600_000}
    assert {name: LEVELS[name].start for name in starts} == starts
    assert LEVELS["choice tests"].start == 10**9 + 80_000
    assert all(levels.start + levels.count - 1 <= MAX_LEVEL_SEED for levels in LEVELS.values())
