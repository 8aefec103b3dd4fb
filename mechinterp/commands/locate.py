"""`mechinterp locate`: where the coin is in a network, and whether it is used."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mechinterp.commands import Command, seed


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a weights file of another project")
    parser.add_argument("--out", type=Path, help="folder to write (default: atlas-NAME)")
    parser.add_argument("--levels", type=int, help="unseen levels to take scenes from (default 70; 40 with --quick)")
    parser.add_argument("--seed", type=seed, default=0, help="of every random draw (default 0)")
    parser.add_argument("--hooks", action="append", metavar="NAME", help="only this hook point; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a first look: wide intervals")
    parser.add_argument("--format", metavar="NAME", help="layout of a foreign file, where its keys do not tell")


def _run(arguments: argparse.Namespace) -> None:
    import dataclasses

    import numpy as np
    from tqdm import tqdm

    from mechinterp.features.locate import locate
    from mechinterp.features.plan import LocatePlan
    from mechinterp.reports.measure.atlas import atlas_sections
    from mechinterp.reports.measure.subject import Subject
    from mechinterp.reports.page.atlas import write_atlas
    from mechinterp.reports.results import Results
    from mechinterp.reports.sentences.atlas import sentences

    make = LocatePlan.quick if arguments.quick else LocatePlan
    plan = make() if arguments.levels is None else make(levels=arguments.levels)
    subject = Subject.load(arguments.checkpoint, format=arguments.format)
    subject.policy.select(arguments.hooks)  # an unknown name is refused before anything is measured
    with tqdm(total=STEPS, unit="step", desc=subject.name, dynamic_ncols=True) as bar:

        def tick(words: str) -> None:
            bar.set_postfix_str(words)
            bar.update()

        rng = np.random.default_rng(arguments.seed)
        found = locate(subject.policy, subject.options, plan, rng, hooks=arguments.hooks, tick=tick)
        tick("drawing")
        settings = {
            "command": shlex.join(["mechinterp", *sys.argv[1:]]),
            "seed": arguments.seed,
            **dataclasses.asdict(plan),
            "game": dataclasses.asdict(subject.options),
        }
        results = Results(subject.identity, settings, atlas_sections(subject.policy, found))
        page = write_atlas(results, arguments.out or Path(f"atlas-{subject.name}"))
    print(page)
    for line in sentences(results.sections["atlas"])["atlas-decode"].splitlines():
        print(f"  {line}")


STEPS = 13
"""How often `locate` and the drawing say what they do: the length of the progress bar."""

COMMAND = Command(
    summary="find where the coin is in a network, and whether any action hangs on it",
    example="mechinterp locate checkpoints/standard --out build/atlas",
    configure=_configure,
    run=_run,
)
