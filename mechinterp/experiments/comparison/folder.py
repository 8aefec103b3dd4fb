"""A comparison as a folder: a text with tables, a figure, and the results of each subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechinterp import _folders
from mechinterp._files import read_text, write_text
from mechinterp._text import file_name, one_line
from mechinterp.experiments.comparison import drawing
from mechinterp.experiments.comparison.claims import claims
from mechinterp.experiments.comparison.false_alarms import FalseAlarms
from mechinterp.experiments.comparison.reading import load, summarise, without_pictures
from mechinterp.experiments.comparison.summary import Summary
from mechinterp.experiments.comparison.tables import tables, verdicts
from mechinterp.experiments.results import Results
from mechinterp.reporting.errors import ResultsError
from mechinterp.reporting.figure import Figure
from mechinterp.reporting.png import pictures

TITLE = "# Is the coin represented, and is it used?"
TEXT, PICTURE = "README.md", "comparison.png"


def write_comparison(
    paths: Sequence[str | Path], folder: str | Path, *, command: str, untrained: str | Path | None = None
) -> tuple[Path, str | None]:
    """Write ``README.md``, ``comparison.png`` and ``NAME.json`` (results without pictures) for each subject.

    Args:
        paths: localization results, or what an earlier comparison kept of them; of one subject the last file counts.
        command: with which the comparison is made again, as written into the text.
        untrained: what `analyses/untrained_networks.py` wrote: the false alarms that are reported under the claims.

    Returns:
        The text's path, and why there is no PNG file (None where there is one).

    Raises:
        ResultsError: see `load` and `summarise`; or the folder holds files of these names that are not of a comparison.
            Nothing is written then.
            Another process writes into it.
        OSError: the folder cannot be written.
    """
    everyone = load(paths)
    subjects = [summarise(results) for results in everyone]
    folder = Path(folder)
    alarms = None if untrained is None else FalseAlarms.load(untrained)
    with _folders.held(folder, error=ResultsError):
        _refuse_foreign(folder, [results.identity.name for results in everyone])
        for results in everyone:
            without_pictures(results).save(folder / _file(results.identity.name))
        drawn, note = pictures([Figure(drawing.figure(subjects), _ALTERNATIVE)], folder)
        write_text(folder / TEXT, text(subjects, command=command, figure=bool(drawn), alarms=alarms))
    return folder / TEXT, note


def _file(name: str) -> str:
    """What the results of a subject are called, in the folder and never outside of it, whatever its name."""
    return f"{file_name(name)}.json"


_ALTERNATIVE = "One row a subject: the coin direction's AUROC, the coin's effect, its attribution, and going right"


def text(subjects: Sequence[Summary], *, command: str, figure: bool = True, alarms: FalseAlarms | None = None) -> str:
    """The comparison in Markdown.

    Args:
        figure: whether there is a picture to show.
    """
    parts = [
        TITLE,
        'Trinh et al. (2024) find that CoinRun agents "do not represent the coin at all"; Hilton et al. (2020) show a '
        "coin feature. They studied different networks. This page says what holds for each of ours. It is made from "
        f"the JSON files next to it, which `mechinterp locate` measured, by\n\n    {one_line(command)}",
        "\n".join(claims(subjects)),
    ]
    if alarms is not None:
        parts.append(alarms.text())
    if figure:
        parts.append(f"![{_ALTERNATIVE}]({PICTURE})")
    for one in tables(subjects):
        parts += [one.caption, one.table]
    parts += ["Hook points by verdict (see `mechinterp.features.verdicts.Verdict`):", verdicts(subjects)]
    parts += ["Square brackets: 95 % confidence intervals over levels."]
    return "\n\n".join(parts) + "\n"


def _refuse_foreign(folder: Path, names: Sequence[str]) -> None:
    """A comparison replaces what an earlier one wrote, and nothing else."""
    page = folder / TEXT
    ours = page.exists() and read_text(page, error=ResultsError).startswith(TITLE)
    for other in [page, folder / PICTURE] if not ours else []:
        if other.exists():
            raise ResultsError(f"{other} exists and was not written by a comparison; give another folder")
    for path in (folder / _file(name) for name in names):
        if path.exists() and without_pictures(kept := Results.load(path)).to_json() != kept.to_json():
            raise ResultsError(f"{path} holds whole results, which would lose their pictures; give another folder")
