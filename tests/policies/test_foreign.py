"""Files of other projects, made by hand in their layouts, against a plain recomputation from their own keys."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.policies import CheckpointError, convert, load, read
from mechinterp.policies.layouts import LAYOUTS

from .conftest import random_frames

# For each layout: key of a block, of a residual block, first number, and the keys of hidden layer and heads.
IMPALA = {
    "train-procgen-pytorch": ("embedder.block{}", "res{}", 1, ("embedder.fc", "fc_policy", "fc_value")),
    "cleanrl": ("network.{}", "res_block{}", 0, ("network.5", "actor", "critic")),
    "pfrl": ("conv_seqs.{}", "res_block{}", 0, ("hidden_fc", "logits_fc", "value_fc")),
}


def impala_file(layout: str, channels: tuple[int, ...] = (3, 4, 5), hidden: int = 7) -> dict[str, Tensor]:
    """Random weights by the keys of a layout."""
    block, res, first, (fc, policy, value) = IMPALA[layout]
    shapes, width = {}, 3
    for i, out in enumerate(channels):
        shapes[f"{block.format(i + first)}.conv"] = (out, width, 3, 3)
        for j in (0, 1):
            for k in (0, 1):
                name = f"{block.format(i + first)}.{res.format(j + first)}.conv{k + first}"
                shapes[name] = (out, out, 3, 3)
        width = out
    shapes |= {fc: (hidden, width * 64), policy: (15, hidden), value: (1, hidden)}
    generator = torch.Generator().manual_seed(3)
    tensors = {}
    for name, shape in shapes.items():
        fan_in = shape[1] * (9 if len(shape) == 4 else 1)
        tensors[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        tensors[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
    return tensors


def impala_by_hand(w: dict[str, Tensor], layout: str, frames: Tensor, blocks: int = 3) -> tuple[Tensor, Tensor]:
    """Logits and values, from the keys of a layout, in torch.nn.functional alone."""
    block, res, first, (fc, policy, value) = IMPALA[layout]

    def conv(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)

    x = frames.permute(0, 3, 1, 2).contiguous() / 255.0
    for i in range(first, first + blocks):
        x = F.max_pool2d(conv(x, f"{block.format(i)}.conv"), 3, stride=2, padding=1)
        for j in range(first, first + 2):
            stem = f"{block.format(i)}.{res.format(j)}"
            x = x + conv(F.relu(conv(F.relu(x), f"{stem}.conv{first}")), f"{stem}.conv{first + 1}")
    x = F.relu(F.linear(F.relu(x).flatten(1), w[f"{fc}.weight"], w[f"{fc}.bias"]))
    logits = F.linear(x, w[f"{policy}.weight"], w[f"{policy}.bias"])
    return logits, F.linear(x, w[f"{value}.weight"], w[f"{value}.bias"])[:, 0]


@pytest.fixture(params=IMPALA)
def layout(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: tensors,
        lambda tensors: {"state_dict": tensors},
        lambda tensors: {"model_state_dict": tensors, "optimizer_state_dict": {"state": {0: {"step": 1.0}}}},
        lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()},
    ],
    ids=["plain", "state_dict", "with optimizer", "DataParallel"],
)
def test_an_impala_of_another_project_computes_what_it_did(layout: str, wrap: Callable, tmp_path: Path):
    tensors, frames = impala_file(layout), random_frames(4)
    torch.save(wrap(tensors), tmp_path / "model.pth")
    policy, card = read(tmp_path / "model.pth")
    logits, value = impala_by_hand(tensors, layout, frames)
    with torch.no_grad():
        output = policy(frames)
    torch.testing.assert_close(output.logits, logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.value, value, atol=1e-5, rtol=1e-5)
    assert policy.actions == tuple(range(15))
    assert card.source is not None
    assert card.source.format == layout


def test_safetensors_and_half_precision_are_read_too(layout: str, tmp_path: Path):
    tensors = {name: tensor.half() for name, tensor in impala_file(layout).items()}
    safetensors.torch.save_file(tensors, tmp_path / "model.safetensors")
    policy = load(tmp_path / "model.safetensors")
    assert policy.config.channels == (3, 4, 5)
    assert policy.state_dict()["logits.bias"].dtype == torch.float32


def test_convert_notes_where_the_weights_came_from(layout: str, tmp_path: Path):
    source, frames = tmp_path / "theirs.pt", random_frames(2)
    torch.save(impala_file(layout), source)
    convert(source, tmp_path / "ours")
    policy, card = read(tmp_path / "ours")
    assert card.source is not None
    assert (card.source.file, card.source.format) == ("theirs.pt", layout)
    assert card.source.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert torch.equal(policy(frames).logits, load(source)(frames).logits)


def test_missing_and_unexpected_keys_are_named(layout: str, tmp_path: Path):
    block = IMPALA[layout][0].format(IMPALA[layout][2] + 1)
    for edit, message in (
        (lambda t: t.pop(f"{block}.conv.weight"), rf"layout {layout}: missing keys: {block}\.conv\.weight$"),
        (lambda t: t.update({"extra.weight": torch.zeros(1)}), r"unexpected keys: extra\.weight$"),
        (lambda t: t.update({"gru.gru.weight_ih_l0": torch.zeros(1)}), r"a recurrent policy \(gru\."),
    ):
        tensors = impala_file(layout)
        edit(tensors)
        torch.save(tensors, tmp_path / "model.pt")
        with pytest.raises(CheckpointError, match=message):
            load(tmp_path / "model.pt")


def test_wrong_shapes_are_named(layout: str, tmp_path: Path):
    block, res, first, (fc, policy, _) = IMPALA[layout]
    branch = f"{block.format(first)}.{res.format(first)}.conv{first}"
    for name, shape, message in (
        (
            f"{branch}.weight",
            (3, 4, 3, 3),
            r"block1\.res1\.conv1\.weight has shape \[3, 4, 3, 3\].*needs \[3, 3, 3, 3\]",
        ),
        (f"{fc}.weight", (7, 100), r"hidden\.linear\.weight has shape \[7, 100\].*needs \[7, 320\]"),
        (f"{fc}.weight", (7, 320, 1), r"hidden\.linear\.weight have shape \[7, 320, 1\]; expected 2 axes"),
        (f"{policy}.weight", (9, 7), r"9 logits, where this layout has one for each of Procgen's 15 actions"),
        (f"{block.format(first)}.conv.weight", (3, 3, 4, 4), r"stem_kernel must be odd"),
    ):
        torch.save({**impala_file(layout), name: torch.zeros(shape)}, tmp_path / "model.pt")
        with pytest.raises(CheckpointError, match=message):
            load(tmp_path / "model.pt")


def test_weights_that_are_not_finite_are_refused(layout: str, tmp_path: Path):
    tensors = impala_file(layout)
    tensors[f"{IMPALA[layout][3][0]}.bias"][2] = float("nan")
    torch.save(tensors, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"model\.pt: 1 of 7 weights of .*\.bias are NaN or infinite"):
        load(tmp_path / "model.pt")


def test_an_unknown_layout_lists_the_known_ones_and_the_keys_seen(tmp_path: Path):
    torch.save(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).state_dict(), tmp_path / "model.pt")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "model.pt")
    for part in (*LAYOUTS, "Keys seen: 0.bias, 0.weight, 1.bias, 1.weight"):
        assert part in str(caught.value)


def test_a_layout_can_be_forced_and_must_exist(tmp_path: Path):
    torch.save(impala_file("pfrl"), tmp_path / "model.pt")
    assert load(tmp_path / "model.pt", format="pfrl").config.channels == (3, 4, 5)
    with pytest.raises(CheckpointError, match=r"layout cleanrl: missing keys: actor\.bias"):
        load(tmp_path / "model.pt", format="cleanrl")
    with pytest.raises(CheckpointError, match=r"no weights layout 'clean-rl'.*'cleanrl'"):
        load(tmp_path / "model.pt", format="clean-rl")


# ---- files that are not weights ------------------------------------------------------------------------------------


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_carries_code_is_refused_and_not_run(tmp_path: Path):
    mark = tmp_path / "the code ran"
    torch.save({**impala_file("pfrl"), "evil": Evil(mark)}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"evil": Evil(mark)}, protocol=2))
    torch.save(nn.Linear(2, 2), tmp_path / "whole module.pt")
    torch.save({"state_dict": impala_file("pfrl"), "args": argparse.Namespace(seed=1)}, tmp_path / "args.pt")
    for file in ("zip.pt", "plain.pt", "whole module.pt", "args.pt"):
        with pytest.raises(
            CheckpointError, match=rf"{file}: the file carries code besides weights, which is never run"
        ):
            load(tmp_path / file)
    assert not mark.exists()


@pytest.mark.parametrize("part", [0.0, 0.001, 0.01, 0.3, 0.6, 0.99])
def test_a_torch_file_that_is_cut_off_is_refused(part: float, tmp_path: Path):
    torch.save(impala_file("pfrl"), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(CheckpointError, match=r"cut\.pt: .*cut off"):
        load(tmp_path / "cut.pt")


def test_the_old_torch_format_is_read_and_its_damage_noticed(tmp_path: Path):
    torch.save(impala_file("pfrl"), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert load(tmp_path / "old.pt").config.hidden == 7
    whole = (tmp_path / "old.pt").read_bytes()
    for length in (20, 200, 2_000, len(whole) - 50):
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"cut\.pt: "):
            load(tmp_path / "cut.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], r"holds a list, not a dictionary of weights"),
        ({}, r"holds a dict, not a dictionary of weights"),
        ({"weight": torch.zeros(2), "epoch": 3, 4: 5}, r"not all entries are weights: epoch, 4"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, message: str, tmp_path: Path):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / "model.pt")


def stable_baselines(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data", "pytorch_variables.pth", "policy.pth", "policy.optimizer.pth", "system_info.txt"):
            archive.writestr(name, b"{}")


def torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it is going out of use
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)


def with_joblib(path: Path, compress: int = 0) -> None:
    pytest.importorskip("joblib").dump({"w": np.zeros((9, 9))}, path, compress=compress)


def with_numpy(path: Path, save: Callable = np.savez) -> None:
    buffer = io.BytesIO()
    save(buffer, np.zeros(3))
    path.write_bytes(buffer.getvalue())


def archived(path: Path, archive: Callable) -> None:
    (path.parent / "notes.txt").write_text("no weights")
    with archive(path, "w") as file:
        (file.write if isinstance(file, zipfile.ZipFile) else file.add)(path.parent / "notes.txt", "notes.txt")


OTHER_KINDS: list[tuple[Callable, str]] = [
    (stable_baselines, r"a model of Stable-Baselines3, whose weights are in policy\.pth"),
    (torchscript, r"a TorchScript program; load it with torch\.jit\.load"),
    (with_joblib, r"a pickle of joblib, which may carry code"),
    (lambda path: with_joblib(path, 3), r"compressed by zlib, as joblib does; load it with joblib"),
    (with_numpy, r"a NumPy archive \(\.npz\); save its arrays with safetensors"),
    (lambda path: with_numpy(path, np.savez_compressed), r"a NumPy archive \(\.npz\)"),
    (lambda path: with_numpy(path, np.save), r"a NumPy array \(\.npy\)"),
    (lambda path: path.write_bytes(gzip.compress(b"weights")), r"compressed by gzip; decompress it first"),
    (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), r"an HDF5 file, such as Keras writes"),
    (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), r"a pointer of Git LFS"),
    (lambda path: path.write_text("<!DOCTYPE html>\n<title>404</title>"), r"a page of HTML"),
    (lambda path: path.write_text('{"format": "mechinterp-policy"}'), r"JSON; of a checkpoint folder, give the folder"),
    (lambda path: archived(path, zipfile.ZipFile), r"a zip archive, but not one of torch's; it holds notes\.txt"),
    (lambda path: archived(path, tarfile.open), r"a tar archive; unpack it"),
]


@pytest.mark.parametrize(("write", "message"), OTHER_KINDS)
def test_a_file_of_another_kind_is_named(write: Callable[[Path], object], message: str, tmp_path: Path):
    write(tmp_path / "model.zip")
    with pytest.raises(CheckpointError, match=rf"model\.zip: {message}") as caught:
        load(tmp_path / "model.zip")
    assert "cut off" not in str(caught.value)


def test_a_flipped_bit_in_a_torch_file_is_noticed_or_changes_nothing(tmp_path: Path):
    torch.save(impala_file("pfrl"), tmp_path / "whole.pt")
    whole, expected = (tmp_path / "whole.pt").read_bytes(), load(tmp_path / "whole.pt").state_dict()
    rng, unnoticed = np.random.default_rng(0), 0
    for bit in rng.integers(0, 8 * len(whole), 150).tolist():
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "flipped.pt").write_bytes(changed)
        try:
            found = load(tmp_path / "flipped.pt").state_dict()
        except CheckpointError:
            continue
        unnoticed += 1  # in the padding between the parts, which nothing reads
        assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert unnoticed <= 50


def test_tensors_that_claim_more_than_the_file_holds_are_refused(tmp_path: Path):
    tensors = impala_file("pfrl")
    path = tmp_path / "model.pt"
    torch.save({**tensors, "hidden_fc.weight": torch.zeros(1).expand(16384, 16384)}, path)
    assert path.stat().st_size < 40_000
    with pytest.raises(
        CheckpointError, match=r"hidden_fc\.weight has 268,435,456 weights, more than .* bytes can hold"
    ):
        load(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(10**7))
    with pytest.raises(CheckpointError, match=r"would unpack to 10,000,000"):
        load(path)
    for odd, message in (
        (torch.eye(3).to_sparse(), r"logits_fc\.bias is torch\.sparse_coo on cpu"),
        (torch.zeros(15, device="meta"), r"logits_fc\.bias is torch\.strided on meta"),
        (torch.zeros(15, dtype=torch.complex64), r"logits_fc\.bias is torch\.complex64"),
    ):
        torch.save({**tensors, "logits_fc.bias": odd}, path)
        with pytest.raises(CheckpointError, match=message):
            load(path)
    torch.save({**tensors, "conv_seqs.999999999.res_block0.conv0.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"missing keys: .* in all\); unexpected keys: conv_seqs\.999999999"):
        load(path)


def test_another_kind_of_file_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("These are notes, and no weights at all.")
    with pytest.raises(CheckpointError, match="neither a safetensors nor a torch file"):
        load(tmp_path / "notes.txt")


def test_distill_files_with_wrong_shapes_are_refused(tmp_path: Path):
    sizes = {"1a": (7, 3), **dict.fromkeys(("2a", "2b", "3a", "4a"), (5, 4))}  # kernel, channels in; 4 come out
    good = {f"pi/{layer}/conv2d/kernel": torch.zeros(k, k, into, 4) for layer, (k, into) in sizes.items()}
    good |= {f"pi/{layer}/conv2d/bias": torch.zeros(4) for layer in sizes}
    good |= {"pi/dense/kernel": torch.zeros(64, 6), "pi/dense/bias": torch.zeros(6)}
    good |= {"pi/dense_1/kernel": torch.zeros(6, 5), "pi/dense_1/bias": torch.zeros(5)}
    good |= {"pi/w": torch.zeros(5, 7), "pi/b": torch.zeros(7), "vf/w": torch.zeros(5, 1), "vf/b": torch.zeros(1)}
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(good, path)
    assert load(path).actions == (4, 7, 1, 5, 8, 2, 3)
    for name, shape, message in (
        ("pi/w", (5, 8), r"pi/w has 8 columns"),
        ("pi/dense/kernel", (63, 6), r"63 rows, which is no square map of 4 channels"),
        ("pi/2a/conv2d/kernel", (5, 5, 3, 4), r"layer2a\.conv\.weight has shape \[4, 3, 5, 5\].*needs \[4, 4, 5, 5\]"),
        ("pi/2a/conv2d/kernel", (5, 5, 4), r"expected 4 axes"),
        ("pi/dense/kernel", (64,), r"expected 2 axes"),
    ):
        safetensors.torch.save_file({**good, name: torch.zeros(shape)}, path)
        with pytest.raises(CheckpointError, match=message):
            load(path)
