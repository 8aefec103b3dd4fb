"""The comparison as a folder: a text with tables, a figure, and the numbers of each subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechinterp.reporting.errors import ResultsError
from mechinterp.reports.comparison import Compared, compared, load, slim
from mechinterp.reports.figures import comparison as figures
from mechinterp.reports.output import pictures
from mechinterp.reports.results import Results, read_text, write_text
from mechinterp.reports.sentences import comparison as sentences
from mechinterp.reports.untrained import rates

TITLE = "# Is the coin in there, and is it used?"
PAGE, PICTURE = "README.md", "comparison.png"
_CAPTIONS = (
    "Coin channels are confirmed on levels that did not choose them. "
    "Beyond any untrained: farther than any channel of any layer is in 95 % of untrained networks; the others pass the "
    "false discovery rate alone. Like a square of its colour, like it in other colours: channels that give these at "
    "least 80 % of their answer to the coin. AUROC: how well one direction tells a coin from an empty place, at the "
    "last hook point with maps; p is corrected for all hook points.",
    "Pull: log P(right) \N{MINUS SIGN} log P(left) toward the side on which a coin is put, against no coin. Lost: "
    "what of it is lost when the coin channels, or the coin's direction, at the last hook point with maps are taken "
    "back to what they are without the coin.",
    "Channels at the last hook point with maps that tell a thing from nothing (the coin's side: right from left), and "
    "do so better than channels of that layer do in untrained networks; in brackets, those that tell it at all; of "
    "those that are not silent. Where only the number in brackets is there, the subject was measured by an earlier "
    "version.",
    "log P(right) \N{MINUS SIGN} log P(left) over natural frames. Constant share: of its mean square. Steered: the "
    "change when the difference between states where it goes right and left is added at the last hook point, and the "
    "share of frames in which adding raises it and taking away lowers it.",
    "Linear probes at the last hook point (the place: a 1 x 1 convolution at the last maps), score above the best of "
    "pixels and untrained networks.",
)


def write_comparison(
    paths: Sequence[str | Path], folder: str | Path, *, command: str, untrained: str | Path | None = None
) -> tuple[Path, str | None]:
    """Write ``README.md``, ``comparison.png`` and ``NAME.json`` (an atlas without pictures) for each subject.

    Args:
        paths: atlases, or what an earlier comparison kept of them; of one subject the last file counts.
        command: with which the comparison is made again, as written into the text.
        untrained: what `analyses/untrained_networks.py` wrote: how often the search is wrong, as written under the
            claims.

    Returns:
        The text's path, and why there is no PNG file (None where there is one).

    Raises:
        ResultsError: see `comparison.load` and `comparison.compared`; or the folder holds files of these names that are
            not of a comparison. Nothing is written then.
        OSError: the folder cannot be written.
    """
    everyone = load(paths)
    subjects = [compared(results) for results in everyone]
    folder = Path(folder)
    wrong = None if untrained is None else rates(untrained)
    _refuse_foreign(folder, [results.identity.name for results in everyone])
    folder.mkdir(parents=True, exist_ok=True)
    for results in everyone:
        slim(results).save(folder / f"{results.identity.name}.json")
    drawn, note = pictures({"comparison": figures.figure(subjects)}, folder)
    write_text(folder / PAGE, text(subjects, command=command, figure=bool(drawn), wrong=wrong))
    return folder / PAGE, note


def _refuse_foreign(folder: Path, names: Sequence[str]) -> None:
    """A comparison replaces what an earlier one wrote, and nothing else."""
    page = folder / PAGE
    ours = page.exists() and read_text(page).startswith(TITLE)
    for other in [page, folder / PICTURE] if not ours else []:
        if other.exists():
            raise ResultsError(f"{other} is there and was not written by a comparison; give another folder")
    for path in (folder / f"{name}.json" for name in names):
        if path.exists() and slim(kept := Results.load(path)).to_json() != kept.to_json():
            raise ResultsError(f"{path} is a whole atlas, which would lose its pictures; give another folder")


def text(subjects: Sequence[Compared], *, command: str, figure: bool = True, wrong: str | None = None) -> str:
    """The comparison in markdown; `wrong` says how often the search is, see `untrained.rates`."""
    parts = [
        TITLE,
        'Trinh et al. (2024) find that CoinRun agents "do not represent the coin at all"; Hilton et al. (2020) show a '
        "coin feature. They looked at different networks. What holds for each of ours, from `mechinterp locate`; this "
        f"page is made from the JSON files beside it by\n\n    {command}",
        "\n".join(sentences.claims(subjects)),
    ]
    parts += [words for words in (wrong, sentences.older(subjects)) if words]
    if figure:
        parts.append("![One row a subject: coin decoded, its pull, attribution, going right](comparison.png)")
    for table, caption in zip(sentences.tables(subjects), _CAPTIONS, strict=True):
        parts += [caption, table]
    parts += ["Hook points by verdict (`mechinterp.features.verdicts.VERDICTS` says what each means):"]
    parts += [sentences.verdicts(subjects), "Square brackets: 95 % intervals over levels."]
    return "\n\n".join(parts) + "\n"
