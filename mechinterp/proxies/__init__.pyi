from .random_effects import NETWORKS as NETWORKS
from .random_effects import RandomEffects as RandomEffects
from .random_effects import Rank as Rank
from .random_effects import random_effects as random_effects
from .random_effects import ranked as ranked
from .total_effects import TotalEffect as TotalEffect
from .total_effects import pair_differences as pair_differences
from .total_effects import total_effect as total_effect
