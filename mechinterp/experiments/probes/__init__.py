"""What can be decoded linearly from each layer, beyond pixels and untrained networks?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=20,
    title="What can be decoded?",
    question="Which variables do linear probes decode from each layer, better than from pixels or untrained networks?",
)
