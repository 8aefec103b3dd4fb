"""Choice weights of random networks that change their mind as much as the policy does, for no reason."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from mechinterp.policies.controls import random_networks
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.nodes import PolicyOutput
from mechinterp.policies.outputs import policy_outputs
from mechinterp.policies.readouts import READOUTS
from mechinterp.policies.sensitivity import scaling, silent
from mechinterp.policies.subject import PolicyLike, as_policy
from mechinterp.proxies.choice import game_probabilities
from mechinterp.proxies.choice_scenes import ChoiceScenes
from mechinterp.proxies.futures import ProxyError
from mechinterp.proxies.logit import fit
from mechinterp.proxies.random_effects import Rank, ranked

_DRAWS_EACH = 5
"""Networks drawn, at most, for each that responds to the frames."""


@dataclass(frozen=True, eq=False)
class RandomChoices:
    """What random networks earn.

    Attributes:
        specific: by proxy, the weight of each network, less its phantom's where the proxy has one.
    """

    specific: Mapping[str, Float64[np.ndarray, " networks"]]

    def ranks(self, own: Mapping[str, float]) -> dict[str, Rank]:
        """Where a policy's weights stand among these; p is corrected for all proxies."""
        return ranked(own, {name: self.specific[name] for name in own})

    def leave_out(self, network: int) -> tuple[dict[str, float], RandomChoices]:
        """One of the networks as if it were the policy, and the others."""
        own = {name: float(values[network]) for name, values in self.specific.items()}
        return own, RandomChoices({name: np.delete(values, network) for name, values in self.specific.items()})


def random_choices(policy: PolicyLike, scenes: ChoiceScenes, *, networks: int, seed: int = 0) -> RandomChoices:
    """The weights of random networks of the architecture, on the same decisions.

    Each is scaled to the policy's spread of movement log-odds over the frames (`policies.sensitivity`). Its mean logits
    are set to 0: it has no liking of any action, and so none of the right.

    Raises:
        ProxyError: too few random networks respond to the frames.
    """
    network = as_policy(policy)
    own = policy_outputs(network, scenes.frames)
    level = PolicyOutput(own.logits - own.logits.mean(0), own.value)
    found: list[list[float]] = []
    for drawn in itertools.islice(random_networks(network, seed=seed), _DRAWS_EACH * networks):
        if len(found) == networks:
            break
        output = policy_outputs(drawn, scenes.frames)
        if silent(output):
            continue
        try:
            change = scaling(READOUTS["movement"], output, level, network.actions)
        except PolicyError:  # left and right answer to the frames alike
            continue
        weights = fit(scenes.features, game_probabilities(change(output).logits, network.actions))
        values = dict(zip(scenes.proxies, weights.tolist(), strict=False))
        for name, frames in scenes.phantoms.items():
            bare = scenes.absent[name]
            logits = output.logits.clone()
            if bare.any():
                logits[torch.from_numpy(bare)] = policy_outputs(drawn, frames[bare]).logits
            probabilities = game_probabilities(change(output._replace(logits=logits)).logits, network.actions)
            column = list(scenes.proxies).index(name)
            values[name] -= float(fit(scenes.features, probabilities)[column])
        found.append(list(values.values()))
    if len(found) < networks:
        raise ProxyError(f"only {len(found)} of {_DRAWS_EACH * networks} random networks respond to the frames")
    return RandomChoices(dict(zip(scenes.proxies, np.array(found).T, strict=True)))
