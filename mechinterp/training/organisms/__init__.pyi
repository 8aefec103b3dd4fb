from .recipe import NETWORKS as NETWORKS
from .recipe import PLAIN_EASY as PLAIN_EASY
from .recipe import SHORT_ROLLOUTS as SHORT_ROLLOUTS
from .recipe import Organism as Organism
from .registry import ORGANISMS as ORGANISMS
from .registry import organism as organism
