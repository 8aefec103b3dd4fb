"""Kills train, report, locate and card at random moments, again and again, and shows that nothing is lost.

    python analyses/killed.py --kills 100 --out analyses/reports/killed

Each command works on a small network and with few levels, in a child process that is ended by SIGKILL after a random
part of the time that it takes undisturbed; then it is started anew. When it has ended by itself, what it wrote is
compared with what an undisturbed run wrote. A child is forked, so that it need not import everything once more.
After every kill, all that stands under its own name must be whole: results and evaluations are read, and what was there
before the kill must still be there.

``counts.json`` keeps what happened so far: a run of this script that was itself ended goes on from it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from mechinterp.cli import main as mechinterp
from mechinterp.commands import card
from mechinterp.experiments import Results
from mechinterp.experiments.store import PARTIAL
from mechinterp.policies import ImpalaConfig, build, load, save
from mechinterp.training import Run, RunOptions, examination, find_run, organism
from mechinterp.training.organisms import NETWORKS
from mechinterp.training.records import read_resume

NETWORK = ImpalaConfig((4, 4), res_blocks=1, stem_kernel=5, stem_stride=4, hidden=8, actions=(6, 7, 8, 1))
UPDATES = 2
"""Of a training run, 4,096 steps each."""
ROUND = 5
"""Kills of one command, before the next has its turn."""


class Lost(Exception):
    """Something was lost, or is not as it should be."""


def check(right: bool, what: str) -> None:
    """Raise `Lost` unless it is right."""
    if not right:
        raise Lost(what)


# ------------------------------------------------------------------------------------------------ what is killed


@dataclass
class Job:
    """A command in a folder of its own.

    Attributes:
        prepare: fills a new folder with what the command needs.
        work: does all of the work, or goes on with it.
        whole: raises where something in the folder is cut off; returns the names of what is done so far.
        same: raises where two finished folders differ.
    """

    name: str
    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    whole: Callable[[Path], set[str]]
    same: Callable[[Path, Path], None]


@dataclass
class Counts:
    """What happened to one command so far."""

    kills: int = 0
    early: int = 0
    """Kills before anything of it was on the disk."""
    halves: int = 0
    """Kills that left a half-written file, which the next run removed."""
    finished: int = 0
    """Runs that were killed and went on until they ended, with the files of an undisturbed run."""
    seconds: list[float] = field(default_factory=list)
    """That an undisturbed run took."""


def _train(folder: Path) -> None:
    recipe = organism("coin", network="small", budget=UPDATES * 4096)
    with Run(recipe, folder, seed=0, options=RunOptions(save_every=0)) as run:
        run.train()


def _whole_run(folder: Path) -> set[str]:
    if (folder / "resume.pt").exists():
        read_resume(folder / "resume.pt")
    if (folder / "config.json").exists() and (folder / "model.safetensors").exists():
        load(folder)
        find_run(folder)
    return {path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


def _same_run(one: Path, other: Path) -> None:
    for path in sorted(other.rglob("*.safetensors")):
        check((one / path.relative_to(other)).read_bytes() == path.read_bytes(), f"{path.name} has other bits")
    rows = [
        [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in (f / "metrics.jsonl").open()]
        for f in (one, other)
    ]
    check(rows[0] == rows[1], "metrics differ")


TIMES = ("seconds", "steps_per_second", "collect_share")


def _checkpoint(folder: Path) -> None:
    policy = build(NETWORK, seed=0)
    policy.get_parameter("logits.weight").data.mul_(100)
    save(policy, folder / "small", provenance={"steps": 0})


def _page(command: str, levels: int) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        words = [command, str(folder / "small"), "--quick", "--levels", str(levels), "--out", str(folder / "page")]
        check(mechinterp(words) == 0, f"{command} ended with an error")

    return work


def _whole_page(folder: Path) -> set[str]:
    there = set()
    if (folder / "page" / "results.json").exists():
        there |= set(Results.load(folder / "page" / "results.json").sections)
    for path in (folder / "page" / PARTIAL).glob("[!.]*.json"):
        json.loads(path.read_text())
        there.add(path.stem)
    return there


def _same_page(one: Path, other: Path) -> None:
    """The numbers, and the figures that are drawn of them; the command in the footer names another folder."""
    found = [json.loads(Results.load(folder / "page" / "results.json").to_json()) for folder in (one, other)]
    for content in found:
        del content["settings"]["command"]
    check(found[0] == found[1], "results differ")
    names = {path.relative_to(other) for path in other.rglob("*")}
    check({path.relative_to(one) for path in one.rglob("*")} == names, "there are other files")
    for name in names:
        if name.parent.name == "figures":
            check((one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs")


def _trained(root: Path) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(root / "trained", folder / "run")
        (folder / "weaknesses.md").write_text("It is small.\n")

    return prepare


def _card(folder: Path) -> None:
    words = ["card", str(folder / "run"), "--weaknesses", str(folder / "weaknesses.md"), "--levels", "10"]
    check(mechinterp(words) == 0, "card ended with an error")


def _whole_card(folder: Path) -> set[str]:
    check(find_run(folder / "run") is not None, "there is no run")
    path = folder / "run" / "README.md"
    check(not path.exists() or path.read_text().endswith("as data\n"), "README.md is cut off")
    return {one.name for one in (folder / "run").iterdir() if not one.name.startswith(".")}


def _same_card(one: Path, other: Path) -> None:
    names = {path.relative_to(other) for path in other.rglob("*")}
    check({path.relative_to(one) for path in one.rglob("*")} == names, "there are other files")
    for name in names:
        if (one / name).is_file():
            check((one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs")


def shorten() -> None:
    """Make training and examination take seconds, in this process alone."""
    vars(NETWORKS)["_items"]["small"] = lambda: NETWORK  # a registry cannot be added to
    card.MAX_STEPS = 60  # pyright: ignore[reportAttributeAccessIssue]
    examination.choice_tests = partial(examination.choice_tests, variants=2, max_steps=20)


# ------------------------------------------------------------------------------------------------ killing


def forked(work: Callable[[Path], None], folder: Path) -> int:
    """Work in a child process; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        work(folder)
        status = 0
    finally:
        os._exit(status)


