"""What may be said of the factors of a layer."""

from __future__ import annotations

from mechinterp.experiments.factors.result import Autoencoder, Result
from mechinterp.reporting.wording import listed, number, share, stands_out

HOW = (
    "Each label is the object whose area fits the map best, chosen on other levels than those that score it. Grey "
    "bands: maps of different frames exchanged."
)


def factors(result: Result) -> str:
    """How well the factors reconstruct the layer, what the SAE preserves, and which factors follow the coin."""
    lines = [_explained(result)]
    if result.autoencoder is not None:
        lines.append(_spliced(result.autoencoder))
    if any(result.by_kind.values()):
        lines.append(_coin(result))
    return "\n".join(line for line in (*lines, HOW) if line)


def _explained(result: Result) -> str:
    parts = []
    for own, what in ((result.activations, "activations"), (result.attributions, "attributions")):
        if own is not None:
            count = len(own.factors)
            words = f"{count} NMF factor{' reconstructs' if count == 1 else 's reconstruct'}"
            parts.append(f"{words} {share(own.explained)} of the sum of squares of the {what}")
    sae = result.autoencoder
    if sae is not None:
        dead = f", {share(sae.dead)} of them dead" if sae.dead > 0 else ""
        parts.append(
            f"an SAE with {sae.size} latents{dead}, {sae.k} active in each cell, reconstructs {share(sae.explained)} "
            "of the variance"
        )
    return f"On held-out levels, at {result.hook}: {listed(parts)}." if parts else ""


def _spliced(sae: Autoencoder) -> str:
    agreement = number(sae.agreement["reconstruction"], percent=True)
    same = f"the likeliest action stays the same in {agreement} of frames"
    if sae.recovered is None:
        return (
            f"With the SAE's reconstruction in place of the layer {same}. Loss recovered is not defined: mean ablation "
            "of the layer changes the actions too little."
        )
    return (
        f"With the SAE's reconstruction in place of the layer {number(sae.recovered, percent=True)} of the loss (KL "
        f"divergence) of mean ablation is recovered, and {same}."
    )


def _coin(result: Result) -> str:
    found = [
        f"{kind} {which} (r = {number(one.correlation)})"
        for kind, factors in result.by_kind.items()
        for which, one in factors.items()
        if one.object == "coin" and stands_out(one.correlation)
    ]
    return f"The coin is followed by {listed(found)}." if found else "None of them clearly follows the coin."
