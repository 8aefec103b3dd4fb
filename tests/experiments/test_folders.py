"""Who may write into the folder of a page, and that nobody's results are lost there."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import subprocess
import sys
import time

import pytest

from mechinterp.experiments import folders, report
from mechinterp.experiments.errors import ExperimentError
from mechinterp.experiments.folders import claimed, write_page
from mechinterp.experiments.plan import Plan
from mechinterp.experiments.results import Results
from mechinterp.experiments.runner import run
from mechinterp.policies.card import Card
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.subject import Subject
from mechinterp.reporting.errors import ResultsError
from tests.experiments.toys import subject

PLAN = Plan(levels=10, seed=3)
OTHER = subject(sha256="f" * 64, seed=1)
BOTH = "0{64}.*f{64}"


def test_two_processes_cannot_write_one_page(three, tiny, tmp_path):
    code = "import sys, time\nfrom mechinterp._folders import held\nwith held(sys.argv[1]):\n    print(flush=True)\n"
    code += "    time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with (
            pytest.raises(
                ExperimentError, match=f"process {other.pid} is writing here; wait for it, or choose another"
            ),
            claimed("report", tiny, PLAN, tmp_path),
        ):
            pytest.fail("two at once")
        assert three[0].calls == []
        other.kill()
    with claimed("report", tiny, PLAN, tmp_path):  # what a killed process leaves blocks nobody
        pass


def test_of_two_that_begin_together_one_is_refused_and_no_section_is_lost(three, tiny, tmp_path):
    with claimed("report", tiny, PLAN, tmp_path):
        with pytest.raises(ExperimentError, match="is writing here"):
            report(OTHER, levels=10, out=tmp_path)
        write_page(run("report", tiny, PLAN, folder=tmp_path), tmp_path, png=False)
    assert list(Results.load(tmp_path / "results.json").sections) == ["first", "second", "third"]
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_the_page_of_another_policy_is_not_written_over(three, tiny, tmp_path):
    write_page(run("report", tiny, PLAN), tmp_path, png=False)
    before = (tmp_path / "results.json").read_bytes()
    with pytest.raises(ExperimentError, match=BOTH), claimed("report", OTHER, PLAN, tmp_path):
        pytest.fail("said before anything is measured")
    assert (tmp_path / "results.json").read_bytes() == before


def test_nor_what_an_interrupted_run_kept_of_it(three, tiny, tmp_path):
    run("report", tiny, PLAN, folder=tmp_path, only=["first"])
    with pytest.raises(ExperimentError, match=BOTH), claimed("report", OTHER, PLAN, tmp_path):
        pytest.fail("said before anything is measured")
    (tmp_path / "results.partial" / "first.json").write_text("{")  # a damaged part is nobody's
    with claimed("report", OTHER, PLAN, tmp_path):
        pass


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "damaged or cut off.*remove it, or choose another folder"),
        ("[" * 100_000, "damaged or cut off"),
        ("[]", "is not of a page of this library"),
        ('{"mean": 3}', "is not of a page of this library"),
    ],
)
def test_a_results_file_of_something_else_is_not_written_over(three, tiny, tmp_path, content, told):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(ExperimentError, match=told), claimed("report", tiny, PLAN, tmp_path):
        pass
    assert (tmp_path / "results.json").read_text() == content


def test_a_page_of_another_version_is_replaced_as_a_whole_alone(three, tiny, tmp_path):
    write_page(run("report", tiny, PLAN), tmp_path, png=False)
    content = json.loads((tmp_path / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps(content | {"version": 1}))
    with pytest.raises(ExperimentError, match="would be lost"), claimed("report", tiny, PLAN, tmp_path, only=["first"]):
        pass
    with claimed("report", tiny, PLAN, tmp_path):
        pass
    with pytest.raises(ExperimentError, match=BOTH), claimed("report", OTHER, PLAN, tmp_path):
        pass


@pytest.mark.parametrize("name", ["results.json", "report.html"])
def test_a_folder_where_a_file_goes_is_refused_first(three, tiny, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ExperimentError, match=f"{name} is a folder"), claimed("report", tiny, PLAN, tmp_path):
        pass


def test_a_file_where_the_figures_go_is_refused_first(three, tiny, tmp_path):
    (tmp_path / "figures").write_text("")
    with pytest.raises(OSError, match="figures"), claimed("report", tiny, PLAN, tmp_path):
        pass


def test_what_a_killed_process_was_writing_is_removed_and_nothing_else(three, tiny, tmp_path):
    for folder in ("figures", "results.partial"):
        (tmp_path / folder).mkdir()
    dead = [tmp_path / ".results.json.ab_9x1yz.half", tmp_path / "figures" / ".a.json.abcdefgh.half"]
    kept = [tmp_path / ".half", tmp_path / ".notes.half", tmp_path / "figures" / "a.half", tmp_path / ".x.abcdefgh.tmp"]
    alive = tmp_path / ".report.html.aaaaaaaa.half"
    for path in (*dead, *kept, alive):
        path.write_text("x")
    with alive.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as one that is being written
        with claimed("report", tiny, PLAN, tmp_path):
            assert [path.exists() for path in (*dead, *kept, alive)] == [False] * 2 + [True] * 5
    with claimed("report", tiny, PLAN, tmp_path):
        assert not alive.exists()


@pytest.mark.parametrize("provenance", [{"loss": float("nan")}, {"by": "\udce9"}, {"by": ["a", {"b": "\ud800"}]}])
def test_provenance_that_cannot_be_written_is_refused_before_anything_is_measured(three, tiny, tmp_path, provenance):
    odd = dataclasses.replace(tiny, card=Card(tiny.card.network, provenance=provenance))
    with pytest.raises(ResultsError, match=r"identity\.provenance"):
        run("report", odd, PLAN, folder=tmp_path)
    assert three[0].calls == []


def test_a_name_whose_bytes_are_not_utf8_is_refused_before_anything_is_measured(three, tiny):
    odd = Subject("caf\udce9", tiny.policy, tiny.card, tiny.sha256, tiny.options)
    with pytest.raises(PolicyError, match="bytes that are not UTF-8"):
        run("report", odd, PLAN)
    assert three[0].calls == []


def test_a_page_and_its_pictures_are_of_the_same_numbers(three, tiny, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "first.png").write_bytes(b"of an earlier page")
    (tmp_path / "figures" / "mine.png").write_bytes(b"of somebody")
    write_page(run("report", tiny, PLAN), tmp_path, png=False)
    assert not (tmp_path / "figures" / "first.png").exists()
    assert (tmp_path / "figures" / "mine.png").exists()
    assert folders.RESULTS in {path.name for path in tmp_path.iterdir()}


def test_time_of_claiming_is_not_that_of_measuring(three, tiny, tmp_path):
    began = time.monotonic()
    with claimed("report", tiny, PLAN, tmp_path):
        pass
    assert time.monotonic() - began < 5
