"""Configurations: what passes, and how every fault is told."""

import tomllib
from typing import Literal

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mhx.config import (
    FilePath,
    GridShape,
    Names,
    Pair,
    Source,
    Table,
    json_schema,
    parse,
    read_toml,
    to_toml,
)
from mhx.config.fragments import loads
from mhx.config.lines import key_lines
from mhx.errors import ConfigError


class Physics(Table):
    """Dissipation."""

    resistivity: float = Field(1e-3, ge=0, description="eta = 1/S, Lundquist number S [L v_A]")
    equilibrium: Literal["cosine_tearing", "orszag_tang"] = "cosine_tearing"
    hold: bool = False
    label: str = Field("k", pattern="^[A-Za-z0-9_-]+$")


class Time(Table):
    """Fixed-step integration."""

    dt: float | Literal["auto"] = Field("auto", description="time step [L/v_A]")
    t1: float = Field(gt=0, le=1e6, description="final time [L/v_A]")
    save_every: int = Field(1, ge=1, description="steps between samples [1]")


class Mesh(Table):
    """Box."""

    shape: GridShape = Field((8, 8), description="cells [1]")
    lower: Pair = Field((0.0, 0.0), description="corner [L]")
    labels: Names = ()
    terrain: FilePath | None = None

    @model_validator(mode="after")
    def _oblong(self) -> "Mesh":
        if self.shape[0] < self.shape[1]:
            must = PydanticCustomError("rule", "must not be taller than wide")
            error = InitErrorDetails(type=must, loc=("shape",), input=list(self.shape))
            raise ValidationError.from_exception_data("Mesh", [error])
        return self


class Case(Table):
    """A case."""

    name: str = "case"
    physics: Physics = Physics()
    time: Time
    mesh: Mesh = Mesh()


CASE_TOML = """\
name = "k"

[physics]
# eta

resistivity = -0.001
[time]
dt = 0.1

t_1 = 3.0
"""


def message(text, tmp_path, table=Case):
    path = tmp_path / "case.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        parse(table, *read_toml(path))
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_all_faults_come_at_once_with_file_line_unit_and_nearest_name(tmp_path):
    assert message(CASE_TOML, tmp_path) == (
        "case.toml: 3 faults\n"
        "  case.toml:6  physics.resistivity must be >= 0.0 [L v_A], got -0.001\n"
        "  case.toml:7  time.t1 is required [L/v_A]\n"
        "  case.toml:10  time.t_1 is not a known key; did you mean time.t1?"
    )


FAULTS = {
    "out of a two-sided range": ("t1 = 2e6", "time.t1 must be > 0.0 and <= 1000000.0 [L/v_A]"),
    "nan is named": (
        "t1 = nan",
        "must be finite: a number > 0.0 and <= 1000000.0 [L/v_A], got nan",
    ),
    "inf in a union": ("t1 = 1\ndt = -inf", "time.dt must be finite: a number or 'auto' [L/v_A]"),
    "a union is one fault": (
        "t1 = 1\ndt = 'aut'",
        "time.dt must be a number or 'auto' [L/v_A], got 'aut'; did you mean 'auto'?",
    ),
    "a bool is no number": (
        "t1 = true",
        "must be a number > 0.0 and <= 1000000.0 [L/v_A], got true",
    ),
    "a name with a blank": (
        "t1 = 1\n[physics]\nlabel = 'a b'",
        "physics.label must be letters, digits, _ or -, got 'a b'",
    ),
    "a bool in a union": ("t1 = 1\ndt = false", "must be a number or 'auto' [L/v_A], got false"),
    "text is no number": ('t1 = "3"', "got '3'"),
    "half a step": ("t1 = 1\nsave_every = 1.5", "must be a whole number >= 1, got 1.5"),
    "an integral float is no count": ("t1 = 1\nsave_every = 2.0", "a whole number >= 1, got 2.0"),
    "a choice": (
        "t1 = 1\n[physics]\nequilibrium = 'cosine_tering'",
        "physics.equilibrium must be 'cosine_tearing' or 'orszag_tang', got 'cosine_tering'; "
        "did you mean 'cosine_tearing'?",
    ),
    "the beginning of a choice": (
        "t1 = 1\n[physics]\nequilibrium = 'cos'",
        "did you mean 'cosine_t",
    ),
    "a number is no switch": ("t1 = 1\n[physics]\nhold = 1", "must be true or false, got 1"),
    "a key of another table": (
        "t1 = 1\nresistivity = 1",
        "time.resistivity is not a known key; did you mean physics.resistivity?",
    ),
    "an unknown key": ("t1 = 1\nzzz = 1", "not a known key; known here: dt, t1, save_every"),
    "a short list": (
        "t1 = 1\n[mesh]\nshape = [8]",
        "mesh.shape must be a list of 2 values, each a whole number >= 4, got [8]",
    ),
    "an element": ("t1 = 1\n[mesh]\nshape = [\n8,\n3]", ":6  mesh.shape[1] must be >= 4, got 3"),
    "a number for a path": ("t1 = 1\n[mesh]\nterrain = 3", "mesh.terrain must be"),
    "a table for a number": ("t1 = {}", "got a table"),
    "a number for a table": (
        "t1 = 1\n[mesh]\nlower = 3",
        "a list of 2 values, each a number [L], got 3",
    ),
    "a date": ("t1 = 2026-01-01", "got 2026-01-01"),
    "a rule of the table's own": (
        "t1 = 1\n[mesh]\nshape = [8, 9]",
        ":4  mesh.shape must not be taller than wide, got [8, 9]",
    ),
}


