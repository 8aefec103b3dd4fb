from .object import Object as Object
from .registry import OBJECTS as OBJECTS
