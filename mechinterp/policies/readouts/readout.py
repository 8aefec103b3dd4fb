"""What a readout is: a function of a policy's output, with everything that figures and sentences say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from mechinterp.policies.errors import PolicyError
from mechinterp.policies.nodes import PolicyOutput

ReadoutFn = Callable[[Tensor, Tensor, Sequence[int]], Tensor]
"""`fn(logits [batch, actions], value [batch], actions) -> [batch]`; `actions` is the Procgen action of each logit."""


MARGIN = 0.1
"""The equivalence margin of every effect on log-odds, in nats: around one half it changes a probability by 2.5 points.

It bounds a change of log P(right) - log P(left) (or of another readout) between two conditions that differ in one
thing: a coin right instead of left of the agent, or a coin instead of none."""
KL_MARGIN = MARGIN**2 / 8
"""The same margin for a KL divergence, in nats: no change of `MARGIN` in the log-odds of some actions against all
others makes a larger one (to second order it is p (1 - p) / 2 times the square of the change)."""


@dataclass(frozen=True, kw_only=True)
class Readout:
    """One number that is read off a policy's output.

    Attributes:
        name: what results and the command line call it.
        unit: of the number, such as "nats"; "" where it is the critic's own.
        function: see `ReadoutFn`; logits and values of any floating-point type.
        symbol: the number as a formula, such as "log P(right) - log P(left)".
        axis: the axis label of a change of it.
        noun: what it is the readout of, in a sentence: "effect on {noun}".
        asks: of a cause, "does it {asks}?": "make it go right rather than left".
        raises, lowers: what a cause does that makes the number larger, or smaller: "moves it toward the right".
        margin: the largest change that would not matter, in `unit`, fixed beforehand; None where none was fixed.
        acts: whether the number is about actions, and so about behaviour (the value is only an opinion).
        order: readouts are listed from the smallest.
    """

    name: str
    unit: str
    function: ReadoutFn
    symbol: str
    axis: str
    noun: str
    asks: str
    raises: str
    lowers: str
    margin: float | None = None
    acts: bool = True
    order: int = 100

    def __call__(self, output: PolicyOutput, actions: Sequence[int]) -> Float[Tensor, " batch"]:
        """The number for every row of a policy's output.

        Raises:
            PolicyError: the function gives something else than one number a row.
        """
        numbers = self.function(output.logits, output.value, actions)
        if not isinstance(numbers, Tensor) or numbers.shape != output.value.shape:
            got = tuple(numbers.shape) if isinstance(numbers, Tensor) else type(numbers).__name__
            raise PolicyError(
                f"readout {self.name!r} must give one number a row, {tuple(output.value.shape)}, got {got}"
            )
        return numbers
