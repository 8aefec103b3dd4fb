"""What results are made of: arrays that come back as they were, estimates with their paths, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from mechinterp.experiments.fields import Array, EstimateField, Record, decode, encode, estimates
from tests.experiments.synthetic import estimate


class Frames(Record):
    frames: Annotated[np.ndarray, Array("uint8", "frames 4 4 3")]


class Maps(Record):
    maps: Annotated[np.ndarray, Array("float32", "maps side side")]


class Loose(Record):
    values: Annotated[np.ndarray, Array("float32", "first ... last")]


class Numbers(Record):
    counts: Annotated[np.ndarray, Array("int64", "counts")]


class Inner(Record):
    effect: EstimateField
    share: EstimateField | None
    words: str


class Outer(Record):
    total: EstimateField
    by_name: dict[str, Inner]
    by_size: dict[int, EstimateField]
    listed: tuple[EstimateField, ...]
    pairs: int


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int64, np.float32]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_arrays_come_back_as_they_were(array):
    back = decode(json.loads(json.dumps(encode(array))))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_a_record_owns_its_arrays():
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    record = Frames(frames=picture)
    picture += 1
    assert record.frames.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        record.frames[0] = 1
    with pytest.raises(ValidationError, match="frozen"):
        record.frames = picture  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("record", "value", "message"),
    [
        (Frames, np.zeros((2, 4, 4), np.uint8), r"must be \[frames 4 4 3\], is \[2, 4, 4\]"),
        (Frames, np.zeros((2, 4, 5, 3), np.uint8), r"is \[2, 4, 5, 3\]"),
        (Frames, np.full((1, 4, 4, 3), 256), "does not fit into uint8"),
        (Frames, np.full((1, 4, 4, 3), -1), "does not fit into uint8"),
        (Frames, np.zeros((1, 4, 4, 3)), "must be uint8, got float64"),
        (Frames, [[1]], "must be an array of real numbers, got list"),
        (Frames, np.array(["a"]), "must be an array of real numbers"),
        (Maps, np.zeros((2, 3, 4), np.float32), r"must be \[maps side side\]"),
        (Maps, np.full((1, 2, 2), np.nan), "4 of 4 values are not finite"),
        (Maps, np.full((1, 1, 1), 1e300), "1 of 1 values are not finite"),
        (Loose, np.zeros(1), r"must be \[first ... last\], is \[1\]"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_arrays_of_another_shape_or_kind_are_refused(record, value, message):
    field = next(iter(record.model_fields))
    with pytest.raises(ValidationError, match=message):
        record(**{field: value})


def test_the_same_name_is_the_same_size_and_dots_are_any_axes():
    assert Maps(maps=np.zeros((2, 3, 3))).maps.dtype == np.float32
    assert Loose(values=np.zeros((2, 5, 5, 3))).values.shape == (2, 5, 5, 3)
    assert Loose(values=np.zeros((2, 3))).values.shape == (2, 3)
    assert Numbers(counts=np.array([True, False])).counts.tolist() == [1, 0]


def test_unknown_kinds_of_arrays_are_refused():
    with pytest.raises(TypeError, match="uint8, int64, float32, not 'float64'"):
        Array("float64", "n")


def _encoded(**changes):
    return {**encode(np.arange(6, dtype=np.int64)), **changes}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_encoded(zlib="AAAA"), "bytes are damaged"),
        (_encoded(zlib="not base64!"), "bytes are damaged"),
        (_encoded(zlib=7), "bytes are damaged"),
        (_encoded(zlib=base64.b64encode(zlib.compress(b"123")).decode()), "needs 48 bytes, there are 3"),
        (_encoded(shape=[7]), "needs 56 bytes, there are 48"),
        (_encoded(shape=[5]), "needs 40 bytes, there are 41"),
        (_encoded(shape=[1 << 40]), "more than"),
        (_encoded(shape=[-1]), "must be a list of sizes"),
        (_encoded(shape=[True]), "must be a list of sizes"),
        (_encoded(shape="6"), "must be a list of sizes"),
        (_encoded(dtype="object"), "unknown dtype 'object'"),
        (_encoded(more=1), "the fields dtype, shape and zlib"),
        ({"dtype": "uint8"}, "the fields dtype, shape and zlib"),
    ],
)
def test_damaged_arrays_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data)
    with pytest.raises(ValidationError, match=message):
        Numbers.model_validate_json(json.dumps({"counts": data}))


def test_a_bomb_is_not_unpacked():
    bomb = base64.b64encode(zlib.compress(b"\0" * (1 << 26), 9)).decode()
    with pytest.raises(ValueError, match="there are 9"):
        decode({"dtype": "uint8", "shape": [8], "zlib": bomb})


def _outer() -> Outer:
    inner = Inner(effect=estimate(1, 0.5, name="the effect"), share=None, words="x")
    return Outer(
        total=estimate(2, 1), by_name={"coin side": inner}, by_size={12: estimate(3, 1)},
        listed=(estimate(4, 1), estimate(5, 1)), pairs=7,
    )  # fmt: skip


def test_paths_of_estimates_are_the_fields_and_keys():
    found = dict(estimates(_outer()))
    assert {path: e.value for path, e in found.items()} == {
        "total": 2, "by_name/coin side/effect": 1, "by_size/12": 3, "listed/0": 4, "listed/1": 5,
    }  # fmt: skip
    assert found["by_name/coin side/effect"].name == "the effect"
    assert [path for path, _ in estimates({"a": (estimate(0, 1),)}, "start")] == ["start/a/0"]
    assert list(estimates("text")) == []


def test_records_come_back_from_json_with_their_types():
    one = _outer()
    back = Outer.model_validate_json(one.model_dump_json())
    assert back == one
    assert list(back.by_size) == [12]
    assert isinstance(back.listed, tuple)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": 7.5}, "pairs"),
        ({"pairs": "7"}, "pairs"),
        ({"total": 8.4}, "must be an Estimate"),
        ({"total": {"name": "x"}}, "Estimate lacks the fields"),
        ({"listed": [None]}, "listed"),
        ({"more": 1}, "Extra inputs are not permitted"),
        ({"by_size": {"twelve": estimate(3, 1).to_dict()}}, "by_size"),
    ],
)
def test_no_type_is_converted_in_silence(change, message):
    data = {**_outer().model_dump(mode="json"), **change}
    with pytest.raises(ValidationError, match=message):
        Outer.model_validate_json(json.dumps(data))


def test_a_number_must_be_an_estimate_and_finite():
    with pytest.raises(ValidationError, match="Estimate"):
        Inner(effect=8.4, share=None, words="x")  # pyright: ignore[reportArgumentType]
    broken = {**estimate(1, 0.5).to_dict(), "low": 99}
    with pytest.raises(ValidationError, match="low <= value <= high does not hold"):
        Inner.model_validate_json(json.dumps({"effect": broken, "share": None, "words": "x"}))

    class Plain(Record):
        value: float

    with pytest.raises(ValidationError, match="finite"):
        Plain(value=float("nan"))
