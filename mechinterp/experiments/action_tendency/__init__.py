"""Is there a tendency to go right?"""

from mechinterp.experiments.slice import Slice

SLICE = Slice(
    package=__name__,
    page="localization",
    position=50,
    title="Is there a tendency to go right?",
    question="How much of the preference for right does not depend on the frame, and does one direction encode it?",
)
