"""Model cards: what made a policy, how it learned, what it does, and what it is not good for."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mechinterp._files import write_bytes
from mechinterp._text import in_code, in_markdown, one_line
from mechinterp.coinrun.goals import REWARD, goal_of
from mechinterp.policies import checkpoints
from mechinterp.policies.seen_levels import SEEN_LEVELS, HeldOut
from mechinterp.stats import Estimate
from mechinterp.training import curve, records
from mechinterp.training.errors import TrainingError
from mechinterp.training.options import default_precision
from mechinterp.training.organisms import NETWORKS, ORGANISMS
from mechinterp.training.records import FoundRun

CARD_FILE = "README.md"
CURVE_FILE = "learning-curve.svg"

_STRETCHES, _ROWS = 60, 12


def write_card(
    folder: str | Path,
    *,
    evaluation: Mapping[str, Sequence[Estimate]],
    weaknesses: str,
    command: str | None = None,
    machine: str | None = None,
) -> Path:
    """Write the card of a training run into its folder: ``README.md``, and the learning curve as SVG.

    Args:
        folder: of the run. Recipe, steps and time are read from its config, the curve from its metrics.
        evaluation: tables by title, such as ``{"500 held-out levels": [...], "Choice tests": [...]}``.
        weaknesses: what to beware of, as Markdown.
        command: that trained it; by default, put together from the recipe.
        machine: that trained it; by default what the run has noted.

    Raises:
        TrainingError: no training run in the folder, no metrics, an empty table, or a recipe that is no longer known,
            which needs a ``command``.
    """
    folder = Path(folder)
    run = records.find_run(folder)
    if run is None:
        raise TrainingError(f"{folder}: holds no training run to write a card of")
    check_card(run, weaknesses=weaknesses, command=command)
    if empty := [title for title, table in evaluation.items() if not table]:
        raise TrainingError(f"evaluation: no estimates under {empty[0]!r}")
    metrics = [row for row in records.read_metrics(folder) if "episode_return" in row]
    returns = curve.points(metrics, "episode_return", count=_STRETCHES)
    title = "mean return of training episodes, over environment steps"
    write_bytes(folder / CURVE_FILE, curve.svg(returns, title=title, low=0, high=REWARD).encode())
    machine = machine or str(run.provenance.get("machine", "not recorded"))
    parts = [
        _head(run),
        _making(run, command or training_command(run), machine),
        _learning(run, metrics, returns),
        *([_measuring(run.evaluation)] if run.evaluation is not None else []),
        *(_table(title, estimates) for title, estimates in evaluation.items()),
        f"## Known weaknesses\n\n{weaknesses.strip()}",
        _files(run),
    ]
    write_bytes(folder / CARD_FILE, ("\n\n".join(parts) + "\n").encode())
    return folder / CARD_FILE


def check_card(run: FoundRun, *, weaknesses: str, command: str | None = None) -> None:
    """Refuse what `write_card` could not write a card of, whatever the evaluation.

    Raises:
        TrainingError: no weaknesses, no episode among the metrics, or a recipe that is no longer known.
    """
    if not weaknesses.strip():
        raise TrainingError("weaknesses: empty; every policy has some, and its card says which")
    if not any("episode_return" in row for row in records.read_metrics(run.folder)):
        raise TrainingError(f"{run.folder}: no metrics hold 'episode_return': there is no curve to draw")
    if command is None:
        training_command(run)
    try:
        _making(run, "", "")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TrainingError(
            f"{run.folder / checkpoints.CONFIG}: provenance.organism is no recipe ({type(error).__name__}: {error})"
        ) from error


def training_command(run: FoundRun) -> str:
    """The command that trains the same policy again.

    Raises:
        TrainingError: if today's recipe of that name is another.
    """
    recipe = ORGANISMS.get(run.organism)
    there = {key: value for key, value in run.identity["organism"].items() if key != "network"}
    now = recipe.as_dict() if recipe is not None else {}
    if recipe is None or any(now.get(key) != value for key, value in there.items()):
        raise TrainingError(
            f"{run.folder}: the recipe {run.organism!r} is not today's; give the command that trained it"
        )
    words = [
        "mechinterp",
        "train",
        run.organism,
        "--seed",
        str(run.seed),
        "--out",
        f"checkpoints/{run.folder.resolve().name}",
    ]
    batch = recipe.ppo.batch
    if not recipe.budget <= run.steps < recipe.budget + batch:  # a run ends with the update that passes its budget
        words += ["--steps", str(run.steps)]
    network = run.identity["organism"]["network"]
    if network != now["network"]:
        known = {name: dataclasses.replace(recipe, network=make()).as_dict() for name, make in NETWORKS.items()}
        names = [name for name, plain in known.items() if plain["network"] == network]
        if not names:
            raise TrainingError(f"{run.folder}: its network has no name; give the command that trained it")
        words += ["--network", names[0]]
    # What was trained before these were recorded was trained as by default.
    if (threads := run.provenance.get("threads")) is not None:
        words += ["--threads", str(threads)]
    if (device := run.provenance.get("device", "cpu")) != "cpu":
        words += ["--device", device]
    if (precision := precision_of(run)) != default_precision(device):
        words += ["--precision", precision]
    return shlex.join(words)


def precision_of(run: FoundRun) -> str:
    """Of the arithmetic that a run was trained in."""
    return str(run.provenance.get("precision", "float32"))


def _head(run: FoundRun) -> str:
    recipe = ORGANISMS.get(run.organism)
    told = f"A CoinRun policy, trained by the recipe `{in_code(run.organism)}` with seed {run.seed}."
    value = f" Its value: {recipe.value}." if recipe else ""
    return f"# {in_markdown(run.folder.resolve().name)}\n\n{told}{value}"


def _making(run: FoundRun, command: str, machine: str) -> str:
    recipe = run.identity["organism"]
    options, network, ppo = recipe["options"], recipe["network"], recipe["ppo"]
    levels = recipe["levels"]
    changed = [in_markdown(f"{name} = {value}") for name, value in options.items()]
    facts = [
        ("placement", f"`{in_code(recipe['placement'])}`"),
        ("what pays", goal_of(recipe["goal"]).words),
        ("game", ", ".join(changed)),
        ("levels", f"seeds {levels['start']:,} to {levels['start'] + levels['count'] - 1:,}"),
        ("clock", f"training episodes time out after {recipe['clock']} steps"),
        (
            "network",
            in_markdown(f"{network['kind']}: " + ", ".join(f"{k} = {v}" for k, v in network.items() if k != "kind")),
        ),
        ("PPO", in_markdown(", ".join(f"{name} = {value:g}" for name, value in ppo.items()))),
        ("precision", in_markdown(precision_of(run))),
        ("environment steps", f"{run.steps:,}"),
        (
            "wall time of training",
            f"{run.seconds / 3600:.2f} h ({run.steps / max(run.seconds, 1e-9):,.0f} steps a second)",
        ),
        ("machine", in_markdown(machine)),
        ("threads of torch", in_markdown(str(run.provenance.get("threads", "not recorded")))),
    ]
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts)
    return f"## How it was made\n\n```\n{one_line(command)}\n```\n\n| | |\n|---|---|\n{rows}"


def _learning(run: FoundRun, metrics: Sequence[Mapping[str, float]], returns: Sequence[tuple[float, float]]) -> str:
    columns = {"return": "episode_return", "length": "episode_length", "goal": "share_goal", "died": "share_died"}
    columns |= {"time out": "share_timeout", "entropy (nats)": "entropy"}
    table = {head: curve.points(metrics, name, count=_ROWS) for head, name in columns.items()}
    lines = [f"| steps | {' | '.join(table)} |", "|" + "--:|" * (len(table) + 1)]
    for at in range(len(table["return"])):
        cells = [f"{points[at][1]:.2f}" for points in table.values()]
        lines.append(f"| {table['return'][at][0]:,.0f} | {' | '.join(cells)} |")
    line = curve.sparkline([value for _, value in returns], low=0, high=REWARD)
    return (
        "## Learning curve\n\n"
        f"![mean return of training episodes over environment steps]({CURVE_FILE})\n\n"
        f"`{line}` return, 0 to {REWARD:g}\n\n"
        "Means of the stretch of training that ends at each step; sampled actions, training levels.\n\n"
        + "\n".join(lines)
    )


def _measuring(evaluation: Mapping[str, Any]) -> str:
    actions = "the likeliest action" if evaluation["greedy"] else "sampled actions"
    held_out = evaluation.get("held_out")
    which = (
        HeldOut.from_dict(held_out).words
        if held_out
        else ("Levels are those of seeds that training did not draw; some look and play as levels that it did draw.")
    )
    return (
        f"## Evaluation\n\nWith {actions} and seed {evaluation['seed']}; episodes on held-out levels are given up "
        f"after {evaluation['max_steps']} steps. Under the organism's own placement returns are of what it is paid "
        f"for, elsewhere of coins. {which}"
    )


def _table(title: str, estimates: Sequence[Estimate]) -> str:
    nulls = any(estimate.null is not None for estimate in estimates)
    lines = [f"| | value | interval | n |{' null |' if nulls else ''}", "|---|--:|---|--:|" + ("---|" if nulls else "")]
    for estimate in estimates:
        value, _, rest = str(estimate).partition(" ")
        interval = rest.partition(" (n=")[0]
        row = f"| {in_markdown(estimate.name)} | {value} | {interval} | {estimate.n} {estimate.unit} |"
        if nulls:
            row += (
                f" {in_markdown(estimate.null.description) + f': {estimate.null.value:.3g}' if estimate.null else ''} |"
            )
        lines.append(row)
    levels = sorted({estimate.level for estimate in estimates})
    told = " and ".join(f"{level:.0%}" for level in levels)
    return f"## {in_markdown(title)}\n\n" + "\n".join(lines) + f"\n\n{told} intervals."


def _files(run: FoundRun) -> str:
    steps = ", ".join(f"{step.step:,}" for step in checkpoints.series(run.folder))
    series = f"- `series/`: the weights in half precision after {steps} steps\n" if steps else ""
    there = (run.folder / SEEN_LEVELS).exists()
    levels = f"- `{SEEN_LEVELS}`: which levels training saw, by what they contain\n" if there else ""
    return (
        "## Files\n\n- `model.safetensors`, `config.json`: the policy (`mechinterp.policies.load`)\n"
        f"{series}{levels}- `{records.METRICS_FILE}`: the metrics of every update, with how its episodes ended"
        + (f"\n- `{records.EVALUATION_FILE}`: the tables above as data" if run.evaluation is not None else "")
    )
