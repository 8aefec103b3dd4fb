"""One engine, used by several threads of Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mechinterp.coinrun import GameOptions, LevelSource
from mechinterp.coinrun.engine import Engine


def test_four_threads_may_use_one_engine():
    """The library has one buffer for states; a thread that read while another one did got half of each."""
    source = LevelSource(GameOptions())
    try:
        states = [start.state for start in source.starts(range(4))]
    finally:
        source.close()
    engine = Engine(4)
    engine.load(dict(enumerate(states)))
    expected = [engine.state_bytes(slot) for slot in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda turn: engine.state_bytes(turn % 4), range(400)))
    engine.close()
    assert all(one == expected[turn % 4] for turn, one in enumerate(found))
