"""Which factors make up a layer?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=60,
    title="Which factors make up a layer?",
    question="Into which factors the last layer with maps decomposes, and which object each of them follows.",
)
