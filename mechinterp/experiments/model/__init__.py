"""Which model is this, and how does it play?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="report",
    position=10,
    title="Which model is this?",
    question="Its architecture, its training, and one episode.",
)
