"""Networks that know nothing: whatever an analysis finds in them, it finds by itself.

Two nulls for every claim about a trained network: the same architecture before training (Adebayo et al. 2018, "Sanity
checks for saliency maps"), and the trained numbers in the wrong places, which keeps each layer's
distribution of weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from mechinterp.policies.graph import Policy
from mechinterp.policies.networks import blank, build


def untrained(policy: Policy, *, seed: int | torch.Generator) -> Policy:
    """The architecture of `policy` with random weights, as training starts from; see `build`."""
    return build(policy.config, seed=seed)


def shuffled(policy: Policy, *, seed: int | torch.Generator) -> Policy:
    """The weights of `policy`, permuted at random within each parameter tensor. `policy` stays as it is."""
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(int(seed))
    mixed = {}
    for name, tensor in policy.state_dict().items():
        flat = tensor.detach().cpu().contiguous().flatten()
        mixed[name] = flat[torch.randperm(flat.numel(), generator=generator)].reshape(tensor.shape)
    control = blank(policy.config)
    control.load_state_dict(mixed)
    return control


def random_networks(policy: Policy, *, seed: int) -> Iterator[Policy]:
    """Random networks of the architecture of `policy`, without end: by turns `shuffled` and `untrained`.

    Their log-odds hardly vary from frame to frame. Bring them to the sensitivity of `policy` before effects are
    compared (`sensitivity.matched`).

    Args:
        seed: of all of them; each is drawn from a generator of its own, so that the first ones do not depend on how
            many are drawn.
    """
    for index in itertools.count():
        drawn = int(np.random.default_rng([seed, index]).integers(2**62))
        make = shuffled if index % 2 == 0 else untrained
        yield make(policy, seed=torch.Generator().manual_seed(drawn)).eval().requires_grad_(False)
