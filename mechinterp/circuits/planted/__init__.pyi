from .kinds import RECIPES as RECIPES
from .planting import CANONICAL as CANONICAL
from .planting import LIGHT as LIGHT
from .planting import PlantedNetwork as PlantedNetwork
from .planting import planted_network as planted_network
