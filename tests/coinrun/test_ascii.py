from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.coinrun import ascii as text
from mechinterp.coinrun import edits, geometry
from mechinterp.coinrun.ascii import ArtError, draw, level
from mechinterp.coinrun.empty import empty_level
from mechinterp.coinrun.engine import Engine, GameOptions
from mechinterp.coinrun.layout import EntityType, Tile
from mechinterp.coinrun.levels import Start
from mechinterp.coinrun.state import GameState, StateError
from tests.coinrun.helpers import differences, frames, play

STEP = """
    #.....|.......#
    #.....B.......#
    #c...AB..S..~C#
    #############^#
    ###############
"""


@st.composite
def drawings(draw_from: st.DrawFn) -> str:
    """Caves of any shape with things standing on their floors, closed all round."""
    width, height = draw_from(st.integers(4, 20)), draw_from(st.integers(3, 9))
    inner = st.lists(st.sampled_from("......##^~|x=C"), min_size=width - 2, max_size=width - 2)
    rows = [["#", *draw_from(inner), "#"] for _ in range(height - 1)] + [["#"] * width]
    floors = [
        (x, y) for y in range(1, height - 1) for x in range(1, width - 1) if rows[y][x] == "." and rows[y + 1][x] == "#"
    ]
    roomy = [(x, y) for x, y in floors if rows[y - 1][x] not in "#^C"]
    if not roomy:
        rows[-2][1], rows[-3][1] = ".", "."
        roomy = [(1, height - 2)]
    agent_x, agent_y = draw_from(st.sampled_from(roomy))
    for x, y in floors:
        if abs(x - agent_x) > 1 or abs(y - agent_y) > 1:
            rows[y][x] = draw_from(st.sampled_from("....SsEeBc"))
    rows[agent_y][agent_x] = draw_from(st.sampled_from("Aa"))
    return "\n".join("".join(row) for row in rows)


def trimmed(art: str) -> str:
    """Without what says nothing: lines of air on top, and rock columns at the right but one."""
    lines = art.split("\n")
    while len(lines) > 1 and lines[0].strip("#") == "." * (len(lines[0]) - 2) and lines[0][0] + lines[0][-1] == "##":
        lines.pop(0)
    while all(line.endswith("##") for line in lines):
        lines = [line[:-1] for line in lines]
    return "\n".join(lines)


@given(art=drawings())
def test_a_drawing_comes_back_and_makes_the_same_level_again(art: str) -> None:
    state = level(art)
    again = draw(state)
    assert trimmed(again) == trimmed(art)
    assert level(again) == state
    assert GameState.from_bytes(state.to_bytes()) == state


def test_stock_levels_come_back_cell_for_cell(stock_levels: list[Start]) -> None:
    """The rules for tiles are the game's: drawn and read again, 300 levels have the grids that the game gave them."""
    for start in stock_levels:
        state = start.state
        options = GameOptions(distribution_mode="hard" if state["distribution_mode"] else "easy")
        again = level(draw(state), options=options, level_seed=start.level_seed)
        assert (again.grid == state.grid).all()
        overlapping = len(state.entities) - len({(e["x"], e["y"]) for e in state.entities})
        if overlapping:
            continue
        order = ["type", "x", "y"]
        ours, theirs = np.sort(again.entities, order=order), np.sort(state.entities, order=order)
        for name in ours.dtype.names or ():
            if name != "image_theme":
                assert (ours[name] == theirs[name]).all(), name
        looks = {"background_index", "bg_pct_x", "wall_theme"}
        stale = {"view_dim", "x_off", "y_off"}
        same_entities = again.replace(entities=state.entities)
        assert differences(same_entities, state) <= looks | stale


def test_what_the_letters_make() -> None:
    state = level(STEP, level_seed=7)
    assert state.level_seed == 7
    assert state.coins == ((13, 2),)
    assert edits.decoys(state) == ((1, 2),)
    assert geometry.agent_cell(state) == (5, 2)
    assert geometry.entity_cells(state, EntityType.CRATE) == {(6, 2), (6, 3)}
    assert {(hazard.kind, hazard.cell) for hazard in geometry.hazards(state)} == {("saw", (9, 2)), ("lava", (13, 1))}
    assert state.grid[2, 12] == -18
    assert state.grid[4, 6] == 19
    assert state.grid[0, 13] == 16, "under lava the game draws a wall top"
    assert state["facing_right"] == 1
    assert level(STEP.replace("A", "a"))["facing_right"] == 0
    both = level("#A..E..e#\n#########").entities
    assert both["vx"][both["type"] == 5].tolist() == pytest.approx([-0.15, 0.15])


