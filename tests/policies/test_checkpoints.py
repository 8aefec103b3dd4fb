from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from mechinterp.policies import (
    CheckpointError,
    ImpalaConfig,
    Policy,
    build,
    convert,
    load,
    read,
    save,
    save_step,
    series,
    shuffled,
    untrained,
)
from mechinterp.policies import card as cards
from mechinterp.policies.card import Card, Source

from .conftest import CONFIGS


@pytest.fixture
def folder(impala: Policy, tmp_path: Path) -> Path:
    return save(impala, tmp_path / "checkpoint", provenance={"steps": 12, "by": "a test"})


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))


def test_a_policy_comes_back_as_it_was(policy: Policy, frames: Tensor, tmp_path: Path):
    provenance = {"command": "train --seed 3", "steps": 10, "returns": [1.5, None], "nested": {"easy": True}}
    save(policy, tmp_path / "new" / "checkpoint", provenance=provenance)
    loaded, card = read(tmp_path / "new" / "checkpoint")
    assert loaded.config == policy.config == card.network
    assert card.provenance == provenance
    assert card.source is None
    for name, weight in policy.state_dict().items():
        assert torch.equal(weight, loaded.state_dict()[name])
        assert weight.stride() == loaded.state_dict()[name].stride()
    with torch.no_grad():
        assert torch.equal(loaded(frames).logits, policy(frames).logits)
    assert sorted(file.name for file in (tmp_path / "new" / "checkpoint").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    from_file = load(tmp_path / "new" / "checkpoint" / "model.safetensors")
    assert torch.equal(from_file(frames).logits, policy(frames).logits)


def test_saving_again_replaces_the_checkpoint(folder: Path, impala: Policy):
    save(build(impala.config, seed=9), folder, provenance={"steps": 13})
    loaded, card = read(folder)
    assert card.provenance == {"steps": 13}
    assert not torch.equal(loaded.state_dict()["block1.conv.weight"], impala.state_dict()["block1.conv.weight"])


def test_a_kill_while_writing_leaves_the_old_checkpoint_and_no_litter(
    folder: Path, impala: Policy, frames: Tensor, monkeypatch: pytest.MonkeyPatch
):
    def killed(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save(build(impala.config, seed=9), folder)
    monkeypatch.undo()
    assert torch.equal(load(folder)(frames).logits, impala(frames).logits)
    assert len(list(folder.iterdir())) == 2


def test_a_series_in_half_precision_loads_to_float32(folder: Path, impala: Policy, frames: Tensor):
    for step in (1_000, 64, 0):
        save_step(impala, folder, step=step)
    (folder / "series" / "notes.txt").write_text("not a step")
    found = series(folder)
    assert [step for step, _ in found] == [0, 64, 1_000]
    loaded = load(found[1].path)
    assert {weight.dtype for weight in loaded.state_dict().values()} == {torch.float32}
    expected = impala.state_dict()["block1.conv.weight"].half().float()
    assert torch.equal(loaded.state_dict()["block1.conv.weight"], expected)
    torch.testing.assert_close(loaded(frames).logits, impala(frames).logits, atol=1e-4, rtol=0)
    assert found[0].path.stat().st_size < 0.6 * (folder / "model.safetensors").stat().st_size
    assert series(folder / "series") == ()


def test_weights_that_are_not_finite_are_not_written(impala: Policy, tmp_path: Path):
    with torch.no_grad():
        impala.get_submodule("logits").bias[0] = 1e6  # pyright: ignore
    with pytest.raises(CheckpointError, match=r"logits\.bias has NaN or infinite weights in torch\.float16"):
        save_step(impala, tmp_path, step=1)
    with torch.no_grad():
        impala.get_submodule("logits").bias[0] = float("nan")  # pyright: ignore
    with pytest.raises(CheckpointError, match=r"not written, since logits\.bias"):
        save(impala, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("provenance", [{"path": Path("x")}, {"x": float("nan")}, {"x": (1, 2)}, {1: "x"}])
def test_provenance_that_would_not_come_back_as_it_was_is_refused(impala: Policy, tmp_path: Path, provenance: dict):
    with pytest.raises(CheckpointError, match="must be plain JSON"):
        save(impala, tmp_path, provenance=provenance)
    assert not list(tmp_path.iterdir())


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    network=st.sampled_from(list(CONFIGS.values())),
    source=st.none() | st.builds(Source, st.text(), st.text(), st.text()),
    provenance=st.dictionaries(st.text(), plain, max_size=4),
)
def test_cards_survive_the_round_trip(network, source, provenance):
    card = Card(network, source, provenance)
    assert cards.from_json(cards.to_json(card), where="here") == card


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, r"config\.json: unknown field 'colour'"),
        ({"provenence": {}}, r"unknown field 'provenence'.*'provenance'"),
        ({"network": ...}, r"missing fields: network"),
        ({"version": 2}, r"version 2; this library reads version 1"),
        ({"version": True}, r"version True; this library reads version 1"),
        ({"version": 1.0}, r"version 1\.0; this library reads version 1"),
        ({"format": "other"}, r"not the config of a policy"),
        ({"provenance": [1]}, r"provenance should be an object"),
        ({"network": {"kind": "impalla"}}, r"unknown network\.kind 'impalla'.*'impala'"),
        ({"network": 3}, r"unknown network\.kind 3"),
        ({"source": {"file": "x"}}, r"source: missing fields: format, sha256"),
        ({"source": {"file": 1}}, r"source should be an object of texts"),
    ],
)
def test_a_config_that_is_not_one_is_refused(folder: Path, changes: dict, message: str):
    edit(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hiden": 3}, r"network: unknown field 'hiden'.*'hidden'"),
        ({"hidden": ...}, r"network: missing fields: hidden"),
        ({"hidden": "12"}, r"network: all sizes of ImpalaConfig must be whole numbers"),
        ({"channels": [4, 6.5]}, r"network: all sizes"),
        ({"channels": 4}, r"channels of ImpalaConfig must be a tuple"),
        ({"actions": [1, 99]}, r"actions must be"),
        ({"actions": [[1], [2]]}, r"network: "),
        ({"actions": [True, False]}, r"actions must be a tuple of different Procgen actions"),
        ({"actions": [0.0, 1.0]}, r"actions must be a tuple of different Procgen actions"),
        ({"res_blocks": True}, r"network: all sizes"),
        ({"channels": [16384, 16384]}, r"block1\.conv\.weight has shape \[4, 3, 3, 3\].*needs \[16384, 3, 3, 3\]"),
        ({"channels": [4] * 16384}, r"has 26 tensors, and .* is a network of more than"),
        ({"hidden": 16384}, r"hidden\.linear\.weight has shape .*needs \[16384, 1536\]"),
        ({"res_blocks": 16384}, r"has 26 tensors, and .* is a network of more than"),
        ({"stem_kernel": 16383}, r"needs \[4, 3, 16383, 16383\]"),
        ({"hidden": 13}, r"hidden\.linear\.weight has shape \[12, 1536\].*needs \[13, 1536\]"),
        ({"res_blocks": 3}, r"missing keys: block1\.res3\.conv1\.bias.*"),
        ({"res_blocks": 1}, r"unexpected keys: block1\.res2\.conv1\.bias.*"),
    ],
)
def test_a_network_that_does_not_fit_the_weights_is_refused(folder: Path, changes: dict, message: str):
    network = {**json.loads((folder / "config.json").read_text())["network"], **changes}
    edit(folder, network={name: value for name, value in network.items() if value is not ...})
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_a_config_that_asks_for_too_much_is_refused_before_anything_is_allocated(folder: Path):
    """In a process that may hold 3 GB; the second of these networks would take 24, the first minutes."""
    network = json.loads((folder / "config.json").read_text())["network"]
    texts = []
    for changes in ({"res_blocks": 16384}, {"channels": [16384, 16384]}):
        edit(folder, network=network | changes)
        texts.append((folder / "config.json").read_text())
    program = f"""
import pathlib, resource, time
from mechinterp.policies import CheckpointError, load
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
for text in {texts!r}:
    pathlib.Path({str(folder)!r}, "config.json").write_text(text)
    began = time.process_time()
    try:
        load({str(folder)!r})
    except CheckpointError:
        print(time.process_time() - began < 2)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout == "True\nTrue\n", done.stderr


# ---- what is noticed and what is cast --------------------------------------------------------------------------------


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_flipped_bit_anywhere_in_the_weights_is_noticed(folder: Path, impala: Policy):
    rng = np.random.default_rng(0)
    half = save_step(impala, folder, step=3)
    for path in (folder / "model.safetensors", half):
        whole = path.read_bytes()
        start = 8 + int.from_bytes(whole[:8], "little")
        for bit in rng.integers(8 * start, 8 * len(whole), 60).tolist():
            path.write_bytes(flipped(whole, bit))
            with pytest.raises(CheckpointError, match=r"damaged: its weights and the network|NaN or infinite"):
                load(path)
        path.write_bytes(whole)
        load(path)


def test_a_flipped_bit_in_the_description_of_the_network_is_noticed(folder: Path):
    path = folder / "config.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"13,\n      14", b"14,\n      13"))  # actions in another order fit all weights
    with pytest.raises(CheckpointError, match=r"damaged: its weights and the network in config\.json"):
        load(folder)


def test_files_without_a_checksum_load_as_before(folder: Path, impala: Policy, frames: Tensor):
    weights = {name: weight.contiguous() for name, weight in impala.state_dict().items()}
    safetensors.torch.save_file(weights, folder / "model.safetensors")
    assert torch.equal(load(folder)(frames).logits, impala(frames).logits)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_networks_are_float32_whatever_torchs_default_is(
    kind: torch.dtype, folder: Path, impala: Policy, frames: Tensor
):
    expected = impala(frames)
    torch.set_default_dtype(kind)
    try:
        loaded, fresh = load(folder), build(impala.config, seed=1)
        for policy in (loaded, fresh, untrained(loaded, seed=1), shuffled(loaded, seed=1)):
            assert {weight.dtype for weight in (*policy.parameters(), *policy.buffers())} == {torch.float32}
        assert torch.equal(loaded(frames).logits, expected.logits)
        for name, weight in fresh.state_dict().items():
            assert torch.equal(weight, impala.state_dict()[name])
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("large", [1e39, 1e300, -1e300])
def test_weights_that_overflow_float32_are_neither_read_nor_written(large: float, folder: Path, impala: Policy):
    impala.double().get_parameter("logits.bias").data[2] = large
    with pytest.raises(
        CheckpointError, match=r"not written, since logits\.bias has NaN or infinite weights in torch\.float32"
    ):
        save(impala, folder)
    tensors = {name: weight.contiguous() for name, weight in impala.state_dict().items()}
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    with pytest.raises(
        CheckpointError, match=r"1 of 15 weights of logits\.bias .* in float32 \(the file has torch\.float64"
    ):
        load(folder)


def test_a_cut_off_config_is_refused(folder: Path):
    path = folder / "config.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(CheckpointError, match=r"config\.json: not JSON, or damaged or cut off"):
        load(folder)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CheckpointError, match=r"config\.json: not text"):
        load(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: cannot be read: No such file"):
        load(folder)


def test_a_folder_without_weights_is_refused(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors: cannot be read: No such file"):
        load(folder)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(folder / "nowhere")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(length=st.integers(0, 10_000))
def test_weights_cut_off_anywhere_are_refused(folder: Path, length: int):
    whole = (folder / "model.safetensors").read_bytes()
    cut = folder / "cut.safetensors"
    cut.write_bytes(whole[: length % len(whole)])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors: .*cut off"):
        load(cut)


def test_weights_of_another_type_or_not_finite_are_refused(folder: Path, impala: Policy):
    for bad, message in (
        (torch.full((15,), float("nan")), r"15 of 15 weights of logits\.bias are NaN or infinite"),
        (torch.zeros(15).index_fill(0, torch.tensor(3), float("-inf")), r"1 of 15 weights of logits\.bias"),
        (torch.zeros(15, dtype=torch.int64), r"logits\.bias is torch\.int64"),
    ):
        tensors = {name: weight.contiguous() for name, weight in impala.state_dict().items()} | {"logits.bias": bad}
        safetensors.torch.save_file(tensors, folder / "model.safetensors")
        with pytest.raises(CheckpointError, match=message):
            load(folder)


def test_convert_refuses_to_overwrite(folder: Path, tmp_path: Path):
    convert(folder, tmp_path / "copy")
    assert read(tmp_path / "copy").card == read(folder).card
    with pytest.raises(CheckpointError, match="already holds a checkpoint"):
        convert(folder, tmp_path / "copy")


def test_whatever_a_card_holds_is_read_or_refused(tmp_path):
    from mechinterp.policies.env_options import training_env_options

    policy = build(ImpalaConfig((2,), res_blocks=1, hidden=4), seed=0)
    folder = save(policy, tmp_path / "odd", provenance={"organism": "mine"})
    assert training_env_options(read(folder).card).distribution_mode == "easy"
    for options in ({"foo": 1}, {"distribution_mode": "no such"}, {"use_backgrounds": "yes"}, {"center_agent": 1}, 3):
        save(policy, folder, provenance={"organism": {"options": options}})
        with pytest.raises(CheckpointError, match="options"):
            training_env_options(read(folder).card)
    config = folder / "config.json"
    for text in (config.read_text().replace('"hidden": 4', '"hidden": 1000000000000'), "[" * 100_000):
        config.write_text(text)
        with pytest.raises(CheckpointError):
            read(folder)


def test_a_folder_needs_no_format(tmp_path):
    folder = save(build(ImpalaConfig((2,), res_blocks=1, hidden=4), seed=0), tmp_path / "own")
    with pytest.raises(CheckpointError, match="leave the format out"):
        read(folder, format="pfrl")
