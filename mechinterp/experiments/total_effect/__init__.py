"""How much does the coin affect its actions?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=40,
    title="How much does the coin affect its actions?",
    question="If only the coin changes, how do the policy's readouts change?",
)
