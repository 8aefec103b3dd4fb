"""Where is the coin? Channels and directions that represent it, and whether they are causally used."""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=10,
    title="Where is the coin?",
    question="Which channels and directions represent the coin, and do they causally affect the action?",
)
