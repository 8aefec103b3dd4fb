"""Networks that other people trained, against recomputations that share nothing with the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mechinterp.policies import actions, convert, load, read

from .conftest import random_frames
from .test_foreign import impala_by_hand


@pytest.fixture
def game_frames(shared_weights: Path) -> np.ndarray:
    """32 frames of the original game."""
    return load_file(shared_weights / "openai-distill-observations.safetensors")["observations"]


def test_sharkey_impala_equals_a_functional_recomputation(shared_weights: Path, game_frames: np.ndarray):
    tensors = torch.load(shared_weights / "sharkey-impala.pt", map_location="cpu", weights_only=True)
    frames = torch.cat([torch.from_numpy(game_frames), random_frames(16)])
    policy, card = read(shared_weights / "sharkey-impala.pt")
    logits, value = impala_by_hand(tensors, "pfrl", frames)
    with torch.no_grad():
        output = policy(frames)
    assert (output.logits - logits).abs().max() < 1e-4
    assert (output.value - value).abs().max() < 1e-4
    assert card.source is not None
    assert card.source.format == "pfrl"


def distill_by_hand(w: dict[str, np.ndarray], frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and values in TensorFlow's own layout (height, width, channel), in float64 numpy."""

    def conv(x: np.ndarray, layer: str) -> np.ndarray:
        kernel = w[f"pi/{layer}/conv2d/kernel"].astype(np.float64)
        half = kernel.shape[0] // 2
        padded = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
        # windows: batch, height, width, channel, kernel height, kernel width
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))  # pyright: ignore
        summed = np.tensordot(windows, kernel, axes=((4, 5, 3), (0, 1, 2)))
        return np.maximum(summed + w[f"pi/{layer}/conv2d/bias"], 0)

    def pool(x: np.ndarray) -> np.ndarray:
        n, h, width, c = x.shape
        return np.sqrt((x**2).reshape(n, h // 2, 2, width // 2, 2, c).mean(axis=(2, 4)) + 1e-8)

    def dense(x: np.ndarray, layer: str) -> np.ndarray:
        return np.maximum(x @ w[f"pi/{layer}/kernel"].astype(np.float64) + w[f"pi/{layer}/bias"], 0)

    x = pool(conv(frames / 255.0, "1a"))
    x = pool(conv(conv(x, "2a"), "2b"))
    x = pool(conv(pool(conv(x, "3a")), "4a"))
    x = dense(dense(x.reshape(len(x), -1), "dense"), "dense_1")
    return x @ w["pi/w"] + w["pi/b"], (x @ w["vf/w"] + w["vf/b"])[:, 0]


def test_distill_network_equals_a_numpy_recomputation_in_its_own_layout(shared_weights: Path, game_frames: np.ndarray):
    logits, value = distill_by_hand(load_file(shared_weights / "openai-distill.safetensors"), game_frames[:8])
    policy = load(shared_weights / "openai-distill.safetensors")
    with torch.no_grad():
        output = policy(torch.from_numpy(game_frames[:8]))
    np.testing.assert_allclose(output.logits.numpy(), logits, atol=1e-4)
    np.testing.assert_allclose(output.value.numpy(), value, atol=1e-4)


def test_distill_network_plays_sensibly_on_frames_of_its_own_game(shared_weights: Path, game_frames: np.ndarray):
    policy = load(shared_weights / "openai-distill.safetensors")
    assert policy.actions == (4, 7, 1, 5, 8, 2, 3, 9, 10)
    with torch.no_grad():
        output = policy(torch.from_numpy(game_frames))
    left, still, right = actions.groups(output.logits, policy.actions).movement.mean(0)
    assert right > 0.7  # the coin is on the right
    assert left < 0.1
    # The two extra actions do what the first one, doing nothing, does; the policy gives them much the same probability.
    nothing = torch.softmax(output.logits, -1)[:, [0, 7, 8]].mean(0)
    assert nothing.min() > 0.5 * nothing.max()
    assert still > nothing.sum() * 0.99
    assert 0 < output.value.min() < output.value.max() < 11  # a level pays 10


def test_foreign_networks_survive_conversion(shared_weights: Path, game_frames: np.ndarray, tmp_path: Path):
    for file in ("sharkey-impala.pt", "openai-distill.safetensors"):
        convert(shared_weights / file, tmp_path / file)
        frames = torch.from_numpy(game_frames)
        with torch.no_grad():
            assert torch.equal(load(tmp_path / file)(frames).logits, load(shared_weights / file)(frames).logits)
