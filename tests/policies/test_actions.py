"""The algebra of actions, against sums over probabilities that are written out here."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mechinterp.policies import PolicyError, actions

LEFT, STILL, RIGHT = {0, 1, 2}, {3, 4, 5, 9, 10, 11, 12, 13, 14}, {6, 7, 8}
JUMP, DOWN = {2, 5, 8}, {0, 3, 6}

numbers = st.floats(-30, 30, width=32)
subsets = st.permutations(range(15)).flatmap(lambda order: st.integers(2, 15).map(lambda n: tuple(order[:n])))


def probability(logits: list[float], columns: tuple[int, ...], wanted: set[int]) -> float:
    weights = [math.exp(logit) for logit in logits]
    return math.fsum(w for w, action in zip(weights, columns, strict=True) if action in wanted) / math.fsum(weights)


@given(columns=subsets, data=st.data())
def test_groups_and_log_odds_equal_brute_force(columns: tuple[int, ...], data: st.DataObject):
    logits = data.draw(st.lists(numbers, min_size=len(columns), max_size=len(columns)))
    batch = torch.tensor([logits], dtype=torch.float64)
    movement = [probability(logits, columns, wanted) for wanted in (LEFT, STILL, RIGHT)]
    jump, down = (probability(logits, columns, wanted) for wanted in (JUMP, DOWN))
    found = actions.groups(batch, columns)
    assert found.movement[0].tolist() == pytest.approx(movement, abs=1e-12)
    assert found.press[0].tolist() == pytest.approx([jump, 1 - jump - down, down], abs=1e-12)

    for function, top, bottom in (
        (actions.movement_logodds, RIGHT, LEFT),
        (actions.jump_logodds, JUMP, set(range(15)) - JUMP),
    ):
        if top & set(columns) and bottom & set(columns):
            expected = math.log(probability(logits, columns, top)) - math.log(probability(logits, columns, bottom))
            assert function(batch, columns).item() == pytest.approx(expected, abs=1e-9)
        else:
            with pytest.raises(PolicyError, match="none of this policy's actions is"):
                function(batch, columns)


@given(shift=numbers, columns=subsets)
def test_a_constant_added_to_all_logits_changes_nothing(shift: float, columns: tuple[int, ...]):
    logits = torch.linspace(-3, 2, len(columns), dtype=torch.float64)[None]
    for function in (actions.groups, actions.movement_logodds, actions.jump_logodds):
        try:
            before = function(logits, columns)
        except PolicyError:
            continue
        after = function(logits + shift, columns)
        for a, b in zip(before, after, strict=True):
            torch.testing.assert_close(a, b)


def test_every_action_has_its_name_movement_and_press():
    for action in range(15):
        movement = "left" if action in LEFT else "right" if action in RIGHT else "still"
        press = "jump" if action in JUMP else "down" if action in DOWN else "none"
        assert (actions.movement_of(action), actions.press_of(action)) == (movement, press)
        parts = [part for part in (movement, press) if part not in ("still", "none")]
        assert actions.NAMES[action] == ("+".join(parts) or "none")


def test_duplicates_of_doing_nothing_count_once_each():
    """15 equal logits: 9 actions stand still, of which 7 press nothing."""
    found = actions.groups(torch.zeros(1, 15), range(15))
    torch.testing.assert_close(found.movement, torch.tensor([[3.0, 9, 3]]) / 15)
    torch.testing.assert_close(found.press, torch.tensor([[3.0, 9, 3]]) / 15)


def test_extreme_logits_stay_finite():
    logits = torch.zeros(1, 15)
    logits[0, 7] = 500
    assert actions.movement_logodds(logits, range(15)).item() == pytest.approx(500 - math.log(3))


def test_leading_axes_are_kept():
    logits = torch.randn(2, 5, 9, generator=torch.Generator().manual_seed(0))
    assert actions.movement_logodds(logits, range(9)).shape == (2, 5)
    assert actions.groups(logits, range(9)).press.shape == (2, 5, 3)


def test_actions_that_do_not_fit_are_refused():
    with pytest.raises(PolicyError, match="9 columns for 15 actions"):
        actions.movement_logodds(torch.zeros(1, 9), range(15))
    with pytest.raises(PolicyError, match="0 to 14, got 15"):
        actions.movement_of(15)
    with pytest.raises(PolicyError, match="0 to 14, got -1"):
        actions.groups(torch.zeros(1, 2), (-1, 3))
