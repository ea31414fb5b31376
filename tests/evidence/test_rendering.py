"""The layout of JSON files is that of `json.dumps`, made faster."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.evidence.rendering import json_text
from mhx.evidence.store import render_json, strict

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(VALUES)
def test_one_pass_writes_what_json_writes(value):
    plain = strict(value)
    wanted = json.dumps(plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    assert json_text(value, strict) == wanted


class Metres(float):
    """A number of another type, as array libraries have them."""


def test_numbers_of_other_types_are_numbers():
    assert render_json({"a": Metres(1.5), "b": True, "c": (1, Metres("nan"))}) == (
        b'{\n  "a": 1.5,\n  "b": true,\n  "c": [\n    1,\n    null\n  ]\n}\n'
    )


def test_what_json_does_not_hold_is_refused():
    with pytest.raises(TypeError, match="plain values"):
        json_text([Fraction(1, 3)], strict)
    with pytest.raises(TypeError, match="text keys"):
        json_text({1: 2}, strict)
