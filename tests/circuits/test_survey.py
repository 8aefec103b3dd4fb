"""Which hook points `mechinterp patch` takes, whatever the architecture."""

from __future__ import annotations

import pytest

from mechinterp.circuits.survey import matching
from mechinterp.commands.patch import STAGES, stages
from mechinterp.policies import UnknownHook


def test_every_architecture_has_stages(policy):
    hooks = matching(policy, stages(policy))
    assert any(len(policy.shapes[hook]) == 3 for hook in hooks)  # there are maps, so all ways of patching work
    assert any(len(policy.shapes[hook]) == 1 for hook in hooks)
    ends = tuple(pattern.removeprefix("*") for pattern in STAGES)
    assert hooks == tuple(name for name in policy.hook_names if name.endswith(ends))
    with pytest.raises(UnknownHook, match="blok"):
        matching(policy, [*stages(policy), "blok*"])
