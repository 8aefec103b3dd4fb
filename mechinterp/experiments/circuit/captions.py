"""What circuits are said to carry."""

from __future__ import annotations

from dataclasses import replace

from mechinterp.experiments.circuit.result import Circuit, Question
from mechinterp.experiments.inputs.ranks import against_random, exceeds_random
from mechinterp.policies.readouts import as_readout
from mechinterp.reporting.wording import number
from mechinterp.reporting.wording import share as share_words
from mechinterp.stats import Estimate

ALPHA = 0.05


def chosen(question: Question, share: float) -> str:
    """How small the circuit is, and what it carries on held-out levels."""
    assert question.circuit is not None
    circuit = question.circuit
    enough = share_words(share)
    verdict = (
        f"both are clearly at least {enough}" if faithful(circuit, share) else f"not both are clearly at least {enough}"
    )
    return (
        f"{len(circuit.channels)} of {question.candidates} channels reach a faithfulness of {enough} both ways on "
        f"the levels that choose. On held-out levels, the circuit alone restores "
        f"{number(circuit.denoise.chosen, percent=True)} of the effect, and corrupting it removes "
        f"{number(circuit.noise.chosen, percent=True)}: {verdict}. {against_random(question.random_p)}"
    ).strip()


def faithful(circuit: Circuit, share: float) -> bool:
    """Whether it clearly carries this share both ways on levels that did not choose it."""
    return all(way.chosen.low >= share for way in (circuit.denoise, circuit.noise))


def beyond_random(circuit: Circuit) -> bool:
    """Whether it carries more than 95 % of random circuits, both ways."""
    return all(
        way.random is not None and way.chosen.null is not None and (way.chosen.null.p or 1.0) <= ALPHA
        for way in (circuit.denoise, circuit.noise)
    )


def claimed(question: Question, share: float) -> bool:
    """Whether one is claimed: faithful, or more than random circuits, of an effect that random networks do not have."""
    if question.circuit is None or not exceeds_random(question.random_p):
        return False
    return faithful(question.circuit, share) or beyond_random(question.circuit)


def random(circuit: Circuit) -> str:
    """The circuit next to random circuits of its size, and how stable the choice is."""
    parts = []
    for way, words in ((circuit.denoise, "denoising"), (circuit.noise, "noising")):
        own = way.chosen
        if way.random is None or own.null is None:
            continue
        beyond = own.null.p is not None and own.null.p <= ALPHA
        rank = "" if own.null.p is None else f", p = {own.null.p:.2g}"
        parts.append(
            f"{words} {number(own, percent=True)}, random circuits {number(way.random, percent=True)} on average "
            f"({'beyond' if beyond else 'not clearly beyond'} 95 % of them{rank})"
        )
    size = len(circuit.channels)
    head = f"Faithfulness with {size} channels: {'; '.join(parts)}." if parts else f"It takes all {size} channels."
    return f"{head} Circuits chosen on resampled levels share {number(circuit.stability)} of their channels (Jaccard)."


def each(question: Question) -> str:
    """The whole effect, of which every square is a part; or that there is none to carry."""
    readout = as_readout(question.readout)
    total = number(question.total, readout.unit, signed=True)
    clean, size = f"{question.clean[:1].upper()}{question.clean[1:]}", total
    if question.measured == "interaction":
        words = f"{clean}, less {question.corrupted}, changes {readout.symbol} by {total}"
    elif question.measured == "unsigned":
        size = number(_mirrored(question.total), readout.unit)
        words = f"{clean} instead of {question.corrupted} changes {readout.symbol} by {size} on average, up or down"
    else:
        words = f"{clean} instead of {question.corrupted} changes {readout.symbol} by {total}"
    if question.circuit is not None:
        return f"{words}. A square is the part that one channel carries by itself, on the levels that choose."
    return (
        f"{words}. On these levels or on those that choose, that is too close to zero to take shares of. There is "
        "no effect for a circuit to carry, and the squares are mostly noise."
    )


def _mirrored(total: Estimate) -> Estimate:
    """The clean run is at distance 0 from itself: the total of a distance is never above 0."""
    return replace(total, value=-total.value, low=-total.high, high=-total.low, null=None)
