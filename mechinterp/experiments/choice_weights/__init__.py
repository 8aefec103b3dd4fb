"""Which values explain what it chooses?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="choices",
    position=10,
    title="Which values explain what it chooses?",
    question="Of all that its actions would bring about in the real game, what makes it choose them?",
)
