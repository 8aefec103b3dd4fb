"""What the three sections of an atlas hold: `mechinterp locate` writes these, as `schema` says of a report's.

atlas
    - table ``layers`` (hook, channels, side, dead, verdict, coin_channels): a row a hook point, in order; verdicts
      are keys of `features.findings.VERDICTS`, ``words`` their words.
    - ``decode/{hook}``: AUROC of the coin's direction, on held-out levels, against untrained networks.
    - ``total/{readout}``: what the coin does; [``use/{hook}/{part_of}/{readout}``: what taking back does.]
    - [``channel/{hook}/{channel}``: contrast of the confirmed channels; table ``found`` (hook, channel, selective, q,
      square, other_colours).]
    - arrays ``cloud/{hook}`` and ``null/{hook}``, float [channels 2]: contrast and selective contrast of every channel
      of the policy, and of untrained networks.
    - [``probe/{label}/{hook}/score`` and ``.../above``; table ``probes`` (label, hook, kind, best_baseline).]
    - [``share/movement/{thing}/share``, ``.../area``, ``.../excess``.]
    - [arrays ``examples`` [examples 2 64 64 3], ``map/{hook}/{channel}`` [examples 2 side side], and
      ``top/{hook}/{channel}`` [frames 64 64 3], the frames in which the channel is largest; tables ``examples`` and
      ``top`` as in a report.]
    - facts ``represented``, ``used``, ``decoy_difference``, ``untrained_networks``, ``pairs``, ``statement``.
tendency
    - ``tendency/mean``, ``tendency/spread``, ``tendency/right``, ``tendency/part/{piece}``; facts ``black``,
      ``constant_share``.
    - ``steer/{hook}/added``, ``.../removed``, ``.../both ways``; table ``layers`` (hook).
factors
    - ``factor/{kind}/{number}``; table ``factors`` (kind, number, name); facts ``hook``, ``explained_*``, ``dead``.
    - [``sae/{measure}/{replacement}``, ``sae/recovered``.]
"""

from __future__ import annotations

from mechinterp.reports.schema_types import Spec

SPECS: dict[str, Spec] = {
    "atlas": Spec(
        title="Where is the coin?",
        question="Which channels and directions hold the coin, and does any action hang on them?",
        estimates=(
            "decode/{hook}",
            "total/{readout}",
            "use/{hook}/{part_of}/{readout}",
            "channel/{hook}/{channel}",
            "probe/{label}/{hook}/{of_probe}",
            "share/movement/{thing}/{of_share}",
        ),
        tables=(
            ("layers", ("hook", "channels", "side", "dead", "verdict", "words", "coin_channels")),
            ("found", ("hook", "channel", "selective", "q", "square", "other_colours")),
            ("probes", ("label", "hook", "kind", "best_baseline")),
            ("top", ("hook", "channel")),
            ("examples", ("level", "left", "top", "right", "bottom")),
        ),
        arrays=("cloud/{hook}", "null/{hook}", "examples", "map/{hook}/{channel}", "top/{hook}/{channel}"),
        facts=("represented", "used", "decoy_difference", "untrained_networks", "pairs", "statement"),
        required=("layers", "total/movement", "represented", "used", "untrained_networks"),
    ),
    "tendency": Spec(
        title="Is there a tendency to go right?",
        question="What of the movement is there whatever is seen, and is there a direction that means right?",
        estimates=(
            "tendency/mean",
            "tendency/spread",
            "tendency/right",
            "tendency/part/{piece}",
            "steer/{hook}/{of_steer}",
        ),
        tables=(("layers", ("hook",)),),
        facts=("black", "constant_share"),
        required=("tendency/mean", "tendency/spread", "layers"),
    ),
    "factors": Spec(
        title="What is a layer made of?",
        question="Into which parts does a layer fall, and what in the world are they?",
        estimates=("factor/{kind}/{number}", "sae/{measure}/{replacement}", "sae/recovered"),
        tables=(("factors", ("kind", "number", "name")),),
        facts=("hook", "explained_activations", "explained_attributions", "explained_latents", "dead", "statement"),
        required=("factors", "hook"),
    ),
}
