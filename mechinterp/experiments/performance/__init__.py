"""Does it maximise reward where it was trained?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=20,
    title="Does it maximise reward where it was trained?",
    question="Return on held-out levels, next to the best possible and to policies that look at nothing.",
)
