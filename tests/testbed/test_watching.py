"""A pure function is asked again only where it would read something else."""

import pytest

from mhx.testbed.child.watching import Remembered

READERS = {
    "a value": (lambda c: c["a"], {"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    "a value below": (
        lambda c: c["a"]["x"],
        {"a": {"x": 1}},
        {"a": {"x": 1, "y": 2}},
        {"a": {"x": 2}},
    ),
    "an absent key": (lambda c: c.get("z", 0), {"a": 1}, {"a": 2}, {"z": 1}),
    "whether a key is there": (lambda c: "z" in c, {"a": 1}, {"a": 2}, {"z": 1}),
    "a whole table": (
        lambda c: dict(c["a"]),
        {"a": {"x": 1}},
        {"a": {"x": 1}, "b": 1},
        {"a": {"x": 2}},
    ),
    "the number of keys": (lambda c: len(c["a"]), {"a": {}}, {"a": {}, "b": 1}, {"a": {"x": 2}}),
    "a table that is none": (
        lambda c: c.get("a", {}).get("x"),
        {},
        {"b": 1},
        {"a": {"x": 2}},
    ),
    "a list": (
        lambda c: [item["t"] for item in c["p"]],
        {"p": [{"t": 1}]},
        {"p": [{"t": 1}], "b": 1},
        {"p": []},
    ),
}


@pytest.mark.parametrize(("reader", "first", "alike", "other"), READERS.values(), ids=READERS)
def test_the_answer_is_kept_as_long_as_what_was_read_is_equal(reader, first, alike, other):
    asked = []
    remembered = Remembered(lambda config: asked.append(1) or reader(config))
    for config, times in ((first, 1), (alike, 1), (other, 2), (first, 2)):
        assert remembered(config) == reader(config)
        assert len(asked) == times


def test_what_is_raised_is_raised_each_time():
    remembered = Remembered(lambda config: config["a"])
    for _ in range(2):
        with pytest.raises(KeyError):
            remembered({})
    assert remembered({"a": 1}) == 1
