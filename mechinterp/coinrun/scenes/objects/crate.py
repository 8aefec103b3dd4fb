"""A crate: the agent can stand on it and walk through it."""

from mechinterp.coinrun import edits
from mechinterp.coinrun.scenes.objects.object import Object

OBJECT = Object("crate", "thing", put=edits.add_crate, order=20)
