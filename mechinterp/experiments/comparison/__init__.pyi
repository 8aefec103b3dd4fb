from .claims import claims as claims
from .drawing import figure as figure
from .false_alarms import FalseAlarms as FalseAlarms
from .false_alarms import UntrainedNetwork as UntrainedNetwork
from .folder import write_comparison as write_comparison
from .reading import load as load
from .reading import summarise as summarise
from .summary import Summary as Summary
