"""Reading one fact from state bytes without parsing them: what a step loop can afford."""

from __future__ import annotations

import struct

import numpy as np

from mechinterp.coinrun import layout
from mechinterp.coinrun.layout import ENTITY_DTYPE, EntityType

_HEAD_BYTES = 8 + len(layout.GAME_NAME) + layout.SECTION_BYTES["options"]


def agent_position(data: bytes) -> tuple[float, float]:
    """The agent's centre (x, y) in cells, from bytes that the engine gave (they are trusted, not checked)."""
    at = _HEAD_BYTES
    for _ in range(2):  # the level's and the step's generator, each of a length that varies
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    at += layout.SECTION_BYTES["episode"]
    count = int.from_bytes(data[at - 4 : at], "little")
    kinds = np.frombuffer(data, ENTITY_DTYPE, count, at)["type"]
    last_agent = count - 1 - int((kinds[::-1] == EntityType.AGENT).argmax())
    return struct.unpack_from("<ff", data, at + last_agent * ENTITY_DTYPE.itemsize)
