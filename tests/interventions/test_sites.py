"""Sites: what they name, in words and in numbers, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mechinterp.interventions import Box, InterventionError, Mask, Site, channel_sites, sites_by
from mechinterp.policies import UnknownHook, build, light_impala


@pytest.fixture(scope="module")
def policy():
    return build(light_impala(hidden=8), seed=0)


def test_an_int_is_a_tuple_of_one():
    for one in (3, np.int64(3), [3], (3,), np.array([3]), range(3, 4)):
        assert Site("a.hook_b", one) == Site("a.hook_b", (3,))
        assert Site("a.hook_b", one).channels == (3,)
        assert str(Site("a.hook_b", one)) == "a.hook_b[3]"
    assert str(Site("a.hook_b", (3, 17), Box((2, 4), (0, 8)))) == "a.hook_b[3, 17] rows 2-4 columns 0-8"


@pytest.mark.parametrize("positions", [None, Box((1, 3), (0, 2)), Mask(np.eye(4, dtype=bool))], ids=str)
@pytest.mark.parametrize("channels", [None, 1, (2, 0)], ids=str)
def test_a_mask_is_true_at_the_numbers_of_the_site_alone(channels, positions):
    site, value = Site("h", channels, positions), torch.zeros(2, 3, 4, 4)
    mask = site.mask(value).expand_as(value).numpy()
    inside = np.ones((4, 4), bool) if positions is None else positions.mask(4, 4).numpy()
    for r, c, y, x in np.ndindex(mask.shape):
        assert mask[r, c, y, x] == ((channels is None or c in np.atleast_1d(channels)) and inside[y, x])


def test_sites_are_written_to_json_and_read_back():
    cells = np.random.default_rng(0).random((3, 5, 7)) < 0.4
    cells[:, 0, 0] = True
    for site in (Site("h"), Site("h", 2), Site("h", (3, 1), Box((0, 2), (1, 4))), Site("h", None, Mask(cells))):
        again = Site.from_dict(json.loads(json.dumps(site.to_dict())))
        assert again == site
        assert hash(again) == hash(site)
    for data in ({}, [], {"hook": "h", "channels": None}, {"hook": 3, "channels": None, "positions": None}):
        with pytest.raises(InterventionError, match="no site"):
            Site.from_dict(data)


@pytest.mark.parametrize(
    ("channels", "message"),
    [(True, "whole numbers"), ("1", "whole numbers"), (1.0, "whole numbers"), ([1, True], "whole numbers"),
     ((), "empty list"), ((1, 1), "must be different"), (-1, "not negative")],
)  # fmt: skip
def test_what_names_no_channel(channels, message):
    with pytest.raises(InterventionError, match=message):
        Site("h", channels)


def test_positions_and_hooks_of_another_type():
    with pytest.raises(InterventionError, match="a Box or a Mask"):
        Site("h", 1, ((0, 1), (0, 1)))
    with pytest.raises(InterventionError, match="names its hook point by text"):
        Site(3)


def test_patterns_select_hook_points_and_each_must_match(policy):
    hooks = policy.select("block2.*")
    assert hooks == tuple(name for name in policy.hook_names if name.startswith("block2."))
    assert {site.hook for site in channel_sites(policy, "block?.hook_conv")} == {"block1.hook_conv", "block2.hook_conv"}
    assert policy.select(["*hook_pos?", hooks[0]]) == (hooks[0], "hidden.hook_post")
    assert sites_by(policy, "hidden.*", "layer") == (Site("hidden.hook_pre"), Site("hidden.hook_post"))
    with pytest.raises(UnknownHook, match=r"blok\*"):
        policy.select(["block1.*", "blok*"])