def test_drawn_levels_can_be_played(engine: Engine) -> None:
    rewards, ended, _ = play(engine, level("#A...C.#\n########"), [7] * 40)
    assert (sum(rewards), rewards[-1]) == (10, 10)
    assert ended is not None
    _, ended, states = play(engine, level("#..A...#\n########"), [1] * 40)
    assert ended is None
    assert states[-1].agent_xy[0] == pytest.approx(1.5, abs=0.01)


def test_a_stock_level_and_its_drawing_look_and_play_alike(stock_levels: list[Start], engine: Engine) -> None:
    for start in stock_levels[::30]:
        state = start.state
        agent = state.entities[state.agent_index]
        drawn = level(
            draw(state), options=GameOptions(distribution_mode="hard" if state["distribution_mode"] else "easy")
        )
        dressed = edits.with_looks(
            drawn,
            background=int(state["background_index"]),
            wall_theme=int(state["wall_theme"]),
            agent_theme=int(agent["image_theme"]),
        ).replace(bg_pct_x=state["bg_pct_x"])
        plain = edits.with_looks(edits.remove_enemies(edits.remove_crates(state)))
        ours = edits.remove_enemies(edits.remove_crates(dressed))
        assert (frames(engine, [ours])[0] == frames(engine, [plain])[0]).all()
        paths = [[s.agent_xy for s in play(engine, game, [8, 7, 7, 7] * 5)[2]] for game in (ours, plain)]
        assert paths[0] == paths[1]


@pytest.mark.parametrize(
    ("art", "message"),
    [
        ("", "the drawing is empty"),
        ("\n  \n", "the drawing is empty"),
        ("#A.#\n###", "line 2: 3 columns, the first line has 4"),
        ("#A.#\n#?.#\n####", r"line 2, column 2: '\?' stands for nothing; known are"),
        ("#..#\n####", "0 agents: exactly one cell must hold 'A' or 'a'"),
        ("#A.#\n#.a#\n####", r"2 agents \(line 1, column 2; line 2, column 3\)"),
        ("#A.#\n..A#\n####", "line 2, column 1: '.'; the first column is the left wall"),
        ("#A.#\n#..#\n####", r"line 1, column 2: agent at \(1, 2\): no ground under it"),
        (
            "#A.S.#\n#....#\n######".replace("#....#", "###..#"),
            r"line 1, column 4: saw at \(3, 2\): there is no ground",
        ),
        ("#A.#\n#^##", "line 2, column 2: '\\^'; the last line is the floor"),
        ("#A" + "." * 70 + "#\n" + "#" * 73, "73 x 2 cells: the grid has room for 64 x 63"),
    ],
)
def test_drawings_that_are_no_levels(art: str, message: str) -> None:
    with pytest.raises(ArtError, match=message):
        level(art)


def test_wide_drawings_fit_wide_grids(engine: Engine) -> None:
    art = "#A" + "." * 90 + "C#\n" + "#" * 94
    state = level(art, width=128)
    assert state.grid.shape == (64, 128)
    assert draw(state) == art
    assert frames(engine, [state]).shape == (1, 64, 64, 3)
    with pytest.raises(StateError, match="allowed are sides of 64 to 256"):
        empty_level(width=300)


def test_a_blank_level_holds_what_a_fresh_one_does(stock_levels: list[Start]) -> None:
    for start in stock_levels[::75]:
        mode = "hard" if start.state["distribution_mode"] else "easy"
        ours = empty_level(GameOptions(distribution_mode=mode), level_seed=start.level_seed)
        same = ours.replace(entities=start.state.entities, grid=start.state.grid)
        seen = {"background_index", "bg_pct_x", "wall_theme", "view_dim", "x_off", "y_off"}
        assert differences(same, start.state) <= seen


def test_the_legend_is_complete() -> None:
    assert text.__doc__ is not None
    assert all(f"``{letter}``" in text.__doc__ for letter in text._LEGEND)
    assert {int(tile) for tile in text._TILES.values()} | {16, 18, -18} == {int(tile) for tile in Tile}
