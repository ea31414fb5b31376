"""Inheriting files, overlays, --set, the environment; typed paths; where a value was written."""

from pathlib import Path

import pytest
from pydantic import Field

from mhx.config import InputPath, OutputPath, Table
from mhx.errors import ConfigError
from mhx.workflow import registry
from mhx.workflow.load import Changes, load, read_chain
from mhx.workflow.registry import Registration


class Workflow(Table):
    mode: str
    output_dir: OutputPath | None = None


class Bar(Table):
    id: str
    length: float = Field(1.0, gt=0, description="length [m]")
    table: InputPath | None = None


class Rods(Table):
    workflow: Workflow
    name: str = ""
    bars: list[Bar] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    grid: InputPath | None = None
    top: float | InputPath = Field(0.0, description="height [m]")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Write files below a folder that is the current one; the mode "bars" is known."""
    row = Registration(
        subject=None, runner=None, mode="bars", entry="-", config="-", purpose="Bars."
    )
    monkeypatch.setattr(registry, "rows", lambda: (row,))
    monkeypatch.setattr("mhx.workflow.load.table_of", lambda row: Rods)
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, text in files.items():
            path = Path(name.replace("__", "/") + ".toml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


MODE = '[workflow]\nmode = "bars"\n'


def refused(path, changes=None):
    with pytest.raises(ConfigError) as caught:
        load(Path(path), changes)
    return str(caught.value)


def test_later_layers_win(place):
    place(
        base=f'name = "base"\ntags = ["a"]\n{MODE}',
        mid='base_config = "base.toml"\nname = "mid"\ntags__append = ["b"]',
        k='base_config = "mid.toml"\nname = "file"\ntags__append = ["c"]',
        over='name = "overlay"',
    )
    assert load(Path("k.toml")).config["tags"] == ["a", "b", "c"]
    names = {
        "file": Changes(),
        "overlay": Changes(overlays=(Path("over.toml"),)),
        "set": Changes(overlays=(Path("over.toml"),), sets=("name=set",)),
        "env": Changes(sets=("name=set",), environ={"MHX_SET_name": "env", "HOME": "/"}),
    }
    for name, changes in names.items():
        assert load(Path("k.toml"), changes).config["name"] == name


SETS = {
    "a number": ("bars.a.length=2.5", 2.5),
    "a float with an exponent": ("bars.a.length=1e-5", 1e-5),
    "blanks": (" bars.a.length = 3 ", 3.0),
}


@pytest.mark.parametrize(("word", "length"), SETS.values(), ids=SETS)
def test_set_reads_toml_and_steps_by_id(word, length, place):
    place(k=f'{MODE}[[bars]]\nid = "a"\n[[bars]]\nid = "b"')
    bars = load(Path("k.toml"), Changes(sets=(word,))).config["bars"]
    assert [bar["length"] for bar in bars] == [length, 1.0]


def test_dots_are_two_underscores_in_the_environment(place):
    place(k=f'{MODE}[[bars]]\nid = "a"')
    changes = Changes(environ={"MHX_SET_bars__a__length": "7"})
    assert load(Path("k.toml"), changes).config["bars"][0]["length"] == 7.0


def test_what_was_changed_is_on_record(place):
    place(k=f'{MODE}[[bars]]\nid = "a"', over='tags = ["x"]')
    changes = Changes(overlays=(Path("over.toml"),), sets=("bars.a.length=2", "name=plain text"))
    assert read_chain(Path("k.toml"), changes).overrides == (
        {"key": "tags", "value": ["x"], "from": "over.toml"},
        {"key": "bars[0].length", "value": 2, "from": "--set bars.a.length"},
        {"key": "name", "value": "plain text", "from": "--set name"},
    )


CHAINS = {
    "goes round": (
        {"a": 'base_config = "b.toml"', "b": 'base_config = "a.toml"'},
        "base_config goes round: a.toml -> b.toml -> a.toml",
    ),
    "no file": (
        {"a": '\nbase_config = "b.toml"'},
        "a.toml: 1 fault\n  a.toml:2  base_config: no file 'b.toml' in the folder of a.toml",
    ),
    "no text": (
        {"a": "base_config = 3"},
        "a.toml: 1 fault\n  a.toml:1  base_config must be text, got 3",
    ),
    "directives": (
        {"a": 'base_config = "b.toml"\n\nnme__delete = true\ntag__append = []', "b": 'name = ""'},
        "a.toml: 2 faults\n"
        "  a.toml:3  nme__delete names no inherited key; did you mean name?\n"
        "  a.toml:4  tag__append has nothing to append to",
    ),
}


@pytest.mark.parametrize(("files", "told"), CHAINS.values(), ids=CHAINS)
def test_a_chain_that_cannot_be_followed(files, told, place):
    place(**files)
    assert refused("a.toml") == told


def test_a_set_that_is_none(place):
    place(k=MODE)
    assert refused("k.toml", Changes(sets=("name",))) == "--set must be key=VALUE, got 'name'"
    assert refused("k.toml", Changes(sets=("a b=1",))) == "--set a b: 'a b' is no dotted key"
    place(k=f'{MODE}[[bars]]\nid = "a"')
    assert refused("k.toml", Changes(sets=("bars.b.length=1",))) == (
        "--set bars.b.length: 1 fault\n  --set bars.b.length names no item of bars; its ids: a"
    )


def test_a_fault_names_the_file_and_line_in_which_the_value_was_written(place):
    place(
        base=f'{MODE}\n[[bars]]\nid = "a"\nlength = -1\n[[bars]]\nid = "b"\nlength = 1',
        k='base_config = "base.toml"\nbars__append = [{id = "c", length = 0}]\ncolour = 1',
        over='[[bars]]\nid = "b"\nlength = -2',
    )
    changes = Changes(overlays=(Path("over.toml"),), sets=("tags=3",))
    assert refused("k.toml", changes) == (
        "k.toml: 5 faults\n"
        "  base.toml:6  bars[0].length must be > 0.0 [m], got -1\n"
        "  k.toml:2  bars[2].length must be > 0.0 [m], got 0\n"
        "  k.toml:3  colour is not a known key; known here: workflow, name, bars, tags, grid, top\n"
        "  over.toml:3  bars[1].length must be > 0.0 [m], got -2\n"
        "  --set tags must be a list, each text, got 3"
    )


def test_what_was_deleted_is_missed_at_the_line_that_deleted_it(place):
    place(
        base=f'{MODE}[[bars]]\nid = "a"', k='base_config = "base.toml"\n\nworkflow__delete = true'
    )
    assert "k.toml:3  workflow" in refused("k.toml", Changes(sets=('name="x"',)))


def test_paths_count_from_the_file_in_which_they_are_written(place):
    here = place(
        data__base=f'grid = "g.csv"\n{MODE}output_dir = "out"\n[[bars]]\nid = "a"\ntable = "t.csv"',
        k='base_config = "data/base.toml"',
        more__over='[[bars]]\nid = "b"\ntable = "t.csv"',
    )
    for name in ("data/g.csv", "data/t.csv", "more/t.csv", "here.csv"):
        (here / name).write_text(name)
    loaded = load(
        Path("k.toml"), Changes(overlays=(Path("more/over.toml"),), sets=("top=here.csv",))
    )
    assert loaded.inputs == {
        "grid": here / "data/g.csv",
        "bars[0].table": here / "data/t.csv",
        "bars[1].table": here / "more/t.csv",
        "top": here / "here.csv",
    }
    assert loaded.config["grid"] == str(here / "data/g.csv")
    assert loaded.output_dir == here / "data/out"


def test_an_input_that_is_not_there_is_told_with_the_other_faults(place):
    place(
        base=f'grid = "g.csv"\n{MODE}[[bars]]\nid = "a"\nlength = -1',
        k='base_config = "base.toml"',
    )
    assert refused("k.toml", Changes(sets=("top=t.csv",))) == (
        "k.toml: 3 faults\n"
        "  base.toml:1  grid: no file 'g.csv' beside base.toml\n"
        "  base.toml:6  bars[0].length must be > 0.0 [m], got -1\n"
        "  --set top: no file 't.csv' in the current folder"
    )
