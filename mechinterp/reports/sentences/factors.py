"""What is a layer made of?"""

from __future__ import annotations

from mechinterp.reporting.wording import number
from mechinterp.reports.section import Section


def sentences(section: Section) -> dict[str, str]:
    """How well the parts rebuild the layer, and what they are."""
    facts = section.facts
    parts = [
        f"{facts[key]:.0%} of {what}"
        for key, what in (
            ("explained_activations", "the activations (6 factors)"),
            ("explained_attributions", "the attributions (6 factors)"),
            ("explained_latents", "the variance (sparse autoencoder)"),
        )
        if facts.get(key) is not None
    ]
    text = f"On held-out levels the parts of {facts['hook']} rebuild {'; '.join(parts)}. " if parts else ""
    recovered = section.get("sae/recovered")
    if recovered is not None:
        agreement = number(section["sae/agreement/reconstruction"], percent=True)
        text += (
            f"With the autoencoder's reconstruction in its place, {number(recovered, percent=True)} of what a constant "
            f"layer would cost (KL) is saved, and the likeliest action stays the same in {agreement} of frames. "
        )
    names = " Names come from the game's state: the thing whose place fits the map best, scored on other levels."
    return {"factors": (text + str(facts.get("statement") or "") + names).strip()}
