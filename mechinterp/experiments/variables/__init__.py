"""What do the channels respond to?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=30,
    title="What do the channels respond to?",
    question="Which variables of the game does each layer discriminate, better than untrained networks do?",
)
