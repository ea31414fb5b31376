"""Children as text: in pieces what tomli-w writes in one go, and always what was meant."""

import copy
import datetime
import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from mhx.config.merge import merged
from mhx.testbed.child import blocks
from mhx.testbed.child.blocks import ReadBackDiffers, block_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.datetimes().map(lambda t: t.replace(microsecond=0))
    | st.dates()
    | st.times().map(lambda t: t.replace(microsecond=0))
)
KEYS = st.sampled_from(["a", "b", "c d", "é", "x.y", ""])
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=3),
    lambda inner: st.dictionaries(
        KEYS, SCALARS | inner | st.lists(inner, max_size=2) | st.lists(SCALARS, max_size=3)
    ),
    max_leaves=14,
)


@given(TABLES)
def test_a_table_in_pieces_is_what_tomli_w_writes(table):
    assert block_of(table).text == tomli_w.dumps(table)


@given(TABLES, TABLES)
def test_a_child_made_from_its_base_is_what_tomli_w_writes(base, overlay):
    child = merged(base, overlay)
    text = block_of(child, block_of(base)).text
    assert text == tomli_w.dumps(child)
    assert tomllib.loads(text) == child


@given(TABLES, TABLES, TABLES)
def test_a_base_serves_many_children(base, first, second):
    known = block_of(base)
    kept = copy.deepcopy(base)
    block_of(merged(base, first), known)
    child = merged(base, second)
    assert block_of(child, known).text == tomli_w.dumps(child)
    assert base == kept


def test_what_a_child_shares_is_neither_written_nor_read_again(monkeypatch):
    base = {"mesh": {"size": 1.0, "rows": [{"id": "a"}]}, "flow": {"k": {"value": 1.0}, "n": 2}}
    known = block_of(base)
    seen = []
    read = tomllib.loads
    monkeypatch.setattr(blocks.tomllib, "loads", lambda text: seen.append(text) or read(text))
    block_of(merged(base, {"flow": {"k": {"value": 3.0}}}), known)
    assert seen == ["value = 3.0\n"]


DIFFERENT = {
    "a number of another type": ({"ic": {"value": 190.0}}, 190, "ic.value (wrote 190.0, read 190)"),
    "another number": ({"ic": {"value": 0.1}}, 0.10000000000000002, "ic.value (wrote 0.1, "),
    "the sign of zero": ({"ic": {"value": -0.0}}, 0.0, "ic.value (wrote -0.0, read 0.0)"),
    "a truth value": ({"ic": {"value": True}}, 1, "ic.value (wrote true, read 1)"),
    "a list of another length": ({"ic": {"value": [1, 2]}}, [1], "ic.value (wrote [1, 2], read [1"),
    "an item": ({"ic": {"value": [1, 2]}}, [1, 3], "ic.value[1] (wrote 2, read 3)"),
    "a moment": (
        {"ic": {"value": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}},
        datetime.datetime(2026, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        "ic.value (wrote 2026-01-01T00:00:00+00:00, ",
    ),
}


@pytest.mark.parametrize(("table", "read", "told"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_child_that_reads_back_as_something_else_is_found(table, read, told, monkeypatch):
    monkeypatch.setattr(blocks.tomllib, "loads", lambda text: {"value": read})
    with pytest.raises(ReadBackDiffers) as caught:
        block_of({"flow": table})
    assert str(caught.value).startswith(f"the child does not read back equal at flow.{told}")
