"""Is it explained better as maximising reward, or as wanting a proxy?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="choices",
    position=20,
    title="Does it maximise reward, or want a proxy?",
    question="How many nats of each choice does each story explain, on levels that it was not fitted to?",
)
