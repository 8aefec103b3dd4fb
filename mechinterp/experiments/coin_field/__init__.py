"""Where would a coin draw it?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="steering",
    position=20,
    title="Where would a coin draw it?",
    question="A real coin in every cell of the view, and the coin's activation written where that cell is shown.",
)
