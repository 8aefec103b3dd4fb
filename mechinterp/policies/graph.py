"""A policy is a graph of named activations, and a small interpreter that can start and stop at any of them.

Three statements hold at every hook point, whatever hooks are on:

- what `capture` reports at a node is what the nodes after it saw, that is, the value *after* the node's hooks;
- `forward(start_at=name, values=v)` goes on as if the forward pass had just produced `v`: the hooks of `name` and of
  the nodes before it do **not** run (their effect is already in `v`), those of all later nodes do;
- no node works in place or returns a view of its input, so a hook that writes into its value changes that value alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, overload

import torch
from torch import Tensor, nn

from mechinterp.policies.errors import PolicyError
from mechinterp.policies.frames import Frames, as_frames
from mechinterp.policies.gradient_cache import run_with_gradients
from mechinterp.policies.hooked_graph import HookedGraph
from mechinterp.policies.hooks import HookFn, Names, attached
from mechinterp.policies.interpreter import checked_values, run_steps
from mechinterp.policies.nodes import LOGITS, OBSERVATION, VALUE, Captured, Node, PolicyOutput


class Policy(HookedGraph):
    """A network whose every activation is a named hook point. Made by `build`, not by hand.

    Attributes:
        config: the architecture, enough to build the network again.
        actions: Procgen action (0-14) of each column of the logits.
        nodes, hook_names: see `HookedGraph`.
    """

    def __init__(self, config: Any, nodes: Sequence[Node], modules: Mapping[str, nn.Module]) -> None:
        super().__init__(nodes, modules)
        self.config = config
        self.actions: tuple[int, ...] = tuple(config.actions)

    def forward(
        self,
        obs: Frames | None = None,
        state: Any = None,
        *,
        start_at: str | None = None,
        stop_at: str | None = None,
        values: Mapping[str, Tensor] | None = None,
    ) -> Any:
        """Run the network, or the part of it after `start_at` and up to `stop_at`.

        Args:
            obs: frames (an array or a tensor), unless `start_at` is given.
            state: what the last output's `state` was (None for a feed-forward policy).
            start_at: node whose value is given in `values`; the nodes after it are computed. The hooks of `start_at`
                itself do not run.
            stop_at: node to stop at.
            values: value of each of `frontier(start_at, stop_at=stop_at)`; other nodes' values are ignored, so a whole
                capture may be passed.

        Returns:
            PolicyOutput; with `stop_at`, the Tensor at that node, after its hooks.

        Raises:
            UnknownHook: `start_at`, `stop_at` or a key of `values` is no hook point.
            PolicyError: frames that are none (see `frames.as_frames`); a value of the frontier is missing or
                misshapen; or `stop_at` comes before `start_at`.
        """
        return self._run(obs, state, start_at, stop_at, values, {}, frozenset())

    @torch.no_grad()
    def capture(
        self,
        obs: Frames | None = None,
        names: Names = None,
        *,
        state: Any = None,
        start_at: str | None = None,
        values: Mapping[str, Tensor] | None = None,
    ) -> Captured:
        """Run the network without gradients and keep the values of the selected nodes (all, if `names` is None).

        Only nodes that are computed can be captured: with `start_at`, those after it.

        Raises:
            UnknownHook, EmptySelection: see `select`.
            PolicyError: a selected node is not computed; and as `forward`.
        """
        wanted = self._computed(names, start_at)
        kept: dict[str, Tensor] = {}
        output = self._run(obs, state, start_at, None, values, kept, frozenset(wanted))
        return Captured(output, kept)

    @overload
    def activations(
        self,
        obs: Frames | None,
        names: str,
        *,
        state: Any = None,
        start_at: str | None = None,
        values: Mapping[str, Tensor] | None = None,
    ) -> Tensor: ...
    @overload
    def activations(
        self,
        obs: Frames | None = None,
        names: Sequence[str] | Callable[[str], bool] | None = None,
        *,
        state: Any = None,
        start_at: str | None = None,
        values: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]: ...

    @torch.no_grad()
    def activations(
        self,
        obs: Frames | None = None,
        names: Names = None,
        *,
        state: Any = None,
        start_at: str | None = None,
        values: Mapping[str, Tensor] | None = None,
    ) -> Tensor | dict[str, Tensor]:
        """The values that `capture` gives, without running the network beyond the last of them.

        Returns:
            The Tensor at the hook point that `names` is the name of; for a sequence (of names or patterns), a predicate
            or None, name -> Tensor.

        Raises:
            UnknownHook: no such hook point. (A pattern stands in a sequence: ``["block2.*"]``.)
        """
        if isinstance(names, str):
            self._index(names)
        wanted = self._computed(names, start_at)
        kept: dict[str, Tensor] = {}
        self._run(obs, state, start_at, wanted[-1], values, kept, frozenset(wanted))
        return kept[names] if isinstance(names, str) else kept

    def hooks_on(self, hooks: Mapping[str, HookFn]) -> AbstractContextManager[None]:
        """Within the `with` block, run `fn(value, hook)` at each named node; a Tensor that it returns replaces the
        value.

        Hooks of an outer block run before those of an inner one. All are gone after the block, also after an exception.

        Raises:
            UnknownHook: on entering, if a name is no hook point.
            PolicyError: while running, if a function returns something of another type, shape or dtype.
        """
        return attached(self.hook_dict, hooks)

    def run_with_cache(
        self,
        *model_args: Any,
        names_filter: Any = None,
        device: Any = None,
        remove_batch_dim: bool = False,
        incl_bwd: bool = False,
        of: Callable[[Any], Tensor] | None = None,
        **options: Any,
    ) -> Any:
        """As TransformerLens: the output, and a cache of activations; with `incl_bwd`, of gradients too.

        Args:
            incl_bwd: also cache ``name_grad``, the gradient of `of` with respect to each activation; see
                `run_with_gradients`.
            of: from the output to one number a row; by default log P(right) - log P(left).
            names_filter, device, remove_batch_dim, options: as in TransformerLens, or for `forward`.

        Raises:
            UnknownHook, EmptySelection: see `select`.
            PolicyError: see `forward`; an `of` that cannot be differentiated, or without `incl_bwd`.
        """
        how = {"names_filter": names_filter, "device": device, "remove_batch_dim": remove_batch_dim}
        if not incl_bwd:
            if of is not None:
                raise PolicyError("of: says whose gradients are cached; give incl_bwd=True with it")
            return super().run_with_cache(*model_args, **how, **options)
        return run_with_gradients(self, model_args, options, of=of, **how)

    def initial_state(self, batch: int) -> Any:
        """State before the first step of an episode: None, since the network is feed-forward."""
        return None

    # ---- private -----------------------------------------------------------------------------------------------

    def _run(
        self,
        obs: Any,
        state: Any,
        start_at: str | None,
        stop_at: str | None,
        given: Mapping[str, Tensor] | None,
        kept: dict[str, Tensor],
        wanted: frozenset[str],
    ) -> Any:
        if state is not None:
            raise PolicyError("this policy is feed-forward: state must be None")
        stop = len(self._steps) if stop_at is None else self._index(stop_at) + 1
        if start_at is None:
            if obs is None or given is not None:
                raise PolicyError("give either obs, or start_at with values")
            first, live = 0, {OBSERVATION: as_frames(obs)}
        else:
            first, live = self._index(start_at) + 1, self._given(obs, start_at, stop_at, given)

        run_steps(self._steps, live, first=first, stop=stop, last_use=self._last_use, wanted=wanted, kept=kept)
        if stop_at is not None:
            return live[stop_at]
        return PolicyOutput(live[LOGITS], live[VALUE], None)

    def _given(
        self, obs: Any, start_at: str, stop_at: str | None, given: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        if obs is not None:
            raise PolicyError(f"obs is not read when starting at {start_at!r}; leave it out")
        return checked_values(given or {}, self.frontier(start_at, stop_at=stop_at), self.shapes)

    def _computed(self, names: Names, start_at: str | None) -> tuple[str, ...]:
        wanted = self.select(names)
        if start_at is None:
            return wanted
        start = self._index(start_at)
        if names is None or callable(names):
            wanted = tuple(name for name in wanted if self._position[name] > start)
        if not wanted or self._position[wanted[0]] <= start:
            early = [name for name in wanted if self._position[name] <= start]
            raise PolicyError(
                f"starting at {start_at!r}, only later nodes are computed; cannot capture {early or names}"
            )
        return wanted


def network_words(policy: Policy) -> str:
    """The architecture in a few words, such as ``IMPALA 16-32-32, 15 actions``."""
    config = policy.config
    channels = "-".join(str(width) for width in config.channels)
    return f"{config.title} {channels}, {len(policy.actions)} actions"
