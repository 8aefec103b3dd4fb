"""The network behind the patched hook points, run on nothing but what the patches change.

A patch of one channel stays in one channel until the first convolution, which is then done for the change of that
channel alone; patches between frames that differ in few places stay near those places, growing with the receptive
field; what no patch reaches is taken from the unpatched run; a change of nothing is not run at all. Patches of several
hook points join one batch at the next node that everything passes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

from jaxtyping import Shaped
from torch import Tensor

from mechinterp.interventions.engine import start
from mechinterp.interventions.engine.layers import STEPS, supported
from mechinterp.interventions.engine.parts import Part, changing, dense, joined
from mechinterp.interventions.sites import Site
from mechinterp.policies.fingerprint import is_hooked
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS, VALUE, PolicyOutput, last_uses


def can_run(policy: Policy, first: str) -> bool:
    """Whether the nodes after `first` are of known kinds, with no hooks on them that would have to run."""
    nodes = policy.nodes[policy.hook_names.index(first) + 1 :]
    modules = [policy.get_submodule(node.module) for node in nodes]
    points = [policy.hook_dict[node.name] for node in nodes]
    return all(map(supported, modules)) and not any(map(is_hooked, (*modules, *points)))


@dataclass
class _Batch:
    """Patches that are at the same node."""

    sites: list[int]
    part: Part

    @property
    def kind(self) -> tuple[int, bool]:
        """Batches of one kind can be joined."""
        channels = self.part.channels
        return (0 if channels is None else channels.shape[1], self.part.maps is not None)


class FastSuffix:
    """As `PlainSuffix`, for policies that `can_run`.

    Args:
        base: the unpatched value of every node from the first patched hook point's frontier on.
        replacement: what is put in, at every patched hook point.
        first: position of the cached pairs in the masks of sites.
        rows: (patch, pair) rows that may be run at once behind each node.
    """

    def __init__(
        self,
        policy: Policy,
        base: Mapping[str, Tensor],
        replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]],
        *,
        first: int,
        rows: Mapping[str, int],
    ) -> None:
        self.first, self.rows = first, rows
        self.base = {name: _channels_last(value) for name, value in base.items()}
        self.replacement = {name: _channels_last(value) for name, value in replacement.items()}
        self.nodes = policy.nodes
        self.modules = [policy.get_submodule(node.module) for node in policy.nodes]
        self.last_use = last_uses(policy.nodes)
        self.position = {name: i for i, name in enumerate(policy.hook_names)}
        self.bottlenecks = [i for i, name in enumerate(policy.hook_names) if policy.frontier(name) == (name,)]

    def __call__(self, sites: Sequence[Site], pairs: slice) -> PolicyOutput:
        """Outputs `[sites, pairs, ...]`; `pairs` are positions in the cache."""
        run = _Run(self, pairs, len(sites))
        at: dict[int, list[int]] = {}
        for i, site in enumerate(sites):
            at.setdefault(self.position[site.hook], []).append(i)
        here = min(at)
        for stop in [i for i in self.bottlenecks if i >= here]:
            run.carry(stop)
            for hook in sorted(i for i in at if i <= stop):
                for batch in run.starting(sites, at.pop(hook), hook):
                    run.join(batch, hook, stop)
        run.finish_all()
        for hook, members in at.items():  # behind the last bottleneck: the heads
            for batch in run.starting(sites, members, hook):
                run.finish(batch, hook)
        return run.output

    def putting_in(self, replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]]) -> Self:
        """The same unpatched run, with other values to put in."""
        other = copy(self)
        other.replacement = {name: _channels_last(value) for name, value in replacement.items()}
        return other


class _Run:
    """All patches of some pairs, on their way through the network."""

    def __init__(self, network: FastSuffix, pairs: slice, sites: int) -> None:
        self.network, self.pairs = network, pairs
        self.count = pairs.stop - pairs.start
        base = network.base
        logits, value = base[LOGITS][pairs], base[VALUE][pairs]
        self.output = PolicyOutput(
            logits.expand(sites, *logits.shape).clone(), value.expand(sites, *value.shape).clone()
        )
        self.waiting: dict[tuple[int, bool], _Batch] = {}
        self.at = -1  # the node at which these wait

    def starting(self, sites: Sequence[Site], members: Sequence[int], hook: int) -> Iterator[_Batch]:
        """The patches at one hook point, in batches."""
        network, name = self.network, self.network.nodes[hook].name
        replacement = (
            network.replacement[name] if len(network.replacement[name]) == 1 else network.replacement[name][self.pairs]
        )
        in_masks = slice(network.first + self.pairs.start, network.first + self.pairs.stop)
        limit = self._limit(hook)
        for first in range(0, len(members), limit):
            block = members[first : first + limit]
            for kept, part in start.parts([sites[i] for i in block], self._base(hook), replacement, in_masks):
                yield _Batch([block[i] for i in kept], part)

    def carry(self, stop: int) -> None:
        """Bring all that wait to node `stop`."""
        here, moving = self.at, list(self.waiting.values())
        self.waiting, self.at = {}, stop
        for batch in moving:
            self.join(batch, here, stop)

    def join(self, batch: _Batch, here: int, stop: int) -> None:
        """Bring a batch from node `here` to `stop` and let it wait there; what would be too many is run to the end."""
        self.at = stop
        part = self._advance(batch.part, here, stop)
        if part is not None and part.channels is not None and part.maps is None:
            kept = changing(part, self._base(stop))  # what a relu or a pool has swallowed
            part, batch = part.keep(kept), _Batch([batch.sites[i] for i in kept], part)
        if part is None or not batch.sites:
            return
        batch = _Batch(batch.sites, part)
        other = self.waiting.pop(batch.kind, None)
        if other is not None and len(other.sites) + len(batch.sites) <= self._limit(stop):
            batch = _Batch(other.sites + batch.sites, joined(other.part, batch.part, self._base(stop)))
        elif other is not None:
            if len(other.sites) < len(batch.sites):
                other, batch = batch, other
            self.finish(other, stop)
        self.waiting[batch.kind] = batch

    def finish_all(self) -> None:
        for batch in self.waiting.values():
            self.finish(batch, self.at)
        self.waiting = {}

    def finish(self, batch: _Batch, here: int) -> None:
        """Run a batch to the end and note its outputs."""
        live = self._live(batch.part, here, len(self.network.nodes) - 1)
        for name, into in ((LOGITS, self.output.logits), (VALUE, self.output.value)):
            if name in live:
                into[batch.sites] = dense(live[name], self._base(self.network.position[name]), None)

    def _advance(self, part: Part, here: int, stop: int) -> Part | None:
        return part if here == stop else self._live(part, here, stop).get(self.network.nodes[stop].name)

    def _live(self, part: Part, here: int, stop: int) -> dict[str, Part]:
        """What is changed at node `stop` and is still to be read."""
        network = self.network
        live = {network.nodes[here].name: part}
        for position in range(here + 1, stop + 1):
            node, module = network.nodes[position], network.modules[position]
            if not any(read in live for read in node.inputs):
                continue
            ends = [network.last_use[read] == position for read in node.inputs]
            parts = [
                None if read not in live else live[read] if end else replace(live[read], owned=False)
                for read, end in zip(node.inputs, ends, strict=True)
            ]
            bases = [network.base[read][self.pairs] for read in node.inputs]
            for read, end in zip(node.inputs, ends, strict=True):
                if end:
                    live.pop(read, None)
            changed = STEPS[type(module)](module, parts, bases, self._base(position))
            if changed is not None:
                live[node.name] = changed
        return live

    def _base(self, position: int) -> Tensor:
        return self.network.base[self.network.nodes[position].name][self.pairs]

    def _limit(self, position: int) -> int:
        """Patches that may be run at once behind a node."""
        return max(1, self.network.rows[self.network.nodes[position].name] // self.count)


def _channels_last(value: Tensor) -> Tensor:
    return value.permute(0, 2, 3, 1).contiguous() if value.ndim == 4 else value
