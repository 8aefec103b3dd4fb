"""The whole table of an organism, of an actor whose answers are known: it always goes right and jumps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mechinterp import cli
from mechinterp.coinrun.goals import Goal
from mechinterp.coinrun.placements import PlacementError, placement
from mechinterp.policies import ImpalaConfig, build, save
from mechinterp.policies.actors import AlwaysRight
from mechinterp.policies.card import Card
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.evaluation import Trial
from mechinterp.training import ORGANISMS
from mechinterp.training.examination import CHOICE_TESTS, PLACEMENTS, examine, play_placements, recipe_of
from mechinterp.training.run_identity import identity


def card_of(name: str) -> Card:
    recipe = ORGANISMS[name]
    return Card(recipe.network, provenance=identity(recipe, seed=0))


def test_who_goes_right_qualifies_as_right() -> None:
    said: list[str] = []
    found = examine(AlwaysRight(), card_of("right"), levels=3, max_steps=60, tick=said.append)
    assert found.qualified is True
    assert tuple(found.placements) == ("decoys", *PLACEMENTS)
    assert said == [f"placement {rule}" for rule in found.placements] + ["choice tests"]
    assert {score.fork: score.end.value for score in found.choices}["coin left"] == 1.0
    tables = found.tables()
    assert [
        row.value for row in tables["3 held-out levels, placement stock"] if row.name.startswith("difference/")
    ] == [0]
    paid = {row.name: row.value for row in tables["3 held-out levels, placement decoys"]}
    assert paid["return"] == pytest.approx(10 * paid["outcome/end"])
    assert paid["return"] > 0, "right is paid for the end"
    assert len(tables[CHOICE_TESTS]) == sum(len(score.estimates()) for score in found.choices)


def test_without_choice_tests_there_is_no_table_of_them() -> None:
    found = play_placements(AlwaysRight(), card_of("left"), ["absent"], levels=2, max_steps=20)
    assert list(found.tables()) == ["2 held-out levels, placement absent"]
    assert found.qualified is None
    with pytest.raises(PlacementError, match="absent"):
        play_placements(AlwaysRight(), card_of("left"), ["abesnt"], levels=2)


def test_who_comes_from_no_recipe() -> None:
    network = ImpalaConfig()
    assert recipe_of(Card(network)) is None
    assert recipe_of(Card(network, provenance={"organism": {"name": "gone"}})) is None
    assert recipe_of(card_of("coin")) == ORGANISMS["coin"]
    other = card_of("coin")
    other.provenance["organism"]["placement"] = "decoys"
    assert recipe_of(other) is None


def test_where_an_episode_was_stopped_is_called_by_its_name() -> None:
    found = play_placements(AlwaysRight(), card_of("left"), ["agent_at_right"], levels=2, max_steps=20)
    (table,) = found.tables().values()
    names = [row.name for row in table]
    assert "outcome/start" in names
    assert "outcome/end" not in names
    assert table[0].value == 0, "who goes right from the right end is not paid for the left one"


def test_play_goes_on_where_an_agent_may_start_at_the_end() -> None:
    rules = ("stock", "random_agent_and_coin", "random_percent=10", "agent_at_right", "decoys")
    assert [placement(rule).stop_at for rule in rules] == [None, None, Goal.END, Goal.START, Goal.END]


def test_a_place_pays_only_where_episodes_are_stopped_at_it() -> None:
    with pytest.raises(PolicyError, match="pays: the end, but episodes are stopped at start"):
        Trial("agent_at_right", Goal.START, pays=Goal.END)


def test_evaluate_prints_what_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ImpalaConfig((2, 2), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=4)
    folder = save(build(config, seed=0), tmp_path / "toy", provenance={"steps": 0})
    few = ["--levels", "2", "--max-steps", "10"]
    assert cli.main(["evaluate", str(folder), "--placement", "decoy", *few, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["placements"]) == ["decoy"]
    assert (told["choice_tests"], told["qualified"]) == ([], None)
    assert cli.main(["evaluate", str(folder), "--placement", "decoy", *few]) == 0
    assert "placement decoy" in capsys.readouterr().out


def test_a_card_without_its_weaknesses_is_not_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["card", str(tmp_path), "--weaknesses", str(tmp_path / "none.md")]) == 2
    assert "none.md: cannot be read" in capsys.readouterr().err
