"""Readouts: what is read off a policy's output, one number a frame; one file each, found without a list.

To add one, add a file here that holds ``READOUT = Readout(...)``: every analysis, figure and sentence has it then.
"""

from mechinterp._faces import face

__getattr__, __dir__, __all__ = face(__name__, __file__)
