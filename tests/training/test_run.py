"""A run in a folder: resumed, refused, and never losing its last good checkpoint."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mechinterp as mi
import mechinterp.training.options as options_module
from mechinterp._folders import LOCK_FILE
from mechinterp.coinrun.goals import Payoff
from mechinterp.policies import load, series
from mechinterp.policies.seen_levels import SeenLevels
from mechinterp.training import (
    ORGANISMS,
    Run,
    RunOptions,
    TrainingError,
    find_run,
    find_runs,
    read_metrics,
    series_steps,
)
from mechinterp.training.records import append_metrics, natural, read_resume, write_resume
from tests.training.toys import BATCH, TOY_PPO, contents, toy, train, untimed


def test_a_run_records_the_levels_that_it_saw(tmp_path: Path) -> None:
    """Resumed in the middle, too: what the games begin with is watched, and made again from nothing but its seed."""
    recipe = toy()
    met: list[int] = []
    for budget in (2 * BATCH, 4 * BATCH):
        with Run(dataclasses.replace(recipe, budget=budget), tmp_path, seed=3) as run:
            (group,) = run.ppo.collector.games.groups
            met += [] if met else [start.level_seed for start in group._starts]
            draw = group._draws.draw

            def watched(rng: np.random.Generator, draw: Any = draw) -> Any:
                start = draw(rng)
                met.append(start.level_seed)  # noqa: B023
                return start

            group._draws.draw = watched
            run.train()
    seen = SeenLevels.read(tmp_path)
    assert seen is not None
    assert (seen.drawn, seen.exact) == (len(met), True)
    assert seen.drawn == TOY_PPO.num_envs + sum(row["episodes"] for row in read_metrics(tmp_path))
    with recipe.source() as source:
        assert np.array_equal(seen.hashes, SeenLevels.of(source.identity(seed) for seed in met).hashes)
    assert find_run(tmp_path).provenance["levels_drawn"] == [len(met)]  # pyright: ignore[reportOptionalMemberAccess]
    subject = mi.load(tmp_path)
    assert subject.seen is not None
    assert mi.load(series(tmp_path)[-1].path).seen is not None


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """A disk on which no file can grow beyond this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_run_leaves_a_policy_its_series_and_its_metrics(finished: Path) -> None:
    assert set(contents(finished)) == {
        "config.json",
        "levels.npz",
        "metrics.jsonl",
        "model.safetensors",
        "resume.pt",
        "series/step-0000000000.safetensors",
        f"series/step-{4 * BATCH:010d}.safetensors",
    }
    run = find_run(finished)
    assert run is not None
    assert (run.organism, run.seed, run.steps, run.series, run.resumable) == ("standard", 0, 4 * BATCH, 2, True)
    assert "core" in run.provenance["machine"]
    assert [row["steps"] for row in read_metrics(finished)] == [BATCH, 2 * BATCH, 3 * BATCH, 4 * BATCH]
    whole = load(finished).state_dict()
    for name, half in load(series(finished)[-1].path).state_dict().items():
        torch.testing.assert_close(half, whole[name], rtol=1e-3, atol=1e-6)


def test_two_updates_and_two_more_are_four(finished: Path, tmp_path: Path) -> None:
    train(tmp_path / "parts", updates=2)
    train(tmp_path / "parts", updates=4)
    straight, parts = contents(finished), contents(tmp_path / "parts")
    assert straight["model.safetensors"] == parts["model.safetensors"]
    assert untimed(finished) == untimed(tmp_path / "parts")
    last = f"series/step-{4 * BATCH:010d}.safetensors"
    assert straight[last] == parts[last]


def test_what_was_logged_after_the_last_save_is_logged_again(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "behind"
    train(folder, updates=2)
    metrics = (finished / "metrics.jsonl").read_text()
    (folder / "metrics.jsonl").write_text(metrics + '{"steps": 160, "episode_re')  # ahead of the resume file, and cut
    train(folder, updates=4)
    assert untimed(folder) == untimed(finished)


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    before = contents(finished)
    assert train(finished, updates=4) == 4 * BATCH
    assert train(finished, updates=4, budget=4 * BATCH - 1) == 4 * BATCH, "that too takes four updates"
    assert contents(finished) == before


def refused(said: str, folder: Path, *, seed: int = 0, **changes: Any) -> None:
    before = contents(folder)
    with pytest.raises(TrainingError, match=said):
        Run(toy(**changes), folder, seed=seed)
    assert contents(folder) == before


def test_other_runs_are_refused_with_what_is_other(finished: Path) -> None:
    refused(r"seed: 0 there, 1 asked", finished, seed=1)
    refused(r"placement: stock there, absent asked", finished, placement="absent")
    refused(r"ppo.epochs: 2 there, 3 asked\)", finished, ppo=dataclasses.replace(TOY_PPO, epochs=3))
    refused("already trained for 128 steps, over the budget of 96", finished, updates=3)
    train(finished, updates=5, value="said better")  # neither budget nor words make it another run


def test_without_a_resume_file_nothing_is_trained_over(finished: Path, tmp_path: Path) -> None:
    (finished / "resume.pt").unlink()
    refused("trained for 128 steps and shipped without the resume.pt", finished, updates=8)
    refused("seed: 0 there, 7 asked", finished, seed=7)
    (finished / "config.json").unlink()
    refused("holds model.safetensors, series, metrics.jsonl of something that was not trained here", finished)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "model.safetensors").write_bytes(b"something else")
    refused("holds model.safetensors of something", foreign)


