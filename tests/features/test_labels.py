"""Labels against hand-designed levels."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.coinrun.ascii import level
from mechinterp.features import FeatureError, labels

COIN_RIGHT = """
    #....................#
    #..A...C.............#
    ######################
"""
COIN_LEFT_SAW_AHEAD = """
    #....................#
    #C...A...S...........#
    ######################
"""
FAR_COIN_LAVA_BEHIND = """
    #....................#
    #....A..............C#
    #.^###################
    ######################
"""
AT_THE_END = """
    #....................#
    #................A...#
    ######################
"""


def test_labels_of_drawn_levels():
    states = [level(art) for art in (COIN_RIGHT, COIN_LEFT_SAW_AHEAD, FAR_COIN_LAVA_BEHIND, AT_THE_END)]
    found = {label.name: label.values.tolist() for label in labels(states)}
    assert found["coin in view"] == [1, 1, 0, 0]
    assert found["coin on the right"] == pytest.approx([1, 0, np.nan, np.nan], nan_ok=True)
    assert found["coin offset"] == pytest.approx([4, -4, np.nan, np.nan], abs=0.2, nan_ok=True)
    assert found["agent x"] == [3.5, 5.5, 5.5, 17.5]
    assert found["distance to the end wall"] == [17.5, 15.5, 15.5, 3.5]
    assert found["end wall in view"] == [0, 0, 0, 1]
    assert found["hazard ahead"] == [0, 1, 0, 0]


def test_some_labels_and_unknown_ones():
    (only,) = labels([level(COIN_RIGHT)], ["agent x"])
    assert (only.name, only.kind, only.unit) == ("agent x", "number", "columns")
    with pytest.raises(FeatureError, match="no label 'agent y'; did you mean 'agent x'"):
        labels([], ["agent y"])
