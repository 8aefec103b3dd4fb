"""More or less than untrained networks, over all layers at once: by brute force, and no more than 5 % by chance."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.features.layerwise import added, discarded, one_sided, standardised, two_sided, two_sided_sizes


def test_p_is_the_share_of_networks_whose_farthest_layer_is_as_far():
    table = np.random.default_rng(0).normal(5, [1, 10, 0.1], (21, 3))
    table[0, 1] = -60
    scores = np.abs((table - table.mean(0)) / table.std(0))
    expected = [np.mean([True, *(scores[1:].max(1) >= scores[0, layer])]) for layer in range(3)]
    assert two_sided(table) == pytest.approx(expected)
    assert two_sided(table)[1] == pytest.approx(1 / 21)
    assert one_sided(table)[1] == 1  # the lowest of all is not above
    assert one_sided(-table)[1] == pytest.approx(1 / 21)
    sizes = np.exp(table / 10)
    assert two_sided_sizes(sizes).tolist() == two_sided(table).tolist()
    sizes[0] = 0  # nothing at all is far below, whatever the scale
    assert two_sided_sizes(sizes).tolist() == pytest.approx([1 / 21] * 3)
    alike = np.full((21, 1), 1.0)
    alike[0] = 0.999
    assert two_sided(alike) == pytest.approx([1 / 21])
    assert abs(standardised(alike, least=0.01)[0, 0]) < 0.1
    assert standardised(np.full((4, 2), 3.0)).tolist() == np.zeros((4, 2)).tolist()


def test_of_networks_that_are_themselves_untrained_at_most_one_in_twenty_stands_out_on_either_side():
    rng = np.random.default_rng(1)
    skewed = rng.lognormal(0, 1, (2_000, 21, 6)) + rng.normal(0, 0.5, (2_000, 21, 1))
    calls = [two_sided(table).min() <= 0.05 for table in skewed]
    assert 0.03 < np.mean(calls) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2_000)


@pytest.mark.parametrize(
    ("own", "p", "less", "more"), [(0.1, 0.04, True, False), (0.3, 0.04, False, True), (0.1, 0.06, False, False)]
)
def test_which_side_it_is(own, p, less, more):
    assert discarded(own, 0.2, p) is less
    assert added(own, 0.2, p) is more