def undisturbed(job: Job, folder: Path) -> float:
    """Do the work without a kill, in a new folder; the seconds that it took."""
    folder.mkdir()
    job.prepare(folder)
    began = time.monotonic()
    _, status = os.waitpid(forked(job.work, folder), 0)
    check(status == 0, f"{job.name}: a run that was not killed ended with {status}")
    return time.monotonic() - began


def killed_once(job: Job, folder: Path, seconds: float, rng: random.Random) -> bool:
    """Work until a random moment; whether it was killed (and had not ended by then)."""
    child = forked(job.work, folder)
    time.sleep(rng.uniform(0, seconds))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    check(os.WIFSIGNALED(status) or status == 0, f"{job.name}: a run after a kill ended with {status}")
    return os.WIFSIGNALED(status)


def trial(job: Job, root: Path, straight: Path, counts: Counts, kills: int, rng: random.Random) -> None:
    """Kill one run again and again until it ends by itself (or until there were enough kills), and compare."""
    folder = Path(tempfile.mkdtemp(dir=root, prefix=f"{job.name}-"))
    job.prepare(folder)
    there: set[str] = job.whole(folder)
    before, already = set(there), counts.kills
    while counts.kills < kills:
        if not killed_once(job, folder, max(counts.seconds), rng):
            break
        counts.kills += 1
        now = job.whole(folder)
        check(there <= now, f"{job.name}: lost {', '.join(there - now)}")
        counts.early += now == before
        counts.halves += any(folder.rglob(".*.half"))
        there = now
    _, status = os.waitpid(forked(job.work, folder), 0)
    check(status == 0, f"{job.name}: a run after kills ended with {status}")
    job.same(folder, straight)
    left = [path.name for path in folder.rglob(".*")]
    check(not left, f"{job.name}: {', '.join(left)} left over")
    counts.finished += counts.kills > already  # else it ended before its first kill, and shows nothing
    shutil.rmtree(folder)


def table(counts: dict[str, Counts]) -> str:
    """What happened, in Markdown."""
    lines = [
        "# Killed at random moments",
        "",
        "Made by `python analyses/killed.py`. Each run of a command is ended by SIGKILL after a random part of the "
        "time that it takes undisturbed, and started again, until it ends by itself. Small networks, few levels. After "
        "every kill all files are whole and nothing that was there before is gone; in the end weights, series, "
        "metrics, results, figures and cards equal those of an undisturbed run bit for bit, and no other file is left. "
        "The first loss would have ended the script. `card` keeps nothing before it has measured everything.",
        "",
        "| command | kills | nothing written since the start | amid a write | runs finished | lost or different |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    lines += [f"| {name} | {c.kills} | {c.early} | {c.halves} | {c.finished} | 0 |" for name, c in counts.items()]
    total = [sum(getattr(c, key) for c in counts.values()) for key in ("kills", "early", "halves", "finished")]
    return "\n".join([*lines, f"| all | {' | '.join(map(str, total))} | 0 |"]) + "\n"


def written(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a kill leaves the old one or the new one."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="in all, a quarter of them for each command")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, default=Path("build/killed"), help="folder of counts.json and killed.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shorten()
    root = Path(tempfile.mkdtemp(prefix="killed-"))
    jobs = (
        Job("train", lambda folder: None, _train, _whole_run, _same_run),
        Job("report", _checkpoint, _page("report", 10), _whole_page, _same_page),
        Job("locate", _checkpoint, _page("locate", 36), _whole_page, _same_page),
        Job("card", _trained(root), _card, _whole_card, _same_card),
    )
    path = options.out / "counts.json"
    counts = {job.name: Counts() for job in jobs}
    if path.exists():
        counts |= {name: Counts(**one) for name, one in json.loads(path.read_text()).items()}
    try:
        _train(root / "trained")  # also loads what every child would load
        for share in [*range(ROUND, options.kills // len(jobs), ROUND), -(-options.kills // len(jobs))]:
            for job in jobs:
                own, straight = counts[job.name], root / f"{job.name}-straight"
                rng = random.Random(f"{options.seed} {job.name} {own.kills}")
                while own.kills < share:
                    if not straight.exists():
                        own.seconds = [undisturbed(job, straight)]
                    trial(job, root, straight, own, share, rng)
                    written(path, json.dumps({name: vars(one) for name, one in counts.items()}, indent=1) + "\n")
                    written(options.out / "killed.md", table(counts))
                    print(f"{job.name}: {own.kills} kills, {own.finished} runs finished", file=sys.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(table(counts))


if __name__ == "__main__":
    main()
