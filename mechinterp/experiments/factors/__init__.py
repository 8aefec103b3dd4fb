"""Which factors make up a layer?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=60,
    title="Which factors make up a layer?",
    question="Into which factors does the last layer with maps decompose, and which object does each of them follow?",
)
