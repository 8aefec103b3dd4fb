"""Show the decomposition of the movement log-odds, and steering."""

from __future__ import annotations

from mechinterp.experiments.action_tendency import captions
from mechinterp.experiments.action_tendency.result import Result
from mechinterp.policies.readouts import READOUTS
from mechinterp.reporting.figure import Figure, Text, not_measured
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, null_bands, rows, written

METHOD = (
    "Frames are of states that the policy reached itself, on held-out levels. The last layer is linear, so the "
    "movement log-odds split exactly into what each of the {result.units} units of {result.hook} contributes, a bias, "
    "and a term for the number of actions that go right and left (direct logit attribution; Elhage et al. 2021). Units "
    "are chosen on 40 % of the levels and reported on the others.",
    "The steering vector of a layer is its mean activation in the third of the frames with the highest movement "
    "log-odds minus that in the third with the lowest (difference of means; Turner et al. 2023), on the levels that "
    "choose. On the other levels it is added to every frame's activation, or subtracted; the null has random "
    "directions of the same norm.",
)


def figures(result: Result) -> list[Figure]:
    """The decomposition, and the steering vector of the last layer of each block."""
    return [_parts(result), *([_steering(result)] if result.steering else [])]


def text(result: Result) -> Text:
    """What could not be measured."""
    return Text(tables=not_measured(result.left_out))


def _parts(result: Result) -> Figure:
    shown = [result.mean, *result.parts.values(), result.standard_deviation]
    labels = [
        "<b>mean</b>",
        *(f"of it: {style.literal(part)}" for part in result.parts),
        "<b>standard deviation</b> over frames",
    ]
    question = "How much of the preference for right does not depend on the frame?"
    fig = style.figure("tendency-parts", question, height=170 + 50 * len(shown))
    at = rows(fig, labels)
    dots(fig, shown, at, label="policy", colour=style.BLUE, unit="nats", size=11)
    written(fig, shown, at, unit="nats", signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text=f"{READOUTS['movement'].symbol}, nats")
    return Figure(fig, captions.parts(result))


def _steering(result: Result) -> Figure:
    own = list(result.steering.values())
    added, subtracted = [one.added for one in own], [one.subtracted for one in own]
    fig = style.figure("tendency-steering", "Does one direction encode right?", height=180 + 60 * len(own))
    at = rows(fig, [f"<b>{style.literal(hook)}</b>" for hook in result.steering])
    null_bands(fig, added, at)
    dots(fig, added, at, label="added", colour=style.BLUE, unit="nats", size=11)
    dots(fig, subtracted, at, label="subtracted", colour=style.RED, unit="nats", size=11, symbol="diamond")
    written(fig, added, at, unit="nats", signed=True)
    fig.add_vline(0, line={"color": style.LIGHT, "width": 1}, layer="below")
    fig.update_xaxes(title_text=f"change of {READOUTS['movement'].symbol}, nats, on held-out levels")
    return Figure(fig, captions.steering(result))
