"""Probes of a planted network that holds the coin in one layer, and of labels that cannot be probed."""

from __future__ import annotations

import pytest

from mechinterp.experiments.probes import SLICE
from tests.experiments.planted_wall import HOOKS, measured


@pytest.mark.slow
def test_the_planted_coin_is_decoded_and_what_is_hardly_ever_true_is_left_out():
    found = measured(SLICE)
    assert found.hooks == HOOKS
    coin = found.probes["coin in view"]
    assert tuple(coin) == HOOKS
    score = coin[HOOKS[0]].score  # the idle detector is in the first block
    assert score.low > max(0.75, score.null.high)
    assert score.null.p <= 0.05
    assert {"movement log-odds", "place of the coin"} <= set(found.probes)
    assert all(probe.kind == "place" for probe in found.probes["place of the coin"].values())
    for label, why in found.left_out.items():
        assert label not in found.probes
        assert "scenes" in why
