"""The runner: each slice once, with its own generator, kept as soon as it is done, and found again."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from mechinterp.experiments import folders, runner, store
from mechinterp.experiments.drawing import as_page, headlines
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.folders import claimed, write_page
from mechinterp.experiments.inputs.shared import Inputs
from mechinterp.experiments.plan import Plan, generator
from mechinterp.experiments.registry import all_slices
from mechinterp.experiments.results import Results
from mechinterp.experiments.runner import chosen, default_plan, run
from mechinterp.stats import StatsError
from tests.experiments.toys import Other, subject, toy

PLAN = Plan(levels=10, seed=3)


class Told:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def start(self, one) -> None:
        self.words.append(f"start {one.name}")

    def tick(self, words: str) -> None:
        self.words.append(words)


def test_each_slice_is_measured_once_in_the_pages_order(three, tiny):
    told = Told()
    results = run("report", tiny, PLAN, progress=told)
    assert three[0].calls == ["first", "second", "third"] == list(results.sections)
    assert told.words[:3] == ["start first", "measuring first", "start second"]
    assert results["third"].needed == results["first"].drawn.value
    assert results.settings["levels"] == 10
    assert results.settings["sizes"] == {name: {"count": 10} for name in results.sections}
    assert results.settings["versions"]["torch"]
    assert results.identity == tiny.identity


def test_an_interrupted_run_resumes_after_the_second_slice(three, tiny, tmp_path):
    three[2].breaks.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run("report", tiny, PLAN, folder=tmp_path)
    assert three[0].calls == ["first", "second"]
    three[2].breaks.clear()
    told = Told()
    results = run("report", tiny, PLAN, folder=tmp_path, progress=told)
    assert three[0].calls == ["first", "second", "third"]  # the first two were not measured again
    assert told.words == ["start first", "start second", "start third", "measuring third"]
    whole = run("report", tiny, PLAN)
    assert results.to_json() == whole.to_json()  # as if nothing had happened


def test_an_exception_in_a_slice_is_told_and_loses_nothing(three, tiny, tmp_path):
    three[2].breaks.append(ZeroDivisionError("no effect"))
    with pytest.raises(ZeroDivisionError, match="no effect"):
        run("report", tiny, PLAN, folder=tmp_path)
    assert sorted(path.name for path in (tmp_path / store.PARTIAL).iterdir()) == ["first.json", "second.json"]


def test_the_same_seed_gives_the_same_results_whatever_slices_run(three, tiny):
    whole = run("report", tiny, PLAN)
    some = run("report", tiny, PLAN, only=["second"])
    assert list(some.sections) == ["second"]
    assert some["second"] == whole["second"]
    assert run("report", tiny, dataclasses.replace(PLAN, seed=4))["second"] != whole["second"]


def test_a_slices_generator_does_not_depend_on_the_others(three, invented, tiny):
    before = run("report", tiny, PLAN)
    invented(toy("zeroth", 5), *three, toy("between", 25))
    after = run("report", tiny, PLAN)
    assert len(after.sections) == 5
    for name in ("first", "second", "third"):
        assert after[name] == before[name]
    assert len({result.drawn.value for result in after.sections.values()}) == 5  # pyright: ignore


def test_generators_differ_by_seed_and_by_name():
    draws = {(seed, name): generator(seed, name).normal() for seed in (0, 1) for name in ("a", "b")}
    assert len(set(draws.values())) == 4
    assert generator(0, "a").normal() == draws[0, "a"]


def test_only_takes_along_what_is_needed(three, tiny):
    assert list(run("report", tiny, PLAN, only=["third"]).sections) == ["first", "third"]
    assert [one.name for one in chosen("report", ["third", "second"])] == ["first", "second", "third"]
    with pytest.raises(ExperimentError, match="has no section 'thrid'; did you mean 'third'"):
        run("report", tiny, PLAN, only=["thrid"])


@pytest.mark.parametrize(
    "other",
    [
        {"plan": dataclasses.replace(PLAN, levels=11)},
        {"plan": dataclasses.replace(PLAN, seed=4)},
        {"plan": dataclasses.replace(PLAN, quick=True)},
        {"subject": subject(seed=1)},  # other weights, whatever the file of the checkpoint says
        {"code": "another version"},
    ],
)
def test_another_configuration_measures_again(three, tiny, tmp_path, monkeypatch, other):
    run("report", tiny, PLAN, folder=tmp_path)
    if "code" in other:
        monkeypatch.setattr(runner, "code_version", lambda: other["code"])
    run("report", other.get("subject", tiny), other.get("plan", PLAN), folder=tmp_path)
    assert three[0].calls == ["first", "second", "third"] * 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', "whole"])
def test_a_damaged_part_is_measured_again(three, tiny, tmp_path, damage):
    before = run("report", tiny, PLAN, folder=tmp_path)
    path = tmp_path / store.PARTIAL / "second.json"
    content = json.loads(path.read_text())
    if damage == "whole":  # of this key, but not what the slice's Result says
        content["result"]["drawn"].pop("low")
        damage = json.dumps(content)
    path.write_text(damage)
    after = run("report", tiny, PLAN, folder=tmp_path)
    assert three[0].calls == ["first", "second", "third", "second"]
    assert after.to_json() == before.to_json()


def test_shared_inputs_are_made_once_and_only_when_asked_for(invented, tiny, tmp_path):
    made = []

    def states(inputs: Inputs) -> float:
        made.append(inputs.plan.levels)
        return inputs.rng("states").normal()

    invented(toy("first", 10, shared=states), toy("second", 20, shared=states))
    run("report", tiny, PLAN, folder=tmp_path)
    run("report", tiny, PLAN, folder=tmp_path)  # all found: nothing is made
    assert made == [10]
    inputs = Inputs(tiny, PLAN)
    assert inputs(states) == inputs(states) == Inputs(tiny, PLAN)(states)


def test_a_result_of_another_kind_is_refused():
    one = all_slices()["model"]
    module = type("Measures", (), {"measure": staticmethod(lambda context: Other)})

    class Wrong(type(one)):
        def _module(self, name):
            return module if name == "measure" else super()._module(name)

    wrong = Wrong(**{f.name: getattr(one, f.name) for f in dataclasses.fields(one)})
    with pytest.raises(ExperimentError, match="measure returned a ModelMetaclass, not its Result"):
        wrong.measure(None, {})  # pyright: ignore[reportArgumentType]


def test_default_plans_are_the_pages():
    assert (default_plan("report").levels, default_plan("report", quick=True).levels) == (200, 40)
    plan = default_plan("report", quick=True, levels=12, seed=5)
    assert (plan.levels, plan.states, plan.seed, plan.quick) == (12, 2, 5, True)
    with pytest.raises(ExperimentError, match="at least 10"):
        default_plan("report", levels=0)


def test_a_page_is_written_and_what_was_kept_is_deleted(three, tiny, tmp_path):
    results = run("report", tiny, PLAN, folder=tmp_path, command="a test")
    written = write_page(results, tmp_path, png=False)
    assert written.page == tmp_path / "report.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "report.html", "results.json"]
    assert headlines(results) == ["first was measured.", "second was measured.", "third was measured."]


def test_an_interrupted_drawing_loses_no_measurement(three, tiny, tmp_path, monkeypatch):
    results = run("report", tiny, PLAN, folder=tmp_path)

    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folders, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_page(results, tmp_path)
    assert (tmp_path / store.PARTIAL).exists()
    assert (tmp_path / "results.json").exists()
    run("report", tiny, PLAN, folder=tmp_path)
    assert three[0].calls == ["first", "second", "third"]


def test_sections_that_were_not_asked_for_are_named_and_not_drawn(three, tiny):
    page = as_page(run("report", tiny, PLAN, only=["second"]))
    assert [section.name for section in page.sections] == ["second"]
    assert page.left_out == ["T?", "T?"]
    assert page.sections[0].method == ["Drawn at random."]
    assert [path for path, _ in page.sections[0].numbers] == ["drawn"]
    assert page.title == "What does toy want?"
    assert page.settings["size of second"] == {"count": 10}


def test_a_folder_that_cannot_be_written_is_refused(three, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ExperimentError, match="file is a file"), claimed("report", tiny, PLAN, wrong):
            pass
    with claimed("report", tiny, PLAN, tmp_path / "new" / "folder"):
        pass
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_a_policy_with_hooks_on_is_refused(three, tiny, tmp_path):
    with (
        tiny.policy.hooks_on({"hook_logits": lambda value, hook: value * 2}),
        pytest.raises(ExperimentError, match=r"hooks on \(hook_logits\).*mi.evaluate"),
    ):
        run("report", tiny, PLAN, folder=tmp_path)
    assert three[0].calls == []


def test_weights_changed_in_place_measure_again(three, tmp_path):
    changed = subject()
    run("report", changed, PLAN, folder=tmp_path)
    with torch.no_grad():
        next(changed.policy.parameters()).mul_(2)
    run("report", changed, PLAN, folder=tmp_path)
    assert three[0].calls == ["first", "second", "third"] * 2


def test_a_part_written_later_joins_what_is_there(three, tiny, tmp_path):
    write_page(run("report", tiny, PLAN, only=["second"]), tmp_path, png=False)
    write_page(run("report", tiny, PLAN, only=["first"]), tmp_path, png=False)
    assert list(Results.load(tmp_path / "results.json").sections) == ["first", "second"]
    other = dataclasses.replace(PLAN, seed=4)
    part = run("report", tiny, other, only=["first"])  # measured otherwise: it cannot stand on the same page
    with pytest.raises(ExperimentError, match=r"the sections second, which would be lost.*another seed \(3 there, 4"):
        write_page(part, tmp_path, png=False)
    assert list(Results.load(tmp_path / "results.json").sections) == ["first", "second"]
    with (
        pytest.raises(ExperimentError, match="which would be lost"),
        claimed("report", tiny, other, tmp_path, only=["first"]),
    ):
        pytest.fail("this is said before anything is measured")
    write_page(run("report", tiny, other), tmp_path, png=False)  # the whole page replaces it
    assert list(Results.load(tmp_path / "results.json").sections) == ["first", "second", "third"]


def test_writing_a_part_keeps_what_an_interrupted_run_kept_of_others(three, tiny, tmp_path):
    run("report", tiny, PLAN, folder=tmp_path)
    write_page(run("report", tiny, PLAN, folder=tmp_path, only=["first"]), tmp_path, png=False)
    assert sorted(path.name for path in (tmp_path / store.PARTIAL).iterdir()) == ["second.json", "third.json"]


def test_the_folder_of_another_page_is_refused(three, tiny, tmp_path):
    write_page(run("report", tiny, PLAN), tmp_path, png=False)
    with claimed("report", tiny, PLAN, tmp_path):
        pass
    with (
        pytest.raises(ExperimentError, match="holds the page 'report' of toy"),
        claimed("localization", tiny, PLAN, tmp_path),
    ):
        pass


def test_errors_name_the_section(three, tiny):
    three[1].breaks.append(StatsError("needs at least 2 levels, got 1"))
    with pytest.raises(ExperimentError, match="section 'second': needs at least 2 levels"):
        run("report", tiny, PLAN)


@pytest.mark.parametrize("only", [[], 3, ()])
def test_only_must_name_sections(three, only):
    with pytest.raises(ExperimentError, match=r"only: .* must name sections"):
        chosen("report", only)
    assert [one.name for one in chosen("report", "second")] == ["second"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": float("nan")}, "levels: nan, but it must be a whole number"),
        ({"levels": 12.5}, "levels: 12.5"),
        ({"levels": True}, "levels: True"),
        ({"levels": 10, "states": 1.5}, "states: 1.5"),
        ({"levels": 10, "seed": -1}, "seed: -1"),
        ({"levels": 10, "seed": None}, "seed: None"),
        ({"levels": 10, "quick": "no"}, "quick: 'no'"),
        ({"levels": 10, "hooks": 3}, "hooks: 3"),
    ],
)
def test_plans_of_wrong_kinds_are_refused(wrong, message):
    with pytest.raises(ExperimentError, match=message):
        Plan(**wrong)


def test_a_view_that_cannot_be_shown_is_refused_before_measuring(monkeypatch):
    one = all_slices()["performance"]
    one.check_view()
    monkeypatch.setattr("mechinterp.experiments.performance.view.METHOD", "one text")
    with pytest.raises(ExperimentError, match="METHOD must be a tuple of paragraphs"):
        one.check_view()
    monkeypatch.delattr("mechinterp.experiments.performance.view.text")
    with pytest.raises(ExperimentError, match=r"has no function text\(result\)"):
        one.check_view()
