from __future__ import annotations

import subprocess
import sys

import pytest

from mechinterp import policies

PROBE = """
import sys
import {module}
print(sorted({{"torch", "transformer_lens", "procgen", "plotly"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("module", ["mechinterp", "mechinterp.policies"])
def test_a_face_imports_nothing_heavy(module: str):
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)], capture_output=True, text=True, check=True
    )
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def test_every_exported_name_exists_and_is_listed():
    for name in policies.__all__:
        assert getattr(policies, name) is not None
    assert dir(policies) == sorted(policies.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"mechinterp\.policies exports no 'polices'"):
        policies.polices  # noqa: B018  # pyright: ignore
