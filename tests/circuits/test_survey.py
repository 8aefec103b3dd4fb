"""Which hook points `mechinterp patch` takes."""

from __future__ import annotations

import pytest

from mechinterp.circuits.survey import matching
from mechinterp.policies import UnknownHook, stage_outputs


def test_patterns_select_hook_points_and_each_must_match(policy):
    hooks = stage_outputs(policy)
    assert matching(policy, hooks) == hooks
    assert matching(policy, ["*hook_pos?", hooks[0]]) == (hooks[0], *(h for h in hooks if h.endswith("hook_post")))
    with pytest.raises(UnknownHook, match="blok"):
        matching(policy, [*hooks, "blok*"])
