"""The loops that people write for exact activation patching, each around the library that it is named after.

Every function patches single channels, one site at a time in effect, and returns the movement log-odds of each patched
run. All keep maps in ``channels_last``, in which this machine's convolutions are fastest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float64
from torch import Tensor

from mechinterp.circuits import FramePairs, patch
from mechinterp.interventions import Site
from mechinterp.policies import Policy, PolicyOutput
from mechinterp.policies.actions import movement_logodds

Answer = Float64[np.ndarray, "sites pairs"]
Way = Callable[[Policy, FramePairs, list[Site]], Answer]


def by_us(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    return patch(policy, pairs, sites).run[0]


class Renamed:
    """A policy as `generic_activation_patch` wants its transformer: hook point i is called blocks.i.hook_x."""

    class cfg:
        device = "cpu"

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.names = {f"blocks.{i}.hook_x": name for i, name in enumerate(policy.hook_names)}

    def run_with_hooks(self, frames: Tensor, fwd_hooks: list[tuple[str, Any]]) -> PolicyOutput:
        return self.policy.run_with_hooks(frames, fwd_hooks=[(self.names[name], fn) for name, fn in fwd_hooks])


def by_transformer_lens(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """One whole forward of all pairs for each patch, by the library's own `generic_activation_patch`."""
    from transformer_lens.patching import generic_activation_patch

    model: Any = Renamed(policy)  # it has what `generic_activation_patch` uses, which is less than its types ask for
    clean = policy.capture(torch.from_numpy(pairs.clean), list({site.hook: None for site in sites})).values
    cache: Any = {short: clean[name] for short, name in model.names.items() if name in clean}
    index = [(policy.hook_names.index(site.hook), channel) for site in sites for channel in site.channels or ()]
    setter: Any = _put
    metric: Any = lambda output: movement_logodds(output.logits, policy.actions)  # noqa: E731
    result = generic_activation_patch(
        model,
        torch.from_numpy(pairs.corrupted),
        cache,
        metric,
        setter,
        "x",
        index_df=pd.DataFrame(index, columns=["layer", "channel"]),
        reduce="none",
    )
    return result.values.double().numpy()


def _put(value: Tensor, index: list[int], other: Tensor) -> Tensor:
    if value.ndim == 1:
        return other
    value = value.clone()
    value[:, index[1]] = other[:, index[1]]
    return value


def by_captum(policy: Policy, pairs: FramePairs, sites: list[Site], *, batch: int) -> Answer:
    """Whole forwards, `batch` patches of one pair in each, by `LayerFeatureAblation`."""
    from captum.attr import LayerFeatureAblation

    hooks = list({site.hook: None for site in sites})
    clean = policy.capture(torch.from_numpy(pairs.clean), hooks).values
    columns = []
    for pair, frame in enumerate(torch.from_numpy(pairs.corrupted)):
        rows = []
        for hook in hooks:
            method = LayerFeatureAblation(
                lambda obs: movement_logodds(policy(obs).logits, policy.actions), policy.hook_dict[hook]
            )
            other = clean[hook][pair : pair + 1]
            features = torch.arange(math.prod(other.shape[1:2])).reshape(1, -1, *[1] * (other.ndim - 2))
            lost: Any = method.attribute(
                frame[None],
                layer_baselines=other,
                layer_mask=features.expand(other.shape) if other.ndim > 1 else torch.zeros(1, dtype=torch.long),
                perturbations_per_eval=batch,
            )
            rows.append(lost.reshape(1, max(1, features.numel()), -1)[0, :, 0])
        base = movement_logodds(policy(frame[None]).logits, policy.actions)
        columns.append(base - torch.cat(rows))
    return torch.stack(columns, 1).double().numpy()


