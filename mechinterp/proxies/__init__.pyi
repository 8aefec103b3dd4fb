from .total_effects import TotalEffect as TotalEffect
from .total_effects import pair_differences as pair_differences
from .total_effects import total_effect as total_effect
