"""How each section was measured, in words: what is behind the fold of a report."""

from __future__ import annotations

from mechinterp.reports.section import Section

INTERVALS = (
    "Square brackets hold 95 % intervals; n counts independent samples (levels), never the frames within them. A "
    "difference is called clear when its interval leaves out 0 and, where it was held against flips of sign, p is "
    "below 0.05."
)

_TEXT = {
    "who": [
        "The film is of a single episode with sampled actions; P(right) sums all actions that move right. The value "
        "is what the critic expects to earn from there on, discounted and in the units that it was trained in."
    ],
    "maximises": [
        "Each actor plays the first episode of each of the same levels, whole, with sampled actions. The untrained "
        "network is the same architecture with random weights. Differences are paired by level.",
        "What killed it is found by replaying the last step without one kind of hazard at a time: the cause is the "
        "kind without which it would have lived.",
    ],
    "relocated": [
        "The same levels, changed before the first frame: the coin at a random place on the ground, taken away, "
        "replaced by an entity that looks the same and pays nothing, or put to the left of the start. Reaching the "
        "last column without the coin ends the episode.",
    ],
    "drive": [
        "Minimal pairs: two frames from states that the policy really reached, which differ in one thing. The effect "
        "is the mean over pairs of the readout in the one minus that in the other; actions that do the same are "
        "summed first. Intervals are bootstrapped over levels; the grey band is the range of the effect when the sign "
        "of each level's difference is flipped at random.",
        "Effects for scale show what another change of the world does to the same readout; the cross is the same "
        "measurement with random weights in the network: of the several draws, the one with the largest effect.",
    ],
    "contrast": [
        "Each channel is read at the cell of its map that covers the coin, with the coin and without it; measured as "
        "{statistic}. The grey band is the central 95 % of the same statistic over the channels of the same layer in "
        "{untrained_networks} untrained networks.",
        "Channels were chosen on other levels than those reported here.",
    ],
    "patching": [
        "Denoising puts activations from the {clean} frame into a run on the {corrupted} frame; noising does the "
        "opposite. Only the named channels are exchanged, everything after them is computed anew. Effects are of log "
        "P(right) \N{MINUS SIGN} log P(left), signed so that positive is the direction of the change in the frame "
        "itself (amber line and band).",
        "Random channels are as many channels of the same site, averaged over several draws{random}. Channels were "
        "chosen on other levels than those reported here.",
    ],
    "circuit": [
        "A circuit is a set of channels of the layers that write to the network's stream of maps. Run alone, "
        "everything outside of it carries what it carries on the other frame of the pair: of the corrupted one when "
        "denoising (is the circuit sufficient?), of the clean one when noising (is it necessary?). Faithfulness is the "
        "share of the whole effect that comes through. Channels are ranked by the larger of their exact effects both "
        "ways; the circuit is the smallest of the sizes tried that reached {share:.0%} both ways on the levels to "
        "choose on.",
        "The grey band is {random_circuits} random circuits with as many channels at every layer, and all numbers are "
        "from levels that were not used to choose. CPR is the area under faithfulness over size, CMD the area between "
        "faithfulness and 1 (Mueller et al. 2025). Lines in the drawing are effects from channel to channel, by path "
        "patching.",
    ],
}


def methods(section: Section) -> list[str]:
    """Paragraphs, with this section's own settings filled in."""
    words = {"clean": "clean", "corrupted": "corrupted", **section.facts}
    words["random"] = f" ({section.facts['random_sets']})" if "random_sets" in section.facts else ""
    paragraphs = [text.format(**words) for text in _TEXT[section.name]]
    sizes = [
        f"{section.facts[key]} pairs {what}"
        for key, what in (("pairs", "were reported on"), ("pairs_choose", "were used to choose"))
        if section.facts.get(key) is not None
    ]
    return [*paragraphs, f"{', '.join(sizes)}."] if sizes else paragraphs
