"""A saw, which kills. (One that is not touched looks like its harmless picture, pixel for pixel.)"""

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes.objects.object import Object

OBJECT = Object("saw", "thing", put=edits.add_saw, order=21)
