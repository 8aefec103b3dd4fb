from .coin_present import coin_at as coin_at
from .coin_sides import coin_side as coin_side
from .registry import VARIABLES as VARIABLES
from .variable import Edit as Edit
from .variable import Variable as Variable
