"""Choosing hook points by name, and hooks that are always taken off again."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import Tensor
from transformer_lens.hook_points import HookPoint

from mechinterp.policies.errors import EmptySelection, PolicyError, UnknownHook

Names = str | Sequence[str] | Callable[[str], bool] | None
"""What selects hook points: a name or a pattern (`block2.*`; `*`, `?`, `[...]`), a sequence of these, a predicate on
names, or None for all."""

HookFn = Callable[..., Tensor | None]
"""`fn(value, hook)` as in TransformerLens: returns the replacement, or None to leave the value. `hook` is passed by
keyword; `hook.name` is the hook point's name."""


def select(names: Names, known: Sequence[str]) -> tuple[str, ...]:
    """The hook points that `names` selects, in the order of `known` and without repetition.

    Raises:
        UnknownHook: a name is not in `known`, or a pattern matches none of them.
        EmptySelection: nothing is selected.
    """
    if names is None:
        return tuple(known)
    if isinstance(names, str):
        names = (names,)
    if not callable(names) and not (isinstance(names, Iterable) and all(isinstance(name, str) for name in names)):
        raise PolicyError(f"hook points are selected by names, patterns or a predicate, got {names!r:.80}")
    if callable(names):
        chosen = {name for name in known if names(name)}
    else:
        matches = {name: fnmatch.filter(known, name) for name in names}
        if unknown := [name for name, found in matches.items() if not found]:
            raise UnknownHook(unknown, known)
        chosen = {name for found in matches.values() for name in found}
    if not chosen:
        raise EmptySelection(f"the selection matches none of the {len(known)} hook points: {', '.join(known)}")
    return tuple(name for name in known if name in chosen)


def _checked(fn: HookFn) -> HookFn:
    """`fn`, refusing a result that later nodes might silently broadcast."""

    def hooked(value: Tensor, hook: HookPoint) -> Tensor | None:
        result = fn(value, hook=hook)
        if result is None:
            return None
        if not isinstance(result, Tensor):
            raise PolicyError(f"the hook at {hook.name} returned {type(result).__name__}, expected a Tensor or None")
        if result.shape != value.shape or result.dtype != value.dtype:
            raise PolicyError(
                f"the hook at {hook.name} returned {result.dtype} {tuple(result.shape)}, "
                f"expected {value.dtype} {tuple(value.shape)}"
            )
        return result

    return hooked


@contextmanager
def attached(points: Mapping[str, HookPoint], hooks: Mapping[str, HookFn]) -> Iterator[None]:
    """Put each function on its hook point, and take it off at the end, also after an exception.

    Raises:
        UnknownHook: a name is not in `points`; no hook has been put on then.
    """
    if unknown := [name for name in hooks if name not in points]:
        raise UnknownHook(unknown, tuple(points))
    added = []
    try:
        for name, fn in hooks.items():
            added.append((points[name], points[name].add_hook(_checked(fn))))
        yield
    finally:
        for point, handle in added:
            handle.hook.remove()
            point.fwd_hooks = [other for other in point.fwd_hooks if other is not handle]
