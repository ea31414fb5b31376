"""Digests: pinned, equal for equal content, different for different content."""

import hashlib
import json
import math
import os
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.evidence.hashing import canonical, content_digest, file_digest, shared_digest

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
TABLES = st.dictionaries(st.text(), SCALARS, max_size=5)


def test_digest_is_pinned():
    """If this changes, every stored case loses its identity: bump the schema."""
    assert content_digest({"eta": 0.0045, "grid": [64, 64]}).startswith("93fafe964bc9")


EQUAL = {
    "1 and 1.0": ({"a": 1}, {"a": 1.0}),
    "0 and -0.0": ({"a": 0}, {"a": -0.0}),
    "tuple and list": ({"a": (1, 2)}, {"a": [1, 2]}),
    "order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "any mapping": ({"a": 1}, MappingProxyType({"a": 1})),
    "numbers of numpy": ({"a": [0.5, 2]}, {"a": np.array([0.5, 2.0])}),
    "a scalar of numpy": ({"a": 3}, {"a": np.int64(3)}),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_equal_content_has_one_digest(one, other):
    assert content_digest(one) == content_digest(other)


DIFFERENT = {
    "text and number": ({"a": "1"}, {"a": 1}),
    "true and 1": ({"a": True}, {"a": 1}),
    "null and absent": ({"a": None}, {}),
    "order of a list": ([1, 2], [2, 1]),
    "last bit": ({"a": 0.1}, {"a": math.nextafter(0.1, 1)}),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_content_has_different_digests(one, other):
    assert content_digest(one) != content_digest(other)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_numbers_that_are_not_finite_have_no_digest(value):
    with pytest.raises(ValueError, match="finite"):
        content_digest({"a": [value]})


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, {"a": {1, 2}}, {"a": b"x"}])
def test_what_is_not_plain_has_no_digest(value):
    with pytest.raises(TypeError):
        content_digest(value)


@given(TABLES)
def test_a_digest_does_not_depend_on_the_order_of_keys(table):
    assert content_digest(dict(reversed(table.items()))) == content_digest(table)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_one_pass_spells_what_json_writes(value):
    assert canonical(value) == json.dumps(value, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize("size", [0, 1, 4096, 3_000_001])
def test_a_file_digest_is_sha256_of_its_bytes(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    assert file_digest(tmp_path / "file") == hashlib.sha256(content[:size]).hexdigest()


def test_a_file_of_many_names_is_read_again_when_it_changed(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"one")
    other.hardlink_to(path)
    assert shared_digest(path) == file_digest(path)
    os.utime(path, ns=(0, 10**18))  # long ago: from now on it is remembered
    assert shared_digest(path) == shared_digest(other) == file_digest(path)
    path.write_bytes(b"two")
    assert shared_digest(other) == file_digest(path)
    os.utime(path, ns=(0, 2 * 10**18))
    assert shared_digest(other) == file_digest(path)
