"""What do its outputs depend on?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=40,
    title="What do its actions and its value depend on?",
    question="Which objects in the frame, and which channels, are the outputs attributed to?",
    needs=("coin_features",),
)