@pytest.mark.parametrize("keep", [0, 10, 1000, 5000])
def test_a_resume_file_cut_off_is_told(finished: Path, keep: int) -> None:
    path = finished / "resume.pt"
    path.write_bytes(path.read_bytes()[:keep])
    refused(r"resume.pt: damaged, cut off, .*; put back a whole copy", finished)


def test_a_resume_file_of_something_else_is_told(finished: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, finished / "resume.pt")
    refused("not a resume file of this version", finished)


def test_a_single_bit_that_changed_in_a_resume_file_is_told(finished: Path) -> None:
    path = finished / "resume.pt"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 10):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        refused("damaged, cut off", finished)


def test_a_run_goes_on_on_the_kind_of_device_that_it_began_on(finished: Path) -> None:
    path = finished / "resume.pt"
    write_resume(path, read_resume(path) | {"device": "cuda"})
    refused("began on cuda and cannot go on on cpu", finished)


def test_a_run_goes_on_in_the_precision_that_it_began_in(tmp_path: Path) -> None:
    options = RunOptions(precision="bfloat16")
    with Run(toy(updates=1), tmp_path, seed=0, options=options) as run:
        run.train()
    refused("began in bfloat16 and cannot go on in float32; give --precision bfloat16", tmp_path)
    with Run(toy(updates=2), tmp_path, seed=0, options=options) as run:
        assert run.ppo.network.dtype is torch.bfloat16
        run.train()
        assert run.steps == 2 * BATCH
    assert find_run(tmp_path).provenance["precision"] == "bfloat16"
    train(tmp_path / "exact", updates=2)
    assert (tmp_path / "model.safetensors").read_bytes() != (tmp_path / "exact" / "model.safetensors").read_bytes()