@pytest.mark.parametrize(("text", "told"), FAULTS.values(), ids=FAULTS)
def test_fault(text, told, tmp_path):
    found = message(f"[time]\n{text}\n", tmp_path)
    assert told in found
    assert found.startswith("case.toml: 1 fault\n")
    assert found.count("\n") == 1


def test_a_fault_given_by_a_flag_names_the_flag():
    source = Source("plan", flags={"physics.resistivity": "--eta"})
    with pytest.raises(ConfigError) as caught:
        parse(Case, {"time": {"t1": 1}, "physics": {"resistivity": -1.0}}, source)
    assert str(caught.value) == "plan: 1 fault\n  --eta must be >= 0.0 [L v_A], got -1.0"


def test_a_fault_of_one_element_names_its_flag():
    source = Source("plan", flags={"mesh.shape.1": "--ny"})
    with pytest.raises(ConfigError, match="--ny must be >= 4, got 3"):
        parse(Case, {"time": {"t1": 1}, "mesh": {"shape": [8, 3]}}, source)


def test_whole_numbers_pass_for_floats_and_are_one_configuration():
    whole, real = (parse(Case, {"time": {"t1": t1}}) for t1 in (3, 3.0))
    assert whole.document() == real.document()
    assert isinstance(whole.time.t1, float)


def test_a_table_reads_back_equal_from_its_own_toml():
    case = parse(Case, {"time": {"t1": 1}, "mesh": {"shape": [9, 8], "labels": ["a", "b"]}})
    assert parse(Case, tomllib.loads(to_toml(case.document()))) == case


def test_none_has_no_word_in_toml():
    assert to_toml({"a": None, "b": {"c": None, "d": 1}}) == "[b]\nd = 1\n"


UNREADABLE = {
    "torn array": ("a = [1", "case.toml:1  not TOML: Unclosed array (end of file)"),
    "no equals": ("\na 3", "case.toml:2:3  not TOML: Expected '=' after a key in a key/value pair"),
    "twice": ("a = 1\na = 2\n", "case.toml:2:6  not TOML: Cannot overwrite a value"),
    "too deep": ("a = " + "[" * 3000, "case.toml: not readable as TOML: nested too deeply"),
    "too long a number": ("a = " + "9" * 5000, "case.toml: not readable as TOML: "),
    "not UTF-8": (b"a = '\xff'", "case.toml: not UTF-8 text (byte 5 is 0xff)"),
}


