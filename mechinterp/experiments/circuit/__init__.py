"""Which circuit carries an effect?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=70,
    title="Which circuit carries the effect?",
    question="What is the smallest set of channels that carries an effect by itself?",
    needs=("total_effect",),
)