def test_a_kill_between_two_files_of_a_save_loses_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resume file comes last: were it first, the next run would call itself done with an older policy."""
    train(tmp_path / "straight")
    for writer in ("mechinterp.policies.checkpoints.save", "mechinterp.training.records.write_resume"):
        folder = tmp_path / writer
        train(folder, updates=3)
        with monkeypatch.context() as patched:
            patched.setattr(writer, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                train(folder)
        train(folder)
        assert (folder / "model.safetensors").read_bytes() == (tmp_path / "straight/model.safetensors").read_bytes()


def test_a_resume_file_of_another_version_is_told(finished: Path) -> None:
    path = finished / "resume.pt"
    write_resume(path, read_resume(path) | {"layout": 3})
    refused("layout 3, this version reads 2; train on with the version that wrote it", finished)


def test_metrics_that_are_gone_leave_no_silent_gap(finished: Path) -> None:
    path = finished / "metrics.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    refused(rf"metrics.jsonl: ends at step {3 * BATCH}, but the run stands at {4 * BATCH}", finished, updates=6)
    path.unlink()
    refused("ends at step 0", finished, updates=6)


def test_one_process_at_a_time(finished: Path) -> None:
    with Run(toy(), finished, seed=0):
        with pytest.raises(TrainingError, match=f"process {os.getpid()} is writing here"):
            Run(toy(), finished, seed=0)
        assert (finished / LOCK_FILE).exists()
    assert not (finished / LOCK_FILE).exists()
    (finished / LOCK_FILE).write_text("1\n")  # of a process that was killed; process 1 lives, and does not hold it
    refused_after = Run(toy(), finished, seed=0)
    refused_after.close()
    refused_after.close()
    with pytest.raises(TrainingError):
        Run(toy(), finished, seed=5)
    Run(toy(), finished, seed=0).close()  # the refused one let go


def test_half_written_files_of_a_killed_process_are_cleared_away(finished: Path) -> None:
    before = set(contents(finished))
    for name in (
        ".resume.pt.abcdefgh.half",
        ".config.json.1_345678.half",
        "series/.step-0000000032.safetensors.qqqqqqqq.half",
    ):
        (finished / name).write_bytes(b"half")
    (finished / ".notes").write_text("kept")
    Run(toy(), finished, seed=0).close()
    assert set(contents(finished)) == {*before, ".notes"}


@pytest.mark.parametrize("share", [0.01, 0.9], ids=["nothing fits", "the policy fits, the resume file does not"])
def test_a_full_disk_leaves_the_last_good_checkpoint(finished: Path, share: float) -> None:
    sizes = {name: len(data) for name, data in contents(finished).items()}
    assert sizes["model.safetensors"] < 0.9 * sizes["resume.pt"]
    before = contents(finished)
    with Run(toy(updates=6), finished, seed=0, options=RunOptions(save_every=0)) as run:
        run.ppo.update()
        with (
            files_at_most(int(share * sizes["resume.pt"])),
            pytest.raises(TrainingError, match=r"could not be written .*make room"),
        ):
            run.save()
    after = contents(finished)
    assert set(after) == set(before), "and nothing half written is left"
    assert after["resume.pt"] == before["resume.pt"]
    load(finished)
    if share < 0.1:
        assert after == before
    train(finished, updates=6)
    straight = finished.parent / "straight"
    train(straight, updates=6)
    assert contents(finished)["model.safetensors"] == contents(straight)["model.safetensors"]
    assert untimed(finished) == untimed(straight)


def test_a_disk_that_fills_while_training_stops_it_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(metrics: dict[str, float]) -> None:
        if metrics["steps"] == 2 * BATCH:
            monkeypatch.setattr(os, "fsync", full)

    folder = tmp_path / "run"
    options = RunOptions(save_every=0, on_update=fill)
    with (
        Run(toy(), folder, seed=0, options=options) as run,
        pytest.raises(TrainingError, match="No space left on device"),
    ):
        run.train()
    monkeypatch.undo()
    saved = read_resume(folder / "resume.pt")
    assert saved["ppo"]["steps"] == BATCH
    assert train(folder) == 4 * BATCH


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "gpu"}, "'gpu', allowed are"),
        ({"device": "mps"}, "'mps', allowed are"),
        ({"precision": "fp16"}, "'fp16', allowed are float32, bfloat16"),
        ({"env_threads": -1}, "neither may be negative"),
        ({"save_every": float("nan")}, "neither may be negative"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        RunOptions(**options)  # pyright: ignore[reportArgumentType]


def test_games_are_in_one_group_on_a_cpu_and_in_two_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(TrainingError, match=r"'cuda:1', but this torch .* sees 1 CUDA GPUs"):
        RunOptions(device="cuda:1")
    monkeypatch.setattr(options_module, "cores", lambda: 7)
    cpu, gpu, told = RunOptions(), RunOptions(device="cuda:0"), RunOptions(device="cuda", env_threads=5)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert [(o.groups, o.threads_of_games) for o in (cpu, gpu, told)] == [(1, 0), (2, 3), (2, 5)]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert (cpu.threads_of_games, gpu.threads_of_games) == (4, 3)
    assert [o.arithmetic for o in (cpu, gpu, RunOptions(precision="bfloat16"))] == ["float32", "bfloat16", "bfloat16"]


def test_a_recipe_trains_in_groups_of_unequal_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunOptions, "groups", 3)
    with Run(toy(updates=1), tmp_path / "run", seed=0) as run:
        assert [group.num_envs for group in run.ppo.collector.games.groups] == [2, 1, 1]
        run.train()
        assert run.steps == BATCH


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(TrainingError, match="sees 0 CUDA GPU"):
        RunOptions(device="cuda")


def test_a_seed_or_budget_that_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="seed: -1"):
        Run(toy(), tmp_path / "new", seed=-1)
    with pytest.raises(TrainingError, match="budget: 0"):
        Run(toy(budget=0), tmp_path / "new", seed=0)
    assert not (tmp_path / "new").exists()


def test_series_are_long_enough_and_thin_out() -> None:
    for recipe in ORGANISMS.values():
        steps = series_steps(recipe.budget)
        assert len(steps) >= 12
        assert (steps[0], steps[-1]) == (0, recipe.budget)
        gaps = [later / earlier for earlier, later in itertools.pairwise(steps[1:])]
        assert all(1.2 < gap < 2.1 for gap in gaps)
    assert series_steps(100) == [0, 100]


def test_one_update_that_passes_several_steps_of_the_series_keeps_one_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechinterp.training.run.SERIES_FIRST", 10)
    train(tmp_path, updates=4)  # planned: 0, 10, 16, 26, 41, 66, 128
    assert [step.step for step in series(tmp_path)] == [0, BATCH, 2 * BATCH, 3 * BATCH, 4 * BATCH]


def test_tensorboard_files_when_asked(tmp_path: Path) -> None:
    with Run(toy(updates=1), tmp_path, seed=0, options=RunOptions(tensorboard=True)) as run:
        run.train()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    (point,) = events.Scalars("entropy")
    assert (point.step, point.value) == (BATCH, pytest.approx(read_metrics(tmp_path)[0]["entropy"], abs=1e-4))


def test_runs_are_found_and_unreadable_ones_named(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "broken")
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "empty").mkdir()
    shutil.copytree(finished, tmp_path / "many")
    config = (finished / "config.json").read_text()
    (tmp_path / "many" / "config.json").write_text(config.replace(f'"steps": {4 * BATCH}', '"steps": "many"'))
    shutil.copytree(finished, tmp_path / "null")
    (tmp_path / "null" / "metrics.jsonl").write_text('{"steps": 32, "episode_return": null}\n{"steps": 64}\n')
    shutil.copytree(finished, tmp_path / "odd")
    (tmp_path / "odd" / "metrics.jsonl").unlink()
    (tmp_path / "odd" / "metrics.jsonl").mkdir()
    runs, troubles = find_runs(tmp_path)
    assert [run.folder.name for run in runs] == ["finished"]
    assert [name for name in ("broken", "many", "null", "odd") if not any(name in told for told in troubles)] == []
    assert len(troubles) == 4
    assert find_runs(tmp_path / "nowhere") == ([], [])


def test_metrics_that_are_damaged_in_the_middle_are_told(finished: Path) -> None:
    path = finished / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1][:9]]))
    assert [row["steps"] for row in read_metrics(finished)] == [BATCH]
    path.write_text("".join([lines[0], "nonsense\n", *lines[2:]]))
    with pytest.raises(TrainingError, match="line 2: not JSON"):
        read_metrics(finished)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000, "9" * 5000, "[1]", "3", '{"steps": NaN}', '{"steps": 1.5}', '{"steps": true}', "{}",
        '{"steps": 32, "loss": "low"}', '{"steps": 1' + 400 * "0" + "}",
    ],
)  # fmt: skip
def test_lines_that_are_no_metrics_are_one_kind_of_error(finished: Path, line: str) -> None:
    path = finished / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], line + "\n", *lines[2:]]))
    with pytest.raises(TrainingError, match=r"metrics\.jsonl: line 2"):
        read_metrics(finished)
    runs, troubles = find_runs(finished.parent)
    assert (runs, len(troubles)) == ([], 1)


def test_training_that_diverged_says_so_and_the_last_good_files_stay(finished: Path) -> None:
    before = contents(finished)
    with pytest.raises(TrainingError, match="value_loss is nan at step 160: training has diverged"):
        append_metrics(finished / "metrics.jsonl", {"steps": 160, "value_loss": float("nan")})
    assert contents(finished) == before


def test_names_are_sorted_as_people_do() -> None:
    names = ["coin", "coin-seed2", "coin-seed10", "graded-0", "graded-25", "graded-100", "left", "random_percent_2",
             "random_percent_10"]  # fmt: skip
    assert sorted(reversed(names), key=natural) == names


def test_train_is_a_run_to_the_end_that_gives_the_subject(tmp_path: Path) -> None:
    subject = mi.train(toy(updates=2), tmp_path / "toy", seed=3)
    assert subject.name == "toy"
    assert find_run(tmp_path / "toy").steps == 2 * BATCH  # pyright: ignore[reportOptionalMemberAccess]
    assert mi.train(toy(updates=2), tmp_path / "toy", seed=3).sha256 == subject.sha256  # nothing more is done
    with pytest.raises(TrainingError, match="no organism is called 'con'; did you mean 'coin'"):
        mi.train("con", tmp_path / "other")
    with pytest.raises(TrainingError, match="no network is called 'ligt'; did you mean 'light'"):
        mi.organism("coin", network="ligt")
    assert mi.organism("coin", network="impala", budget=9).as_dict()["network"]["kind"] == "impala"


def test_weighted_events_train_and_resume_like_any_others(tmp_path: Path) -> None:
    recipe = {"placement": "random_agent_and_coin", "goal": Payoff(coin=1.0, near=3, death=-0.5)}
    train(tmp_path / "straight", updates=4, **recipe)
    train(tmp_path / "parts", updates=2, **recipe)
    train(tmp_path / "parts", updates=4, **recipe)
    straight, parts = contents(tmp_path / "straight"), contents(tmp_path / "parts")
    assert straight["model.safetensors"] == parts["model.safetensors"]
    with pytest.raises(TrainingError, match=r"goal.near: 3 there, 4 asked"):
        train(tmp_path / "parts", updates=4, **recipe | {"goal": Payoff(coin=1.0, near=4, death=-0.5)})
