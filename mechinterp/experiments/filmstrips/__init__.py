"""What does that look like?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="steering",
    position=40,
    title="What does that look like?",
    question="The same level with the same random numbers: as it is, blinded, without the coin, and steered.",
)
