"""What does it do when the coin is elsewhere?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=30,
    title="What does it do when the coin is elsewhere?",
    question="Does it go to the coin, or to the place where the coin was in training?",
)
