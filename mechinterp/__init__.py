"""mechinterp: what does this trained policy want?"""

__version__ = "0.1.0"
