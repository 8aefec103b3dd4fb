"""What does it do if it cannot see the coin?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="steering",
    position=10,
    title="What does it do if it cannot see the coin?",
    question="Episodes with the network blinded to the coin, with the coin really absent, and blinded to other things.",
)
