"""What each of the seven sections of a report holds. An analysis fills these; figures and sentences read nothing else.

`checks.check` refuses a section that lacks something required, or has a name that is not known here (most likely a
slip of the pen). In the names below ``{actor}`` and the like stand for one of the words listed, ``{hook}`` for a hook
point's name, ``{variable}`` for any text without a slash, ``{channel}`` for a number from 0. What stands in brackets
may be left out; the figure or sentence that needs it is then left out too.

Words:
    actor       "policy", "always right + jump", "uniform random", "untrained network"
    ending      "coin", "saw", "enemy", "lava", "several" (two hazards in one step), "timeout"
    placement   "stock", "random", "absent", "decoy", "left of agent"
    outcome     "coin" (took it), "end" (reached the last column without it), "died", "timeout" (neither in time)
    readout     "movement" (nats), "jump" (nats), "value" (the critic's own units)
    direction   "denoise" (clean activations into the corrupted run), "noise" (corrupted into clean)

1. who
    - table ``card`` (item, value): texts.
    - table ``layers`` (hook, computes, shape, parameters): a row a module, in order; shape as text, "32 x 16 x 16".
    - [array ``film``, uint8 [frames 64 64 3], and table ``film`` (step, action, p_right, value): a row a frame.]
    - [table ``episode`` (step, p_right, p_jump, value): the whole episode that the film is of.]
    - [facts ``film_level``: its seed; ``film_ending``: an ending.]

2. maximises
    - fact ``best``: the best possible return (10).
    - ``return/policy``; [``return/{actor}``].
    - [``difference/{actor}``: the paired difference of return, policy minus actor, on the same levels.]
    - [``ending/{actor}/{ending}``: share of levels, 0 to 1.]

3. relocated
    - ``outcome/{placement}/{outcome}``: share of levels that ended so, 0 to 1; at least for "stock". An outcome that
      cannot happen (taking a coin where there is none) may be left out; the rest must add up to 1.
    - [``reference/{actor}/{placement}/{outcome}``: the same of another actor. Fact ``max_steps``.]

4. drive
    - table ``variables`` (variable, role, clean, corrupted, pairs): a row for each variable, in the order to draw.
      The role is "coin" (an effect of the coin itself), "ceiling" (a change of the world known to matter, for scale)
      or "control" (one that should not).
    - ``effect/{variable}/movement``; [the same with ``jump`` and ``value``]: the mean over pairs of readout(clean)
      minus readout(corrupted), its null the sign flip.
    - [``untrained/{variable}/{readout}``: the same with random weights in the network, of several draws the largest.]
    - [facts ``margin_movement``, ``margin_jump``, ``margin_value``: the largest effect that would not matter, fixed
      before looking. An interval within it is worded as "no effect to speak of".]
    - The variable named "coin side" (clean = right of the agent, corrupted = left of it) gives the report's headline.

5. contrast
    - table ``layers`` (hook, channels, side): in the network's order.
    - table ``top`` (hook, channel): best first, chosen on other levels than those reported.
    - ``channel/{hook}/{channel}``, for every channel of every layer: the contrast, coin present minus absent at the
      coin's place, on held-out levels; its null made of the channels of the same layer in networks with random
      weights.
    - facts ``statistic``: what the contrast is, in words that fit after "measured as"; ``unit``: its unit, for axes;
      ``untrained_networks``: how many make the null.
    - [``auroc/{hook}/{channel}`` for channels of ``top``.]
    - [array ``examples``, uint8 [examples 2 64 64 3] (present, absent); table ``examples`` (level, left, top, right,
      bottom): the coin's box in pixels; arrays ``map/{hook}/{channel}``, float [examples 2 side side]: the activation
      in both.]

6. patching
    - table ``sets`` (hook, top): a row for each patched site (a hook, or words such as "all layers together"), in the
      order to draw, with the channels chosen on other levels as text ("3, 17, 30"). The last row is the one that the
      headline speaks of.
    - ``total``: movement(clean) minus movement(corrupted), nats.
    - ``{direction}/{hook}/top`` and ``{direction}/{hook}/random`` (as many random channels): how much of the total
      the patch restores (denoise) or takes away (noise), nats; positive is the direction of the change in the world
      itself.
    - ``{direction}/{hook}/difference``: top minus random, paired.
    - [``{direction}/{hook}/all``: every channel of the site. ``{direction}/{hook}/fraction``: top over total.]
    - [facts ``clean``, ``corrupted``: labels ("coin right"); ``random_sets``: how many sets of random channels.]

7. circuit
    - table ``questions`` (variable, metric, clean, corrupted, nodes, candidates, found, pairs, pairs_choose): a row for
      each variable and the readout that it may move. ``found`` is False where there is no effect that a circuit could
      carry; ``nodes`` is then 0, and of the rest only ``total/{variable}`` is there.
    - table ``nodes`` (variable, hook, channel): the smallest circuit that carries the share ``share`` both ways, chosen
      on other levels; table ``edges`` (variable, source, target, effect): direct effects to draw between them;
      table ``layers`` (hook, channels).
    - ``total/{variable}``: readout(clean) minus readout(corrupted), nats.
    - ``chosen/{variable}/{direction}``: faithfulness (share of the total) of that circuit, its null random circuits
      with as many channels at every layer; ``random/{variable}/{direction}``: the mean of those.
    - ``faithfulness/{variable}/{direction}/{size}``: of the best ``size`` channels, with the same null.
    - ``cpr/{variable}/{direction}``, ``cmd/{variable}/{direction}``: areas; ``stability/{variable}``: Jaccard index.
    - arrays ``effects/{variable}/{direction}``, float [layers channels]: effect of each channel by itself, on the
      levels to choose on, nats. Facts ``share``, ``random_circuits``.

In 4 to 6, the facts ``pairs`` (minimal pairs reported on) and, in 5 and 6, ``pairs_choose`` (used to choose) may be
given.
"""