@pytest.mark.parametrize(("content", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_toml_is_refused_in_one_line(content, told, tmp_path):
    path = tmp_path / "case.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        read_toml(path)
    found = str(caught.value).replace(f"{tmp_path}/", "")
    assert found.startswith(told)
    assert "\n" not in found


def test_a_missing_file_and_a_folder_name_the_file_that_was_meant(tmp_path):
    (tmp_path / "case.toml").write_text("")
    for asked, told in {
        "cas.toml": f"{tmp_path}/cas.toml: no such file; did you mean {tmp_path}/case.toml?",
        ".": f"{tmp_path}: is a directory; name the TOML file in it; "
        f"did you mean {tmp_path}/case.toml?",
        "a\0b.toml": f"{tmp_path}/a\0b.toml: cannot be read: embedded null byte",
    }.items():
        with pytest.raises(ConfigError) as caught:
            read_toml(tmp_path / asked)
        assert str(caught.value) == told


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "case.toml"
    path.write_bytes(b"\xef\xbb\xbf[time]\r\n\r\nt1 = 1\r\n")
    data, source = read_toml(path)
    assert data == {"time": {"t1": 1}}
    assert source.lines == {(): 1, ("time",): 1, ("time", "t1"): 3}


LINES = {
    "dotted keys": (
        "a.b.c = 1\na.b.d = 2",
        {("a", "b", "c"): 1, ("a", "b", "d"): 2, ("a", "b"): 1},
    ),
    "quoted keys": ("\n[\"x.y\"]\n'z # w' = 1", {("x.y",): 2, ("x.y", "z # w"): 3}),
    "an escaped key": ('"\\u0041\\"" = 1', {('A"',): 1}),
    "text over lines": ('a = """\nb = 1\n""""\nc = 2', {("a",): 1, ("c",): 4}),
    "literal text": ("a = '''\nb = ']'''\nc = 2", {("a",): 1, ("c",): 3}),
    "a list over lines": (
        "a = [ # one\n  1,\n  [2, 'x]'],\n]\nb = 1",
        {("a", 0): 2, ("a", 1): 3, ("a", 1, 1): 3, ("b",): 5},
    ),
    "an inline table": ("\na = { b = 1, c.d = [2] }", {("a", "b"): 2, ("a", "c", "d", 0): 2}),
    "tables in a list": ("a = [\n {b = 1},\n {b = 2}]", {("a", 0, "b"): 2, ("a", 1, "b"): 3}),
    "an array of tables": (
        "[[p]]\nk = 1\n[[p]]\nk = 2\n[p.q]\nr = 3\n[[p.s]]\nt = 4",
        {
            **{("p",): 1, ("p", 0, "k"): 2, ("p", 1): 3, ("p", 1, "k"): 4},
            **{("p", 1, "q", "r"): 6, ("p", 1, "s", 0, "t"): 8},
        },
    ),
    "a table after its child": ("[a.b]\nc = 1\n[a]\nd = 2", {("a",): 3, ("a", "b"): 1}),
    "dates and times": ("a = 1979-05-27 07:32:00\nb = 07:32:00", {("a",): 1, ("b",): 2}),
}


@pytest.mark.parametrize(("text", "lines"), LINES.values(), ids=LINES)
def test_line_of(text, lines):
    tomllib.loads(text)
    found = key_lines(text)
    assert {place: found.get(place) for place in lines} == lines


SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.datetimes().map(lambda t: t.replace(microsecond=0))
    | st.dates()
    | st.times().map(lambda t: t.replace(microsecond=0))
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=4),
    lambda inner: st.dictionaries(KEYS, SCALARS | inner | st.lists(inner | SCALARS, max_size=3)),
    max_leaves=12,
)


@given(TABLES, st.booleans())
def test_every_key_that_tomllib_reads_has_a_line_that_holds_it(table, multiline):
    text = tomli_w.dumps(table, multiline_strings=multiline)
    read = tomllib.loads(text)
    lines = key_lines(text)
    assert set(lines) == set(_places(read))
    written = text.split("\n")
    for place, line in lines.items():
        key = place[-1]
        if isinstance(key, str) and key.isascii() and key.isalnum():
            assert key in written[line - 1]


