"""Can it be steered to a side by what the coin's side changes?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="steering",
    position=30,
    title="Can it be steered by what a coin changes?",
    question="The change of a layer with the coin's side is added in doses, to frames without a coin and in episodes.",
)