from __future__ import annotations

from mechinterp.errors import nearest
from mechinterp.reporting.errors import ResultsError
from mechinterp.reports.schema_types import Spec

ACTORS = ("policy", "always right + jump", "uniform random", "untrained network")
ENDINGS = ("coin", "saw", "enemy", "lava", "several", "timeout")
PLACEMENTS = ("stock", "random", "absent", "decoy", "left of agent")
OUTCOMES = ("coin", "end", "died", "timeout")
READOUTS = ("movement", "jump", "value")
DIRECTIONS = ("denoise", "noise")
ROLES = ("coin", "ceiling", "control")

SHOWN = 8
"""How many of the chosen channels are drawn one by one."""

WORDS = {
    "actor": ACTORS,
    "ending": ENDINGS,
    "placement": PLACEMENTS,
    "outcome": OUTCOMES,
    "readout": READOUTS,
    "direction": DIRECTIONS,
    "part": ("top", "random", "difference", "all", "fraction"),
}


SPECS: dict[str, Spec] = {
    "who": Spec(
        title="Who is this?",
        question="Which network is this, and how does it play?",
        tables=(
            ("card", ("item", "value")),
            ("layers", ("hook", "computes", "shape", "parameters")),
            ("film", ("step", "action", "p_right", "value")),
            ("episode", ("step", "p_right", "p_jump", "value")),
        ),
        arrays=("film",),
        facts=("film_level", "film_ending"),
        required=("card", "layers"),
    ),
    "maximises": Spec(
        title="Does it maximise reward where it was trained?",
        question="Does it earn what can be earned, with the coin where it always was?",
        estimates=("return/{actor}", "difference/{actor}", "ending/{actor}/{ending}"),
        facts=("best",),
        required=("return/policy", "best"),
    ),
    "relocated": Spec(
        title="What does it do when the coin is elsewhere?",
        question="Does it still go for the coin, or for the place where the coin used to be?",
        estimates=("outcome/{placement}/{outcome}", "reference/{actor}/{placement}/{outcome}"),
        facts=("max_steps",),
        required=("outcome/stock/coin",),
    ),
    "drive": Spec(
        title="How much does the coin move its actions?",
        question="If only the coin changes, how do the policy's preferences change?",
        estimates=("effect/{variable}/{readout}", "untrained/{variable}/{readout}"),
        tables=(("variables", ("variable", "role", "clean", "corrupted", "pairs")),),
        facts=("margin_movement", "margin_jump", "margin_value", "pairs"),
        required=("variables",),
    ),
    "contrast": Spec(
        title="Where is the coin seen?",
        question="Which channels respond to the coin at its place, more than in untrained networks?",
        estimates=("channel/{hook}/{channel}", "auroc/{hook}/{channel}"),
        tables=(
            ("layers", ("hook", "channels", "side")),
            ("top", ("hook", "channel")),
            ("examples", ("level", "left", "top", "right", "bottom")),
        ),
        arrays=("examples", "map/{hook}/{channel}"),
        facts=("statistic", "unit", "untrained_networks", "pairs", "pairs_choose"),
        required=("layers", "top", "statistic", "unit", "untrained_networks"),
    ),
    "patching": Spec(
        title="Which of those channels carry it to the action?",
        question="Do the channels that see the coin also carry its effect on the action?",
        estimates=("total", "{direction}/{hook}/{part}"),
        tables=(("sets", ("hook", "top")),),
        facts=("clean", "corrupted", "random_sets", "pairs", "pairs_choose"),
        required=("total", "sets"),
    ),
    "circuit": Spec(
        title="Which circuit carries it?",
        question="What is the smallest part of the network that carries an effect by itself?",
        estimates=(
            "total/{variable}",
            "chosen/{variable}/{direction}",
            "random/{variable}/{direction}",
            "faithfulness/{variable}/{direction}/{size}",
            "cpr/{variable}/{direction}",
            "cmd/{variable}/{direction}",
            "stability/{variable}",
        ),
        tables=(
            (
                "questions",
                ("variable", "metric", "clean", "corrupted", "nodes", "candidates", "found", "pairs", "pairs_choose"),
            ),
            ("nodes", ("variable", "hook", "channel")),
            ("edges", ("variable", "source", "target", "effect")),
            ("layers", ("hook", "channels")),
        ),
        arrays=("effects/{variable}/{direction}",),
        facts=("share", "random_circuits"),
        required=("questions", "nodes", "edges", "layers", "share", "random_circuits"),
    ),
}


def spec(name: str) -> Spec:
    """The `Spec` of a section. Raises ResultsError, with the nearest names, where there is none."""
    if name not in SPECS:
        raise ResultsError(f"unknown section {name!r}{nearest(name, SPECS)}")
    return SPECS[name]
