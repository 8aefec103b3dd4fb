"""What the sections of an atlas hold: `mechinterp locate` writes these, as `schema` says of a report's.

atlas
    - table ``layers`` (hook, channels, side, dead, verdict, words, coin_channels, channels_move, direction_moves): a
      row a hook point, in order; verdicts are keys of `features.verdicts.VERDICTS`, ``words`` their words; the last two
      name the actions that were shown to hang on all coin channels together, and on the direction.
    - ``decode/{hook}``: AUROC of the coin's direction, on held-out levels, against untrained networks.
    - ``total/{readout}``: what the coin does; [``use/{hook}/{part_of}/{readout}``: what taking back does.]
    - [``channel/{hook}/{channel}``: contrast of the confirmed channels; table ``found`` (hook, channel, selective, q,
      square, other_colours); ``place/{hook}/{channel}/{of_place}``: where its map changes, pixels from the coin
      ("right", "below"), and the share of the change in the 3 x 3 cells "around" it.]
    - arrays ``cloud/{hook}`` and ``null/{hook}``, float [channels 2]: contrast and selective contrast of every channel
      of the policy, and of untrained networks.
    - [``probe/{label}/{hook}/score`` and ``.../above``; table ``probes`` (label, hook, kind, best_baseline).]
    - [arrays ``examples`` [examples 2 64 64 3], ``map/{hook}/{channel}`` [examples 2 side side], and
      ``top/{hook}/{channel}`` [frames 64 64 3], the frames in which the channel is largest; tables ``examples`` and
      ``top`` as in a report.]
    - facts ``represented``, ``used``, ``decoy_difference``, ``untrained_networks``, ``pairs``, ``choosing`` and
      ``held`` (levels), ``statement``.
variables
    - table ``rows`` (variable, hook, channels, beyond_labels, beyond_both, strength, usual, p, channel): as
      `features.variables.VariableContrast`; ``usual`` and ``p`` are of the strength in untrained networks. Older
      files have ``beyond_untrained`` in place of ``beyond_both``: a count by the distance from the median of untrained
      networks' channels, in which channels that tell nothing were counted, too; nothing is drawn from it.
    - ``contrast/{variable}/{hook}``: of that channel.
    - facts ``picture_difference``, ``pictures``, ``statement``.
attribution
    - [``share/{readout}/{thing}/share``, ``.../area``, ``.../excess``: to pixels.]
    - table ``hidden`` (readout, hook, channels, needed); [``hidden/{readout}/{hook}/{channel}/{of_hidden}``;
      ``hidden/{readout}/{hook}/coin``: share of the attribution on coin channels minus their share of the channels.]
    - fact ``most``.
tendency
    - ``tendency/mean``, ``tendency/spread``, ``tendency/right``, ``tendency/part/{piece}``,
      ``tendency/unit/{channel}``; facts ``black``, ``constant_share``, ``hook``, ``units``, ``units_for_most``.
    - ``steer/{hook}/added``, ``.../removed``, ``.../both ways``; table ``layers`` (hook, length).
factors
    - ``factor/{kind}/{number}``; table ``factors`` (kind, number, name); facts ``hook``, ``explained_*``, ``dead``.
    - [``sae/{measure}/{replacement}``, ``sae/recovered``.]
"""

from __future__ import annotations

from mechinterp.reports.schema_types import Spec

_MOVE = ("channels_move", "direction_moves")
_CONTRAST = (
    "variable", "hook", "channels", "beyond_labels", "beyond_both", "strength", "usual", "p", "channel",
)  # fmt: skip
_OLDER_CONTRAST = tuple("beyond_untrained" if name == "beyond_both" else name for name in _CONTRAST)

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
            "place/{hook}/{channel}/{of_place}",
        ),
        tables=(
            ("layers", ("hook", "channels", "side", "dead", "verdict", "words", "coin_channels", *_MOVE)),
            ("found", ("hook", "channel", "selective", "q", "square", "other_colours")),
            ("probes", ("label", "hook", "kind", "best_baseline")),
            ("top", ("hook", "channel")),
            ("examples", ("level", "left", "top", "right", "bottom")),
        ),
        arrays=("cloud/{hook}", "null/{hook}", "examples", "map/{hook}/{channel}", "top/{hook}/{channel}"),
        facts=(
            "represented",
            "used",
            "decoy_difference",
            "untrained_networks",
            "pairs",
            "choosing",
            "held",
            "statement",
        ),
        required=("layers", "total/movement", "represented", "used", "untrained_networks"),
    ),
    "variables": Spec(
        title="What do the channels answer to?",
        question="Which variables of the world does each layer tell apart, better than untrained networks do?",
        estimates=("contrast/{variable}/{hook}",),
        tables=(("rows", _CONTRAST),),
        older=(("rows", _OLDER_CONTRAST),),
        facts=("picture_difference", "pictures", "statement"),
        required=("rows", "picture_difference"),
    ),
    "attribution": Spec(
        title="What decides?",
        question="On which pixels, and on which channels, do its actions and its value hang?",
        estimates=(
            "share/{readout}/{thing}/{of_share}",
            "hidden/{readout}/{hook}/{channel}/{of_hidden}",
            "hidden/{readout}/{hook}/coin",
        ),
        tables=(("hidden", ("readout", "hook", "channels", "needed")),),
        facts=("most",),
        required=("hidden",),
    ),
    "tendency": Spec(
        title="Is there a tendency to go right?",
        question="What of the movement is there whatever is seen, and is there a direction that means right?",
        estimates=(
            "tendency/mean",
            "tendency/spread",
            "tendency/right",
            "tendency/part/{piece}",
            "tendency/unit/{channel}",
            "steer/{hook}/{of_steer}",
        ),
        tables=(("layers", ("hook", "length")),),
        facts=("black", "constant_share", "hook", "units", "units_for_most"),
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
