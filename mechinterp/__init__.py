"""mechinterp: what does this trained policy want?

The names here are the main road: load a policy, make minimal pairs of states that it reaches, measure what a variable
does to its actions, and find the part of the network that does it. Everything else lies in the packages below.
"""

from mechinterp._faces import face

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = face(__name__, __file__)
