"""Which values are paths, told by the types of their fields."""

import copy
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from mhx.config import InputPath, OutputPath, Table
from mhx.config.paths import CountedBy, LaidOver, counted_in, paths_in, with_paths


class Series(Table):
    file: InputPath
    column: str


class Flat(Table):
    kind: Literal["flat"]
    file: str = ""


class Dem(Table):
    kind: Literal["dem"]
    file: InputPath
    source: Literal["matplotlib:dem"] | InputPath | None = None


class Branch(Table):
    here: InputPath | None = None
    twigs: "list[Branch]" = Field(default_factory=list)


class Model(Table):
    out: OutputPath | None = None
    track_dir: str = ""
    shape_file: str = ""
    nodes: InputPath | None = Field(None, description="a file")
    many: list[InputPath] = Field(default_factory=list)
    zones: dict[str, InputPath] = Field(default_factory=dict)
    head: float | Literal["top"] | Series = Field(0.0, description="[m]")
    word: Annotated[str, Field(pattern=r"^builtin:\w+$")] | InputPath | None = None
    text: str | InputPath = ""
    terrain: Annotated[Flat | Dem, Field(discriminator="kind")] | None = None
    tree: Branch = Branch()


FOUND = {
    "an input and an output": (
        {"nodes": "a.csv", "out": "b"},
        {("nodes",): "input", ("out",): "output"},
    ),
    "names say nothing": ({"track_dir": "a", "shape_file": "b.shp"}, {}),
    "a list": ({"many": ["a", "b"]}, {("many", 0): "input", ("many", 1): "input"}),
    "free keys": ({"zones": {"clay": "a"}}, {("zones", "clay"): "input"}),
    "one arm of a union": ({"head": {"file": "a", "column": "b"}}, {("head", "file"): "input"}),
    "a word of a union": ({"head": "top"}, {}),
    "a pattern": ({"word": "builtin:x"}, {}),
    "a path beside a pattern": ({"word": "x.csv"}, {("word",): "input"}),
    "any text beside a path": ({"text": "x.csv"}, {}),
    "the kind decides": ({"terrain": {"kind": "flat", "file": "a"}}, {}),
    "the other kind": (
        {"terrain": {"kind": "dem", "file": "a", "source": "matplotlib:dem"}},
        {("terrain", "file"): "input"},
    ),
    "no kind yet": ({"terrain": {"file": "a"}}, {("terrain", "file"): "input"}),
    "a table of its own kind": (
        {"tree": {"twigs": [{"twigs": [{"here": "a"}]}]}},
        {("tree", "twigs", 0, "twigs", 0, "here"): "input"},
    ),
    "under a directive": (
        {"many__append": ["a"], "tree": {"here__replace": "b"}},
        {("many__append", 0): "input", ("tree", "here__replace"): "input"},
    ),
    "of another shape": ({"many": "a", "nodes": 3, "zones": ["a"], "tree": "x"}, {}),
    "unknown keys": ({"nodez": "a"}, {}),
}


@pytest.mark.parametrize(("data", "places"), FOUND.values(), ids=FOUND)
def test_paths_of(data, places):
    assert {place: kind for place, kind, _ in paths_in(Model, data)} == places


def test_paths_are_replaced_and_the_rest_is_shared():
    data = {"many": ["a", "b"], "zones": {"clay": "c"}, "tree": {"twigs": []}, "nodes": "d"}
    kept = copy.deepcopy(data)
    found = with_paths(Model, data, lambda place, kind, text: f"/x/{text}")
    assert found == {
        **{"many": ["/x/a", "/x/b"], "zones": {"clay": "/x/c"}},
        **{"tree": {"twigs": []}, "nodes": "/x/d"},
    }
    assert data == kept
    assert found["tree"] is data["tree"]


class Inner(Table):
    file: InputPath | None = None
    parts: list["Inner"] = Field(default=[])


class Outer(Table):
    overlay: Annotated[dict[str, Any], LaidOver(Inner)] = Field(default={})


def test_an_overlay_holds_the_paths_of_the_table_that_it_is_laid_over() -> None:
    data = {"overlay": {"file": "a.csv", "parts__append": [{"file": "b.csv"}], "note": "c.csv"}}
    assert [(place, text) for place, _, text in paths_in(Outer, data)] == [
        (("overlay", "file"), "a.csv"),
        (("overlay", "parts__append", 0, "file"), "b.csv"),
    ]


class Folder(Table):
    path: Annotated[InputPath, CountedBy("models:reached")]
    other: InputPath | None = None


class Holder(Table):
    model: Folder | None = None
    maybe: Annotated[InputPath, CountedBy("models:all")] | None = None
    over: Annotated[dict[str, Any], LaidOver(Folder)] = Field(default_factory=dict)


COUNTED = {
    "below a table": ({"model": {"path": "a", "other": "b"}}, {"a": "models:reached"}),
    "where it may be left out": ({"maybe": "a"}, {"a": "models:all"}),
    "in an overlay": ({"over": {"path": "c"}}, {"c": "models:reached"}),
    "nowhere": ({"model": {"other": "b"}}, {}),
}


@pytest.mark.parametrize(("data", "found"), COUNTED.values(), ids=COUNTED)
def test_a_path_may_say_which_files_it_stands_for(data, found):
    assert counted_in(Holder, data) == found
    assert counted_in(Model, {"nodes": "a"}) == {}


def test_such_a_path_is_an_input_like_any_other():
    places = {place: kind for place, kind, _ in paths_in(Holder, {"model": {"path": "a"}})}
    assert places == {("model", "path"): "input"}
    assert with_paths(Holder, {"maybe": "a"}, lambda *_: "z") == {"maybe": "z"}
