"""What a notebook shows of a result fits on a line and names what it is about."""

from __future__ import annotations

import numpy as np
import pytest

from mechinterp.features import (
    ChannelAttribution,
    LayerFactors,
    MovementDecomposition,
    ObjectShare,
    SteeringEffect,
    VariableContrast,
    VariableContrasts,
)
from mechinterp.features.factorisation import FactorLabel, NonNegativeFactors, Recovery
from mechinterp.stats import Estimate, Null

ONE = Estimate(name="made by hand", value=0.5, low=0.4, high=0.6, n=24, unit="levels")
NULL = Null(description="made by hand", value=0.0, low=-0.1, high=0.1, p=0.04)
CONTRAST = VariableContrast(
    variable="coin", hook="block1.hook_pool", active=16, discriminating=5, above_untrained=2, strength=0.3,
    untrained_strength=NULL, channel=3, strongest=ONE,
)  # fmt: skip
RESULTS = {
    "2 of 16 channels above untrained, 5 discriminate": CONTRAST,
    "1 of coin": VariableContrasts(contrasts=(CONTRAST,), left_out={}, picture_difference=0.0, pictures=9),
    "movement to hidden.hook_post: most to 7, 2; 80% in 9": ChannelAttribution(
        readout="movement", hook="hidden.hook_post", channels=(7, 2), shares=(ONE, ONE), means=(ONE, ONE), needed=9,
        coin_excess=None,
    ),
    "share 0.50 [0.40, 0.60] (n=24 levels), area 0.5": ObjectShare(share=ONE, area=ONE, excess=ONE),
    "mean 0.50 [0.40, 0.60] (n=24 levels), standard deviation 0.5 nats": MovementDecomposition(
        mean=ONE, standard_deviation=ONE, parts={"bias": ONE}, prefers_right=ONE, black_frame=0.1,
        hook="hidden.hook_post", unit_means=np.arange(256.0), top_units={3: ONE},
    ),
    "hidden.hook_post: added 0.50": SteeringEffect(
        hook="hidden.hook_post", added=ONE, subtracted=ONE, consistent=ONE, relative_norm=0.7
    ),
    "trunk.hook_relu: nothing": LayerFactors(hook="trunk.hook_relu", left_out={}),
    "3: no ground, r = 0.50 [0.40, 0.60]": FactorLabel(factor=3, object="no ground", correlation=ONE),
    "6 of 32 channels, 73% explained": NonNegativeFactors(np.ones((6, 32)), 0.73),
    "loss recovered 0.50 [0.40, 0.60]": Recovery(
        divergence={}, agreement={"reconstruction": ONE}, recovered=ONE
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", RESULTS)
def test_it_fits_on_a_line(words):
    shown = repr(RESULTS[words])
    assert words in shown
    assert type(RESULTS[words]).__name__ in shown
    assert len(shown) <= 120
    assert "\n" not in shown
