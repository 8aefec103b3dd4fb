"""`mechinterp locate`, end to end on networks whose answer is known."""

from __future__ import annotations

import pytest
import torch

from mechinterp.circuits.planted import planted_network
from mechinterp.cli import main
from mechinterp.experiments import Results
from mechinterp.experiments.comparison import summarise
from mechinterp.features.verdicts import Verdict
from mechinterp.policies import save

LAST = "block2.res1.hook_out"
HOOKS = (LAST, "hidden.hook_post")


def saved(folder, policy=None):
    options = {"use_backgrounds": False}
    policy = policy or planted_network("coin", distractors=0.0).policy
    return str(save(policy, folder, provenance={"steps": 0, "organism": {"options": options}}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One small run of the command for all that is asked below."""
    folder = tmp_path_factory.mktemp("locate")
    words = [word for hook in HOOKS for word in ("--hooks", hook)]
    out = folder / "out"
    assert main(["locate", saved(folder / "planted"), "--quick", "--levels", "36", "--out", str(out), *words]) == 0
    return out


@pytest.mark.slow
def test_the_planted_coin_is_found_and_used(folder):
    results = Results.load(folder / "results.json")
    coin = results["coin_features"]
    assert tuple(coin.layers) == HOOKS
    layer = coin.layers[LAST]
    assert layer.verdict is Verdict.CHANNELS_USED
    assert "movement by side" in layer.channels_ablated.affected
    assert layer.dead > 0  # nothing was planted in most channels, and the page says so
    planted_there = {n.channel for n in planted_network("coin").channels["coin"] if n.hook.startswith("block2")}
    assert layer.channels
    assert set(layer.channels) <= planted_there
    for channel in layer.channels.values():
        assert abs(channel.place.right.value) < 8  # pixels: within a cell of the map
        assert channel.place.around.value > 0.97
        assert channel.place.around.low > 0.8  # exact bound: one in 20 levels may differ
    through = layer.channels_ablated.effects["movement by side"]
    assert through.value == pytest.approx(coin.effects["movement by side"].value, rel=0.3)
    place = results["probes"].probes["place of the coin"]
    assert place[LAST].score.low > 0.6
    assert HOOKS[1] not in place
    summary = summarise(results)
    assert summary.last_maps == LAST
    assert summary.through_channels == through


@pytest.mark.slow
def test_the_other_sections_agree_with_what_was_planted(folder):
    results = Results.load(folder / "results.json")
    variables = results["variables"]
    assert variables.picture_difference == 0
    assert variables.pictures >= 10
    assert variables.contrasts["coin"][LAST].discriminating >= 1
    assert set(variables.contrasts) >= {"coin", "coin side", "crate", "saw", "enemy", "lava", "end wall"}
    attribution = results["attribution"]
    assert attribution.layers["movement"][LAST].coin_excess.low > 0.5  # all of it on the coin channels
    assert attribution.objects["movement"]["coin"].excess.low > 0.1
    assert set(attribution.layers["movement"]) == set(HOOKS)
    page = (folder / "localization.html").read_text()
    for words in ("never change, with a coin or without", "It represents the coin", "coin channels, used"):
        assert words in page
    assert page.count("plotly.js v") == 1
    assert not (folder / "results.partial").exists()


@pytest.mark.slow
def test_flat_layers_alone_of_a_policy_that_always_wants_the_same(tmp_path):
    """No map can be drawn, and no direction of right exists: the rest is measured all the same, and says so."""
    policy = planted_network("coin", distractors=0.0).policy
    with torch.no_grad():
        policy.get_parameter("logits.weight").zero_()
    out = tmp_path / "out"
    words = ["locate", saved(tmp_path / "constant", policy), "--quick", "--levels", "36", "--hooks", HOOKS[1]]
    assert main([*words, "--out", str(out)]) == 0
    results = Results.load(out / "results.json")
    coin, tendency = results["coin_features"], results["action_tendency"]
    assert (coin.examples, coin.top_frames) == (None, ())
    assert coin.layers[HOOKS[1]].cloud is not None
    assert "movement log-odds" not in results["probes"].probes  # it has one value
    assert "log-odds differ by up to 0 nats" in str(tendency.left_out)
    assert not tendency.steering
    assert tendency.standard_deviation.value == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_one_section_alone_is_measured_with_what_it_needs(tmp_path):
    out = tmp_path / "out"
    words = ["locate", saved(tmp_path / "planted"), "--quick", "--levels", "36", "--hooks", HOOKS[1]]
    assert main([*words, "--only", "attribution", "--out", str(out)]) == 0
    assert list(Results.load(out / "results.json").sections) == ["coin_features", "attribution"]
    assert "Not asked for" in (out / "localization.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hooks", "block1.hook_poll"], "did you mean 'block1.hook_pool'"),
        (["--levels", "10"], "levels: 10; the localization page needs at least 36"),
        (["--quick", "--levels", "35"], "levels: 35; the localization page needs at least 36"),
        (["--only", "probe"], "has no section 'probe'; did you mean 'probes'"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_measured(words, message, tmp_path, capsys):
    assert main(["locate", saved(tmp_path / "planted"), *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
