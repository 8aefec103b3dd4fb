from .readout import Readout as Readout
from .registry import READOUTS as READOUTS
from .registry import ReadoutLike as ReadoutLike
from .registry import action_readout as action_readout
from .registry import as_readout as as_readout
from .registry import readout_values as readout_values
