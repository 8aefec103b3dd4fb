"""Levels that training saw are known by what they contain, and left out."""

from __future__ import annotations

import numpy as np
import pytest

import mechinterp as mi
from mechinterp.coinrun.engine import GameOptions
from mechinterp.coinrun.levels import LevelRange, LevelSource
from mechinterp.policies.errors import CheckpointError, PolicyError
from mechinterp.policies.seen_levels import SEEN_LEVELS, HeldOut, HeldOutLevels, SeenLevels, drawn_levels

PLAIN = GameOptions(distribution_mode="easy", use_backgrounds=False)
RANGE = LevelRange(1_000_000_000, 400)


def identities(seeds: range) -> list[int]:
    with LevelSource(PLAIN) as source:
        return [source.identity(seed) for seed in seeds]


def test_a_set_is_written_and_read_whole(tmp_path):
    rng = np.random.default_rng(0)
    members = [int(value) for value in rng.integers(0, 2**63, 5000)]
    seen = SeenLevels.of([*members, members[0]], exact=False)
    path = seen.write(tmp_path)
    assert path.name == SEEN_LEVELS
    assert path.stat().st_size < 3.5 * 5000
    again = SeenLevels.read(tmp_path)
    assert again is not None
    assert (again.drawn, again.exact, len(again)) == (5001, False, 5000)
    assert all(member in again for member in members)
    strangers = [int(value) for value in rng.integers(0, 2**63, 5000)]
    assert sum(stranger in again for stranger in strangers) <= 1
    assert SeenLevels.read(tmp_path / "nowhere") is None
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="damaged, or no list of levels"):
        SeenLevels.read(tmp_path)


def test_held_out_levels_are_new_and_none_comes_twice():
    whole = identities(range(RANGE.start, RANGE.start + 120))
    seen = SeenLevels.of(whole[:120:3])
    found = HeldOutLevels(RANGE, PLAIN, seen).first(50)
    kept = [whole[seed - RANGE.start] for seed in found.seeds]
    assert found.levels == len(set(kept)) == len(found.seeds) == 50
    assert not set(kept) & set(whole[:120:3])
    assert found.looked_at == found.seeds[-1] - RANGE.start + 1
    # one by one, what the walk must have done
    passed = whole[: found.looked_at]
    assert found.seen == sum(identity in set(whole[:120:3]) for identity in passed)
    assert found.seen > 20
    share = found.share_seen
    assert share is not None
    assert share.value == found.seen / found.looked_at
    assert f"{found.seen} of {found.looked_at} held-out seeds" in found.words
    assert HeldOut.from_dict(found.to_dict()).words == found.words


def test_fewer_levels_are_the_first_of_more():
    walk = HeldOutLevels(RANGE, PLAIN, None)
    more, fewer = walk.first(40), walk.first(15)
    assert fewer.seeds == more.seeds[:15]
    assert fewer.seeds == HeldOutLevels(RANGE, PLAIN, None).first(15).seeds
    assert more.repeated + 40 == more.seeds[-1] - RANGE.start + 1


def test_what_is_not_recorded_is_said():
    found = HeldOutLevels(RANGE, PLAIN, None).first(3)
    assert found.share_seen is None
    assert "not recorded" in found.words
    with pytest.raises(PolicyError, match="held-out levels are written as"):
        HeldOut.from_dict({"levels": 3})


def test_a_range_that_is_used_up_is_an_error():
    few = LevelRange(RANGE.start, 10)
    seen = SeenLevels.of(identities(range(RANGE.start, RANGE.start + 10)))
    with pytest.raises(PolicyError, match="of the 10 seeds from 1000000000, 0 make levels that training did not see"):
        HeldOutLevels(few, PLAIN, seen).first(1)


def test_draws_are_those_of_the_games():
    levels = LevelRange(0, 1000)
    rng = np.random.default_rng(5)
    assert list(drawn_levels(levels, seed=5, count=4)) == [levels.draw(rng) for _ in range(4)]


def test_a_checkpoint_plays_and_is_asked_on_levels_that_it_did_not_see():
    subject = mi.load("checkpoints/standard")
    assert subject.seen is not None
    found = subject.held_out("behaviour", 30)
    assert 0.15 < found.seen / found.looked_at < 0.6  # a third of easy seeds
    with LevelSource(subject.options) as source:
        asked = {source.identity(state.level_seed) for state in subject.states(levels=10, per_level=1)}
        own = {source.identity(seed) for seed in found.seeds}
    assert not any(identity in subject.seen for identity in asked | own)
