"""Before anything runs: the methods can run, and nothing but the method differs."""

from pathlib import Path

import pytest

from mhx.errors import ConfigError
from mhx.groundwater.comparison import planning
from mhx.groundwater.comparison.children import Resolved, read_files, resolve
from mhx.groundwater.comparison.config import Comparison
from mhx.workflow.load import Loaded, load

from .files import BASE, DISV, POINT, written


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(**texts: str) -> Loaded:
    return load(written(Path(), **texts))


def refused(**texts: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loaded(**texts)
    assert error.value.exit_code == 2
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def children(**texts: str) -> Resolved:
    config = loaded(**texts).config
    return resolve(Comparison.model_validate(config).comparison)


METHODS = {
    "the mesh": 'overlay = { mesh = { kind = "rectangular_disv" } }',
    "the size of the mesh": "overlay = { mesh = { cell_x = 100.0 } }",
    "the solver": 'overlay = { solver = { mf6 = { complexity = "complex" } } }',
    "the formulation": "overlay = { flow = { formulation = { newton = true } } }",
    "the engine": 'engine = "mfnwt"\noverlay = { flow = { formulation = { newton = true } } }',
    "where results go": 'overlay = { output = { fields = ["head", "watertable_depth"] } }',
    "how it is called": 'overlay = { workflow = { name = "x" } }',
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_may_differ_in_what_is_a_method(method: str) -> None:
    found = children(method=method)
    assert [child.id for child in found.children] == ["dis", "other"]
    assert not found.faults


AT = "cmp.toml:12  comparison.simulation[1].overlay."
MUST = "may not differ between methods of one case: "
BELOW = (
    "methods differ below mesh, solver, flow.formulation, transport.scheme, "
    "transport.time.courant, engine"
)
CHANGES = {
    "conductivity": (
        "overlay = { flow = { param = { K = { value = 2e-4 } } } }",
        f"{AT}flow.param.K.value {MUST}flow.param.K.value is 0.0002 in 'other', 0.0001 in the "
        f"reference 'dis'; {BELOW}",
    ),
    "one boundary among several": (
        'overlay = { flow = { bc = [{ id = "east", head = 19.0 }] } }',
        f"{AT}flow.bc[0].head {MUST}flow.bc.east.head is 19.0 in 'other', 20.0 in the reference "
        f"'dis'; {BELOW}",
    ),
    "the domain": (
        "overlay = { domain = { length_y = 250.0 } }",
        f"{AT}domain.length_y {MUST}domain.length_y is 250.0 in 'other', 200.0 in the reference "
        f"'dis'; {BELOW}",
    ),
    "recharge that only one has": (
        'overlay = { flow = { source = [{ id = "rain", package = "rcha", rate = 1e-8, '
        "where = { all = true } }] } }",
        f"{AT}flow.source[0].id {MUST}flow.source.rain.id is 'rain' in 'other', absent in the "
        f"reference 'dis'; {BELOW}",
    ),
}


@pytest.mark.parametrize(("method", "told"), CHANGES.values(), ids=CHANGES)
def test_a_leaf_of_the_case_that_differs_is_refused_where_it_is_written(
    method: str, told: str
) -> None:
    assert told in refused(method=method)


def test_what_the_reference_changes_is_told_at_the_reference() -> None:
    reference = "overlay = { flow = { param = { K = { value = 2e-4 } } } }"
    (line,) = refused(reference=reference)
    assert line.startswith("cmp.toml:9  comparison.simulation[0].overlay.flow.param.K.value may")
    assert "is 0.0001 in 'other', 0.0002 in the reference 'dis'" in line


def test_all_methods_may_be_of_another_case_together() -> None:
    keys = "base_simulation_overlay = { flow = { param = { K = { value = 3e-4 } } } }"
    assert {
        child.config.flow.param.K.value for child in children(keys=keys).children
    } == {3e-4}  # fmt: skip


@pytest.mark.parametrize("word", ["warn", "ignore"])
def test_a_mismatch_may_be_lowered_to_a_warning_or_to_silence(word: str) -> None:
    changed = "overlay = { flow = { param = { K = { value = 2e-4 } } } }"
    audit = f'[comparison.audit]\non_mismatch = "{word}"'
    found = children(method=changed, more=audit)
    reference, other = found.children
    (difference,) = planning.differences(reference, other)
    assert (difference.key, difference.allowed) == ("flow.param.K.value", False)


def test_an_input_counts_by_its_content() -> None:
    Path("a.csv").write_text("value\n" + "1e-4\n" * 32)
    Path("b.csv").write_text("value\n" + "1e-4\n" * 32)
    base = BASE.replace("K = { value = 1e-4 }", 'K = { file = "a.csv" }')
    same = 'overlay = { flow = { param = { K = { file = "b.csv" } } } }'
    assert not children(base=base, method=same).faults
    Path("b.csv").write_text("value\n" + "2e-4\n" * 32)
    assert "K.file" in refused(base=base, method=same)[0]


FAULTS = {
    "a slip in an overlay": (
        {"method": "overlay = { mesh = { sell_x = 3.0 } }"},
        f"{AT}mesh.sell_x is not a known key; did you mean mesh.cell_x?",
    ),
    "a directive that nothing fits": (
        {"method": "overlay = { mesh = { sise__delete = true } }"},
        f"{AT}mesh.sise__delete names no inherited key",
    ),
    "a slip in the base": (
        {"base": BASE.replace("length_y", "length_z")},
        "cmp.toml:4  comparison.base_simulation_config: base.toml:6  domain.length_z is not a "
        "known key; did you mean domain.length_y?",
    ),
    "a base of another kind": (
        {"base": '[workflow]\nmode = "testbed"\n'},
        "cmp.toml:4  comparison.base_simulation_config: base.toml:2  workflow.mode must be "
        "'simulation' for the case of a comparison, got 'testbed'",
    ),
    "an engine that cannot": (
        {"method": 'engine = "mfnwt"'},
        "flow.formulation.newton",
    ),
    "a run that is none": (
        {"method": 'run_dir = "."'},
        "cmp.toml:12  comparison.simulation[1].run_dir: ",
    ),
    "transport that is not there": (
        {"more": POINT.replace('"head"', '"concentration"')},
        "cmp.toml:16  comparison.observable[0].variable = 'concentration' needs a process of type "
        "'transport' in the case",
    ),
    "a point beside the domain": (
        {"more": POINT.replace("275.0", "475.0")},
        "cmp.toml:18  comparison.observable[0].x must lie in the domain, 0 .. 400 [m], got 475.0",
    ),
    "a layer below the last": (
        {"more": f"{POINT}layer = 2"},
        "cmp.toml:20  comparison.observable[0].layer must be <= 1 layers, got 2",
    ),
    "a boundary that is not there": (
        {"more": '[[comparison.observable]]\nname = "q"\nvariable = "budget"\n'
                 'support = "outlet"\nboundary_id = "north"'},
        "cmp.toml:17  comparison.observable[0].boundary_id must be one of the case (west, east), "
        "got 'north'",
    ),
    "a component that is not there": (
        {"more": '[[comparison.observable]]\nname = "q"\nvariable = "budget"\n'
                 'support = "domain"\ncomponent = "drn"'},
        "cmp.toml:17  comparison.observable[0].component must be one of the case (chd), got 'drn'",
    ),
}  # fmt: skip


def test_a_file_that_is_not_there_is_told_once() -> None:
    more = '[[comparison.observable]]\nname = "m"\nvariable = "head"\nsupport = "mask"\n'
    (line,) = refused(more=f'{more}mask = "none.csv"')
    assert line == "cmp.toml:17  comparison.observable[0].mask: no file 'none.csv' beside cmp.toml"
    Path("base.toml").unlink()
    text = Path("cmp.toml").read_text().replace("base.toml", "gone.toml")
    Path("cmp.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        load(Path("cmp.toml"))
    assert str(error.value).count("gone.toml") == 1


MASKS = {
    "two points": ("x,y\n1,1\n2,2\n", ": {path}: an outline needs at least 3 points, got 2"),
    "no number": ("x,y\n1,a\n", ": {path}:2  y must be a number, got 'a'"),
    "no columns": ("", ": {path}:1  the header must have the columns x,y, got nothing"),
    "beside the domain": (
        "x,y\n500,0\n600,0\n600,50\n",
        " must overlap the domain, x 0 .. 400 m, got x 500 .. 600 m",
    ),
}


@pytest.mark.parametrize(("text", "told"), MASKS.values(), ids=MASKS)
def test_a_mask_that_is_none_is_told_before_anything_runs(text: str, told: str) -> None:
    path = Path("mask.csv")
    path.write_text(text)
    more = '[[comparison.observable]]\nname = "m"\nvariable = "head"\nsupport = "mask"\n'
    (line,) = refused(more=f'{more}mask = "mask.csv"')
    key = "cmp.toml:17  comparison.observable[0].mask"
    assert line == key + told.format(path=path.absolute())


@pytest.mark.parametrize(("texts", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_key_and_file(texts: dict[str, str], told: str) -> None:
    assert any(told in line for line in refused(**texts)), refused(**texts)


def test_a_comparison_that_inherits_keeps_what_its_overlays_delete() -> None:
    """A directive in a method's overlay is for the case, whoever merges the file."""
    mesh = "{ kind = 'voronoi', size = 50.0, cell_x__delete = true, cell_y__delete = true }"
    written(Path(), method=f"overlay = {{ mesh = {mesh} }}")
    Path("child.toml").write_text(
        'base_config = "cmp.toml"\n[[comparison.simulation]]\nid = "other"\n'
        "overlay = { mesh = { size = 40.0 } }\n"
    )
    config = Comparison.model_validate(load(Path("child.toml")).config).comparison
    _, other = resolve(config).children
    assert other.config.mesh is not None
    assert (other.config.mesh.kind, other.config.mesh.size) == ("voronoi", 40.0)
    assert other.config.mesh.cell_x is None


def test_the_case_is_read_from_its_file_its_parents_and_their_inputs() -> None:
    Path("k.csv").write_text("value\n1\n")
    Path("base.toml").write_text('base_config = "parent.toml"\n')
    Path("parent.toml").write_text('[flow.param.K]\nfile = "k.csv"\n')
    found = read_files(Path("base.toml"))
    assert [path.name for path in found] == ["base.toml", "parent.toml", "k.csv"]


def test_processes_follow_from_the_tables_of_the_case() -> None:
    reference, _ = children().children
    assert [step.type for step in reference.config.simulation.process] == ["mesh", "flow"]
    assert reference.config.output.figures is False


def test_a_comparison_is_called_as_its_file_unless_it_says_how() -> None:
    assert loaded().config["comparison"]["comparison_id"] == "cmp"
    named = loaded(keys='comparison_id = "two grids"')
    assert named.config["comparison"]["comparison_id"] == "two grids"


def test_a_method_that_is_not_enabled_is_left_out() -> None:
    found = children(method=f"{DISV}\nenabled = false")
    assert [child.id for child in found.children] == ["dis"]
