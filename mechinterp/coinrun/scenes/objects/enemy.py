"""An enemy, which walks and kills."""

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes.objects.object import Object

OBJECT = Object("enemy", "thing", put=edits.add_enemy, order=22)