def by_hand(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """What one writes oneself: both runs once, then, for each hook point, all its patches through the rest at once."""
    clean, corrupted = (policy.capture(torch.from_numpy(side)).values for side in (pairs.clean, pairs.corrupted))
    found = []
    for hook, channels in _by_hook(sites):
        live = {name: _tiled(corrupted[name], len(channels)) for name in policy.frontier(hook)}
        live[hook] = _patched(corrupted[hook], clean[hook], channels)
        for node in policy.nodes[policy.hook_names.index(hook) + 1 :]:
            live[node.name] = policy.get_submodule(node.module)(*[live[name] for name in node.inputs])
        found.append(movement_logodds(live["hook_logits"], policy.actions).reshape(len(channels), -1))
    return torch.cat(found).double().numpy()


def by_nnsight(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """A trace for each hook point, in which everything up to it is skipped, all its patches in one batch."""
    from nnsight import NNsight

    model: Any = NNsight(policy)
    clean, corrupted = (policy.capture(torch.from_numpy(side)).values for side in (pairs.clean, pairs.corrupted))
    found = []
    for hook, channels in _by_hook(sites):
        stop = policy.hook_names.index(hook)
        known = {**corrupted, **{name: _tiled(corrupted[name], len(channels)) for name in policy.frontier(hook)}}
        known[hook] = _patched(corrupted[hook], clean[hook], channels)
        skipped = [(_within(model, node.module), known[node.name]) for node in policy.nodes[: stop + 1]]
        with model.trace(torch.from_numpy(np.tile(pairs.corrupted, (len(channels), 1, 1, 1)))):
            for module, value in skipped:
                module.skip(value)
            logits = model.output.logits.save()
        found.append(movement_logodds(logits, policy.actions).reshape(len(channels), -1))
    return torch.cat(found).double().numpy()


def by_tdhook(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """Two forwards for each patch, the unpatched and the patched one, by `ActivationPatching`."""
    from tdhook.latent.activation_patching import ActivationPatching
    from tensordict import TensorDict

    count = len(pairs.clean)
    both = TensorDict(
        {"obs": torch.from_numpy(pairs.clean), ("patched", "obs"): torch.from_numpy(pairs.corrupted)},
        batch_size=[count],
    )
    found = []
    for hook, channels in _by_hook(sites):
        for channel in channels:

            def put(output: Tensor, output_to_patch: Tensor, channel: int = channel, **kwargs: Any) -> Tensor:
                new = output.clone()
                new[:, channel] = output_to_patch[:, channel]
                return new

            method = ActivationPatching([hook], patch_fn=put)
            with method.prepare(policy, in_keys=["obs"], out_keys=["logits", "value", "state"]) as hooked:
                found.append(movement_logodds(hooked(both)["patched", "logits"], policy.actions))
    return torch.stack(found).double().numpy()


def by_pyvene(policy: Policy, pairs: FramePairs, sites: list[Site]) -> Answer:
    """A forward for each patch, by an `IntervenableModel` whose intervention writes one channel."""
    import pyvene  # pyright: ignore[reportMissingImports]  # in no list of requirements: it brings its own pins

    class Channel(pyvene.ConstantSourceIntervention):
        """Puts in one channel of another run."""

        other: Tensor
        channel: int

        def forward(self, base: Tensor, source: Any = None, subspaces: Any = None) -> Tensor:
            new = base.clone()
            new[:, self.channel] = self.other[:, self.channel]
            return new

    hooks = list({site.hook: None for site in sites})
    clean = policy.capture(torch.from_numpy(pairs.clean), hooks).values
    frames, found = torch.from_numpy(pairs.corrupted), []
    for hook, channels in _by_hook(sites):
        for channel in channels:
            put = Channel(keep_last_dim=True)  # or it would join channels and rows
            put.other, put.channel = clean[hook], channel
            config = pyvene.IntervenableConfig([{"component": f"{hook}.output", "intervention": put}])
            model = pyvene.IntervenableModel(config, model=policy)
            _, patched = model({"obs": frames})
            found.append(movement_logodds(patched.logits, policy.actions))
    return torch.stack(found).double().numpy()


def _by_hook(sites: Sequence[Site]) -> Iterator[tuple[str, list[int]]]:
    for hook in dict.fromkeys(site.hook for site in sites):
        yield hook, [channel for site in sites if site.hook == hook for channel in site.channels or ()]


def _tiled(value: Tensor, times: int) -> Tensor:
    tiled = value.repeat(times, *[1] * (value.ndim - 1))
    return tiled.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else tiled


def _patched(value: Tensor, other: Tensor, channels: Sequence[int]) -> Tensor:
    """Rows `[channels x pairs, ...]`, one channel of each patched."""
    rows = _tiled(value, len(channels))
    if value.ndim == 1:
        return other.repeat(len(channels))
    for row, channel in zip(rows.unflatten(0, (len(channels), -1)), channels, strict=True):
        row[:, channel] = other[:, channel]
    return rows


def _within(model: Any, path: str) -> Any:
    for name in path.split("."):
        model = getattr(model, name)
    return model
