"""Readouts by name, single actions, and any function of the output."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float64
from torch import Tensor

from mechinterp._discovery import Registry, members
from mechinterp.errors import nearest
from mechinterp.policies.actions import NAMES, action_logodds
from mechinterp.policies.errors import PolicyError
from mechinterp.policies.frames import Frames
from mechinterp.policies.outputs import policy_outputs
from mechinterp.policies.readouts.readout import MARGIN, Readout
from mechinterp.policies.subject import PolicyLike, as_policy

ReadoutLike = str | Readout | Callable[[Tensor, Tensor], Tensor]
"""A name out of `READOUTS`, ``"action:NAME"``, a `Readout`, or a function of (logits, value)."""

READOUTS: Mapping[str, Readout] = Registry(
    "readout",
    {
        readout.name: readout
        for readout in sorted(members("mechinterp.policies.readouts", "READOUT").values(), key=lambda one: one.order)
    },
)
"""The readouts that every analysis reads, by name: movement, jump, value."""

ACTION = "action:"


def as_readout(readout: ReadoutLike, *, name: str | None = None) -> Readout:
    """Whatever stands for a readout, as one.

    Args:
        readout: see `ReadoutLike`. A function takes logits [batch, actions] and values [batch] and gives one number a
            row; its unit is not known.
        name: what to call it instead.

    Raises:
        PolicyError: a name that is not known, with the nearest ones; something else than these; or a function that
            cannot be called with two arguments.
    """
    if isinstance(readout, Readout):
        found = readout
    elif isinstance(readout, str):
        found = _named(readout)
    elif callable(readout):
        found = _of_function(readout, name or getattr(readout, "__name__", "function"))
    else:
        raise PolicyError(f"a readout is a name, a Readout or a function of (logits, value), got {readout!r}")
    return found if name is None or name == found.name else _renamed(found, name)


def action_readout(action: str) -> Readout:
    """The log-odds of one action, log P(action) - log P(any other), in nats.

    Args:
        action: what it does in CoinRun, one of `actions.NAMES`: "right+jump". Logits of actions that do the same are
            summed as probabilities.

    Raises:
        PolicyError: no such action.
    """
    if action not in NAMES:
        raise PolicyError(f"unknown action {action!r}{nearest(action, NAMES)}")
    symbol = f"log P({action}) \N{MINUS SIGN} log P(not {action})"
    return Readout(
        name=f"{ACTION}{action}",
        unit="nats",
        function=lambda logits, value, actions: action_logodds(logits, actions, action),
        symbol=symbol,
        axis=f"change of {symbol}, nats",
        noun=f"the action {action}",
        asks=f"make {action} more likely",
        raises=f"makes {action} more likely",
        lowers=f"makes {action} less likely",
        margin=MARGIN,
    )


def readout_values(
    policy: PolicyLike,
    frames: Frames,
    readouts: Mapping[str, ReadoutLike] = READOUTS,
) -> dict[str, Float64[np.ndarray, " frames"]]:
    """Each of these readouts (by default of `READOUTS`) for each frame, in batches, in float64.

    Raises:
        PolicyError: frames that are none (no frame at all is allowed), or an unknown readout.
    """
    policy = as_policy(policy)
    made = {name: as_readout(readout, name=name) for name, readout in readouts.items()}
    output = policy_outputs(policy, frames)
    return {name: readout(output, policy.actions).numpy() for name, readout in made.items()}


def _named(name: str) -> Readout:
    if name.startswith(ACTION):
        return action_readout(name.removeprefix(ACTION))
    if name not in READOUTS:
        known = [*READOUTS, *(f"{ACTION}{action}" for action in dict.fromkeys(NAMES))]
        raise PolicyError(f"unknown readout {name!r}{nearest(name, known)}")
    return READOUTS[name]


def _of_function(function: Callable[[Tensor, Tensor], Tensor], name: str) -> Readout:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise PolicyError(f"readout {name!r}: it is called as function(logits, value), but {error}") from None
    except ValueError:
        pass  # some built-in functions do not tell
    return Readout(
        name=name,
        unit="",
        function=lambda logits, value, actions: function(logits, value),
        symbol=name,
        axis=f"change of {name}",
        noun=name,
        asks=f"change {name}",
        raises=f"raises {name}",
        lowers=f"lowers {name}",
    )


def _renamed(readout: Readout, name: str) -> Readout:
    return dataclasses.replace(readout, name=name)
