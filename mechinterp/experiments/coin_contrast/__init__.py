"""Which channels respond to the coin?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=50,
    title="Which channels respond to the coin?",
    question="Which channels respond at the coin's place, more than channels of untrained networks do?",
)
