"""Readouts equal probabilities summed by hand, and whatever stands for one is taken as one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mechinterp.policies import (
    READOUTS,
    PolicyError,
    PolicyOutput,
    Readout,
    as_readout,
    build,
    light_impala,
    readout_values,
)

ACTIONS = (0, 1, 2, 4, 5, 7, 8, 9)


@pytest.fixture(scope="module")
def output() -> PolicyOutput:
    generator = torch.Generator().manual_seed(0)
    return PolicyOutput(3 * torch.randn(6, len(ACTIONS), generator=generator), torch.randn(6, generator=generator))


def test_they_are_listed_in_order_with_all_that_sentences_need():
    assert tuple(READOUTS)[:3] == ("movement", "jump", "value")
    for name, readout in list(READOUTS.items())[:3]:
        assert readout.name == name
        assert all((readout.symbol, readout.axis, readout.noun, readout.asks, readout.raises, readout.lowers))
        assert readout.raises != readout.lowers
        assert (readout.unit, readout.margin) == (("nats", 0.1) if readout.acts else ("", None))


def test_a_single_action_is_its_log_odds(output: PolicyOutput):
    p = output.logits.double().softmax(-1).numpy()
    jump_right = as_readout("action:right+jump")
    assert jump_right.unit == "nats"
    expected = np.log(p[:, 6] / (1 - p[:, 6]))
    np.testing.assert_allclose(jump_right(output, ACTIONS).numpy(), expected, atol=1e-5)
    nothing = p[:, 3] + p[:, 7]  # Procgen's 4 and 9 both do nothing
    expected = np.log(nothing / (1 - nothing))
    np.testing.assert_allclose(as_readout("action:none")(output, ACTIONS).numpy(), expected, atol=1e-5)


def test_any_function_of_logits_and_value(output: PolicyOutput):
    def gap(logits: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return logits[:, 0] - logits[:, 1] + value

    expected = output.logits[:, 0] - output.logits[:, 1] + output.value
    assert torch.equal(as_readout(gap)(output, ACTIONS), expected)
    assert as_readout(gap).name == "gap"
    assert as_readout(gap, name="mine").name == as_readout("movement", name="mine").name == "mine"
    assert as_readout(READOUTS["jump"]) is READOUTS["jump"]


def test_frames_in_batches_as_arrays_or_tensors():
    policy = build(light_impala(hidden=16), seed=1)
    frames = np.random.default_rng(0).integers(0, 256, (130, 64, 64, 3), dtype=np.uint8)
    found = readout_values(policy, frames, {"movement": "movement", "mine": lambda logits, value: 2 * value})
    again = readout_values(policy, torch.from_numpy(frames))
    assert set(again) == set(READOUTS)
    np.testing.assert_array_equal(found["movement"], again["movement"])
    np.testing.assert_array_equal(found["mine"], 2 * again["value"])
    assert readout_values(policy, frames[:0])["value"].shape == (0,)


def test_what_is_no_readout_is_refused(output: PolicyOutput):
    with pytest.raises(PolicyError, match="unknown readout 'movment'; did you mean 'movement'"):
        as_readout("movment")
    with pytest.raises(PolicyError, match=r"unknown action 'right\+jmp'; did you mean 'right\+jump'"):
        as_readout("action:right+jmp")
    with pytest.raises(PolicyError, match="none of this policy's actions is 'down'"):
        as_readout("action:down")(output, ACTIONS)
    with pytest.raises(PolicyError, match=r"a readout is a name, a Readout or a function of \(logits, value\), got 3"):
        as_readout(3)  # pyright: ignore[reportArgumentType]
    wide = as_readout(lambda logits, value: logits, name="wide")
    with pytest.raises(PolicyError, match=r"readout 'wide' must give one number a row, \(6,\), got \(6, 8\)"):
        wide(output, ACTIONS)
    assert isinstance(wide, Readout)


def test_a_function_of_one_argument_is_told_what_it_is_called_with():
    with pytest.raises(PolicyError, match=r"'<lambda>': it is called as function\(logits, value\), but too many"):
        as_readout(lambda logits: logits[:, 0])  # pyright: ignore[reportArgumentType]
    with pytest.raises(PolicyError, match=r"readout 'mine': .* missing a required argument: 'more'"):
        as_readout(lambda logits, value, more: value, name="mine")  # pyright: ignore[reportArgumentType]
    assert as_readout(lambda *output: output[1]).name == "<lambda>"
