"""Do those channels carry the coin's effect to the action?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=60,
    title="Do those channels carry the coin's effect to the action?",
    question="Activation patching of the channels that respond to the coin, next to random channels.",
    needs=("coin_contrast", "total_effect"),
)
