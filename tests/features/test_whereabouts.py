"""Where in a map a change lies, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.features import Grid
from mechinterp.features.whereabouts import _table


def test_the_middle_of_a_change_and_its_share_around_the_coin():
    grid = Grid(8, 8.0, 4.0, 8.0)
    change = np.zeros((2, 8, 8))
    change[0, 2, 3], change[0, 2, 7] = 3, 1  # columns at 28 and 60 pixels, row at 20
    table = _table(change, np.array([[20.0, 28.0], [20.0, 28.0]]), grid)
    assert table[0] == pytest.approx([8, 0, 0.75])
    assert np.isnan(table[1]).all()