def _places(value, above=()):
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield (*above, key)
        yield from _places(item, (*above, key))


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text() | st.booleans())
def test_no_value_is_ever_a_crash(value):
    for data in ({"time": {"t1": value}}, {"time": value}, {"time": {"t1": 1}, "mesh": [value]}):
        try:
            parse(Case, data)
        except ConfigError as error:
            assert "\n  " in str(error)


def test_the_schema_carries_units_and_bounds():
    found = json_schema(Case)
    assert found["$schema"].endswith("2020-12/schema")
    resistivity = found["$defs"]["Physics"]["properties"]["resistivity"]
    assert resistivity["minimum"] == 0
    assert resistivity["description"].endswith("[L v_A]")


def test_a_table_is_frozen():
    case = parse(Case, {"time": {"t1": 1}})
    with pytest.raises(ValueError, match="frozen"):
        case.name = "other"


@given(st.lists(TABLES, max_size=3), st.booleans())
def test_a_text_read_in_pieces_is_what_tomllib_reads(tables, multiline):
    table = {f"t{index}": table for index, table in enumerate(tables)}
    text = tomli_w.dumps(table, multiline_strings=multiline)
    assert repr(loads(text)) == repr(tomllib.loads(text))


PIECES = {
    "a cut inside an array": "a = [\n\n[1, 2],\n\n[3]\n]\n\n[b]\nc = 1\n",
    "text over lines": 'a = """\n\n[b]\nc = 1"""\n',
    "a table in two places": "[a.b]\nc = 1\n\n[d]\n\n[a.e]\nf = 1\n",
    "a root key and a table": "a.b = 1\n\n[c]\nd = 1\n",
    "items and their tables": "[[a]]\nb = 1\n\n[a.c]\nd = 1\n\n[[a]]\n\n[a.c]\nd = 2\n",
    "two headers in a piece": "[a]\n[b]\nc = 1\n\n[d]\n",
    "quoted names": '["a.b".c]\nd = 1\n\n["a.b".e]\nf = 1\n',
    "names that begin alike": "[ab]\nc = 1\n\n[a]\nc = 1\n\n[a-b]\n\n[[abc]]\nd = 1\n",
}


@pytest.mark.parametrize("text", PIECES.values(), ids=PIECES)
def test_pieces_are_put_together_as_one_text(text):
    for _ in range(2):
        found = loads(text)
        assert found == tomllib.loads(text)
        found.clear()


TWICE = {
    "a table": "[a]\nb = 1\n\n[c]\n\n[a]\nd = 1\n",
    "a table after another": "[a]\nb = 1\n\n[a]\nd = 1\n",
    "a key of the root": "a = 1\n\n[a]\nb = 1\n",
    "an array": "[[a]]\nb = 1\n\n[c]\n\n[a]\n",
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_what_stands_twice_is_refused_in_pieces_too(text):
    with pytest.raises(tomllib.TOMLDecodeError) as whole:
        tomllib.loads(text)
    with pytest.raises(tomllib.TOMLDecodeError) as pieces:
        loads(text)
    assert str(pieces.value) == str(whole.value)


class Constant(Table):
    """A number with its unit."""

    value: float
    unit: Literal["m", "km"]


class Column(Table):
    """Numbers of a file."""

    file: str
    column: str
    unit: Literal["m", "km"] | None = None


class Depth(Table):
    """A table that may be one of two, or a number."""

    depth: float | Constant | Column = 0.0


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            {"value": 1.0, "unit": "ft"},
            ["depth.unit must be 'm' or 'km', got 'ft'"],
        ),
        (
            {"value": 1.0, "unt": "m"},
            [
                "depth.unit is required",
                "depth.unt is not a known key; did you mean depth.unit?",
            ],
        ),
        ({"file": "a.csv"}, ["depth.column is required"]),
        ({"value": "deep", "unit": "m"}, ["depth.value must be a number, got 'deep'"]),
        ("deep", ["depth must be a number or a table, got 'deep'"]),
    ],
)
def test_a_table_that_may_be_one_of_several_is_told_as_the_nearest(written, says):
    with pytest.raises(ConfigError) as caught:
        parse(Depth, {"depth": written})
    assert [line.strip() for line in str(caught.value).split("\n")[1:]] == says
