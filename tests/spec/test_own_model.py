"""Groundwater, section 10: a MODFLOW 6 model that is there already, patched and run."""

import pytest

from .matrix import by_id, line_of, mhx, read, rows, tree
from .own import FILES, PER_LAYER, SIMULATION, inodes, metrics, model, passed, ran, refused, wrote

pytestmark = pytest.mark.slow


def patch(package="npf", variable="k", operation="multiply", value=2.0, more=""):
    return (
        f'[[model.patch]]\nid = "p"\npackage = "{package}"\nvariable = "{variable}"\n'
        f'operation = "{operation}"\nvalue = {value} # value\n{more}\n'
    )


def test_unpatched_it_answers_as_worked_out_by_hand(tmp_path, mf6):
    run = ran(tmp_path)
    found = metrics(run)
    assert passed(run) == pytest.approx(2 * PER_LAYER * 6 / 5, rel=1e-9)  # 10 m to 4 m at last
    assert found["flow_metrics.budget_east_rate_out_m3_s"] == pytest.approx(
        2 * PER_LAYER * 1.2 / 86400.0, rel=1e-9
    )
    volume = 2 * PER_LAYER * (1.0 * 1.0 + 1.2 * 10.0)
    assert found["flow_metrics.budget_chd_volume_in_m3"] == pytest.approx(volume, rel=1e-9)
    assert found["flow_metrics.n_cells"] == 5 and found["flow_metrics.n_layers"] == 2
    assert found["flow_metrics.n_timesteps"] == 3
    assert found["flow_metrics.head_min_m"] == 4.0 and found["flow_metrics.head_max_m"] == 10.0
    assert found["flow_metrics.converged"] == 1
    assert mhx("verify", run).code == 0
    for name in (
        "results/catalog.json",
        "results/heads.npz",
        "results/budget.csv",
        "mesh/cells.csv",
    ):
        assert (run / name).is_file(), name


@pytest.mark.parametrize(
    ("text", "layers_worth"),
    [
        (patch(), 4.0),
        (patch(operation="add", value=0.5), 3.0),
        (patch(operation="set", value=3.0), 6.0),
        (patch(more="layers = [1]"), 3.0),
        (patch(more="layers = [2]"), 3.0),  # the layer in a file of its own
    ],
)
def test_conductivity_is_patched(tmp_path, mf6, text, layers_worth):
    run = ran(tmp_path, text)
    assert passed(run) == pytest.approx(PER_LAYER * 1.2 * layers_worth, rel=1e-8)


def test_single_cells_are_patched(tmp_path, mf6):
    # The middle of the upper layer twice as conductive: as much as a layer of its own would carry,
    # or, were heads equal over the depth, as both together.
    run = ran(tmp_path, patch(more="cells = [[1, 1, 3]]"))
    apart = 6.0 * 1000.0 * (1 / 400.0 + 1 / 350.0)
    together = 6.0 * 1000.0 / (300.0 / 2 + 100.0 / 3)
    assert apart < passed(run) < together


def test_a_column_of_one_period_is_patched(tmp_path, mf6):
    text = patch("east", "head", "set", 3.0, "period = 2")
    run = ran(tmp_path, text)
    assert passed(run) == pytest.approx(2 * PER_LAYER * 7 / 5, rel=1e-9)
    assert metrics(run)["flow_metrics.budget_chd_total_in"] * 86400.0 == pytest.approx(
        2 * PER_LAYER * (1.0 + 2 * 1.4), rel=1e-9
    )
    assert "5.0" in (run / "mf6/east.chd").read_text()


def test_a_column_of_every_period_is_patched(tmp_path, mf6):
    run = ran(tmp_path, patch("east", "head", "add", -1.0))
    assert passed(run) == pytest.approx(2 * PER_LAYER * 7 / 5, rel=1e-9)


def test_auxiliary_columns_and_rows_by_name_are_patched(tmp_path, mf6):
    text = patch("west", "conc", "multiply", 4.0, 'boundname = "lower"')
    run = ran(tmp_path, text)
    told = (run / "mf6/west.chd").read_text().lower()
    (upper,) = [line.split() for line in told.splitlines() if "upper" in line]
    (lower,) = [line.split() for line in told.splitlines() if "lower" in line]
    assert [float(word) for word in upper[3:5]] == [10.0, 3.0]
    assert [float(word) for word in lower[3:5]] == [10.0, 12.0]


def test_solver_options_and_steps(tmp_path, mf6):
    text = (
        '[[model.option]]\nfile = "ims"\nblock = "linear"\nkey = "inner_dvclose"\nvalue = 1e-7\n'
        '[[model.option]]\nfile = "npf"\nblock = "options"\nkey = "save_specific_discharge"\n'
        "value = true\n"
    )
    run = ran(tmp_path, text)
    assert "inner_dvclose" in (run / "mf6/m.ims").read_text().lower()
    assert "1e-07" in (run / "mf6/m.ims").read_text().lower()
    assert "save_specific_discharge" in (run / "mf6/g.npf").read_text().lower()
    assert "outer_dvclose 1e-9" in (run / "mf6/m.ims").read_text()  # the rest as it was


def test_the_folder_is_never_written_to(tmp_path, mf6):
    root = model(tmp_path)
    before, numbers = tree(root), inodes(root)
    run = ran(tmp_path, patch())
    assert tree(root) == before and inodes(root) == numbers
    linked = inodes(run / "mf6")
    for name in FILES:
        same = name not in ("g.npf", "k2.txt")
        if same and name not in ("mfsim.nam", "g.dis"):
            assert linked[name] == numbers[name], f"{name} is a copy"
    assert linked["g.npf"] != numbers["g.npf"]
    # To write into what came of it must not reach the model.
    (run / "mf6/g.hds").write_bytes(b"")
    assert tree(root) == before


def test_outputs_of_earlier_runs_are_not_taken_along(tmp_path, mf6):
    root = model(tmp_path)
    for name in ("g.hds", "g.cbc", "g.lst", "mfsim.lst"):
        (root / name).write_text("of an earlier run")
    before = tree(root)
    run = ran(tmp_path, patch())
    assert tree(root) == before
    assert passed(run) == pytest.approx(4 * PER_LAYER * 1.2, rel=1e-8)


def test_the_name_file_itself_may_be_named(tmp_path, mf6):
    model(tmp_path)
    head = (
        '[workflow]\nmode = "simulation"\n[model]\npath = "m/mfsim.nam"\n'
        "[output]\nfigures = false\n"
        '[[simulation.process]]\nid = "flow_main"\ntype = "flow"\n'
    )
    assert passed(ran(tmp_path, head=head)) == pytest.approx(2 * PER_LAYER * 1.2, rel=1e-9)


def test_a_file_outside_is_linked_and_named(tmp_path, mf6):
    root = model(tmp_path, g__npf=FILES["g.npf"].replace("k2.txt", "../k2.txt"))
    (root / "k2.txt").rename(tmp_path / "k2.txt")
    run = ran(tmp_path, patch(more="layers = [1]"))
    assert passed(run) == pytest.approx(3 * PER_LAYER * 1.2, rel=1e-8)
    notes = read(run / "run_summary.json")["notes"]
    assert any("k2.txt" in str(text) for text in notes.values()), notes
    assert str(tmp_path / "k2.txt") in (run / "mf6/g.npf").read_text()


@pytest.mark.parametrize("operation", ["multiply", "set"])
def test_a_patch_that_changes_nothing_is_a_fault(tmp_path, operation):
    said = refused(tmp_path, patch(operation=operation, value=1.0))
    assert "model.patch[0] changed nothing: npf.k is 1.0 everywhere and value is 1.0" in said
    assert "k.toml:" in said


def test_to_add_nothing_is_a_fault_too(tmp_path):
    said = refused(tmp_path, patch("east", "head", "add", 0.0))
    assert "model.patch[0] changed nothing: east.head" in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (patch(package="npff"), "npff"),
        (patch(package="chd", variable="head"), "chd"),  # two of one type
        (patch(variable="kk"), "kk"),
        (patch(more="layers = [3]"), "layer"),
        (patch(more="cells = [[1, 1, 6]]"), "cell"),
        (patch("east", "head", more="period = 3"), "period"),
        (patch("west", "head", more='boundname = "middle"'), "middle"),
        (patch(operation="divide"), "operation must be 'set', 'add' or 'multiply'"),
        (patch() + patch(), "p"),
    ],
)
def test_refused_while_planning(tmp_path, text, says):
    said = refused(tmp_path, text)
    assert "model.patch" in said and says in said, said


def test_a_missing_folder_is_a_fault(tmp_path):
    assert "nowhere" in refused(tmp_path, head=SIMULATION.replace('"m"', '"nowhere"'))


def test_a_missing_file_of_the_model_is_a_fault(tmp_path):
    root = model(tmp_path)
    (root / "k2.txt").unlink()
    assert "k2.txt" in refused(tmp_path)


QUIET = """\
begin options
  head fileout g.hds
end options
begin period 1
  save head last
end period
"""


def test_missing_output_says_which_lines_to_add(tmp_path, mf6):
    model(tmp_path, g__oc=QUIET)
    said = refused(tmp_path).lower()
    assert "budget fileout" in said and "save budget" in said
    assert "model.add_output_control" in said


def test_output_control_is_added_on_demand(tmp_path, mf6):
    root = model(tmp_path, g__oc=QUIET)
    before = tree(root)
    text = "add_output_control = true\n"
    head = (
        '[workflow]\nmode = "simulation"\n[model]\npath = "m"\n'
        + text
        + "[output]\nfigures = false\n"
        '[[simulation.process]]\nid = "flow_main"\ntype = "flow"\n'
    )
    run = ran(tmp_path, head=head)
    assert passed(run) == pytest.approx(2 * PER_LAYER * 1.2, rel=1e-9)
    assert tree(root) == before


def test_a_model_that_goes_on_unconverged_is_refused(tmp_path):
    model(
        tmp_path,
        mfsim__nam=FILES["mfsim.nam"].replace("begin options\n", "begin options\n  continue\n"),
    )
    assert "continue" in refused(tmp_path).lower()


FEET = FILES["g.dis"].replace("meters", "feet")


def test_units_of_the_model_are_converted(tmp_path, mf6):
    model(
        tmp_path,
        g__dis=FEET,
        m__tdis=FILES["m.tdis"].replace("time_units days", "time_units hours"),
    )
    found = metrics(ran(tmp_path))
    assert found["flow_metrics.head_max_m"] == pytest.approx(10 * 0.3048)
    cubic = 2 * PER_LAYER * 1.2 * 0.3048**3 / 3600.0
    assert found["flow_metrics.budget_chd_rate_in_m3_s"] == pytest.approx(cubic, rel=1e-9)
    assert found["flow_metrics.budget_chd_volume_in_m3"] == pytest.approx(
        2 * PER_LAYER * 13.0 * 0.3048**3, rel=1e-9
    )


def test_a_package_that_no_table_knows_is_carried_along(tmp_path, mf6):
    gnc = FILES["g.nam"].replace("  oc6", "  hfb6 g.hfb hfb\n  oc6")
    wall = (
        "begin options\nend options\nbegin dimensions\n  maxhfb 1\nend dimensions\n"
        "begin period 1\n  1 1 2 1 1 3 0.0\nend period\n"
    )
    root = model(tmp_path, g__nam=gnc, g__hfb=wall)
    run = ran(tmp_path, patch(more="layers = [2]"))
    assert (run / "mf6/g.hfb").read_bytes() == (root / "g.hfb").read_bytes()
    assert passed(run) < 3 * PER_LAYER * 1.2  # the wall stands


TESTBED = """\
workflow = { mode = "testbed" }
[testbed]
id = "k"
subject = "flow"
base_config = "base.toml"
output_root = "out"
execution = { backend = "inline" }
[[testbed.axis]]
id = "factor"
keys = ["model.patch.p.value"]
values = [2.0, 3.0]
[[testbed.design]]
id = "k"
kind = "grid"
axes = ["factor"]
[[testbed.metric]]
name = "out"
source = "flow_metrics.budget_east_rate_out_m3_s"
required = true
"""


def matrix(folder, **others):
    model(folder, **others)
    wrote(folder, patch()).rename(folder / "base.toml")
    (folder / "k.toml").write_text(TESTBED)
    return folder / "k.toml"


def test_an_axis_steps_into_the_patches_by_id(tmp_path, mf6):
    path = matrix(tmp_path)
    before = tree(tmp_path / "m")
    said = mhx("testbed", "run", path)
    assert said.code == 0, said.text
    found = by_id(tmp_path / "out/testbed_metrics.csv")
    assert [float(row["out"]) * 86400.0 for row in found.values()] == [
        pytest.approx(4 * PER_LAYER * 1.2, rel=1e-8),
        pytest.approx(6 * PER_LAYER * 1.2, rel=1e-8),
    ]
    assert {row["isolation"] for row in by_id(tmp_path / "out/testbed_cases.csv").values()} == {
        "pass"
    }
    assert tree(tmp_path / "m") == before
    assert mhx("verify", tmp_path / "out").code == 0


def test_a_factor_of_1_is_found_while_planning(tmp_path):
    path = matrix(tmp_path)
    path.write_text(TESTBED.replace("[2.0, 3.0]", "[1.0, 2.0]"))
    said = mhx("testbed", "plan", path)
    assert said.code == 2
    assert "changed nothing: npf.k is 1.0 everywhere and value is 1.0" in said.err
    assert "case 'k_1'" in said.err


def test_a_changed_file_of_the_model_runs_its_cases_again(tmp_path, mf6):
    path = matrix(tmp_path)
    assert mhx("testbed", "run", path).code == 0
    again = mhx("testbed", "run", path)
    assert again.code == 0, again.text
    cases = by_id(tmp_path / "out/testbed_cases.csv")
    assert {row["reused"] for row in cases.values()} == {"true"}
    (tmp_path / "m/notes.txt").write_text("reached from nowhere")
    assert mhx("testbed", "run", path).code == 0
    cases = by_id(tmp_path / "out/testbed_cases.csv")
    assert {row["reused"] for row in cases.values()} == {"true"}
    (tmp_path / "m/k2.txt").write_text("2.0 2.0 2.0 2.0 2.0\n")
    assert mhx("testbed", "run", path).code == 0
    cases = by_id(tmp_path / "out/testbed_cases.csv")
    assert {row["reused"] for row in cases.values()} == {"false"}
    found = by_id(tmp_path / "out/testbed_metrics.csv")["k_2"]
    assert float(found["out"]) * 86400.0 == pytest.approx(6 * PER_LAYER * 1.2, rel=1e-8)


def test_a_model_that_does_not_run_unpatched_is_told_before_any_case(tmp_path, mf6):
    path = matrix(
        tmp_path,
        g__ic=FILES["g.ic"].replace("strt", "strtt"),
    )
    said = mhx("testbed", "run", path)
    assert said.code not in (0, 70), said.text
    assert "unpatched" in said.text.lower() or "as it is" in said.text.lower()
    assert "strtt" in said.text.lower()
    assert not list((tmp_path / "out").glob("cases/*/run_summary.json"))


def test_init_writes_a_starter_that_runs(tmp_path, mf6, monkeypatch):
    root = model(tmp_path)
    before = tree(root)
    monkeypatch.chdir(tmp_path)
    said = mhx("testbed", "init", "--model", root, "--output", tmp_path / "start.toml")
    assert said.code == 0, said.text
    assert tree(root) == before
    text = (tmp_path / "start.toml").read_text()
    assert text.lstrip().startswith("#") and "npf" in text and "east" in text
    plan = mhx("testbed", "plan", tmp_path / "start.toml")
    assert plan.code == 0, plan.text
    done = mhx("testbed", "run", tmp_path / "start.toml")
    assert done.code == 0, done.text
    again = mhx("testbed", "init", "--model", root, "--output", tmp_path / "start.toml")
    assert again.code != 0 and (tmp_path / "start.toml").read_text() == text


def test_init_refuses_what_is_no_model(tmp_path):
    (tmp_path / "empty").mkdir()
    said = mhx("testbed", "init", "--model", tmp_path / "empty")
    assert said.code == 2 and "mfsim.nam" in said.err


def test_faults_name_the_line_of_the_value(tmp_path):
    said = refused(tmp_path, patch(value='"two"'))
    assert f"k.toml:{line_of(tmp_path / 'k.toml', 'value')}" in said


def test_steps_are_the_models_own(tmp_path, mf6):
    run = ran(tmp_path)
    assert [float(row["time_d"]) for row in rows(run / "results/steps.csv")] == [1.0, 6.0, 11.0]


def two_models(folder):
    """The upper layer alone, cut between its third and fourth cell."""
    root = model(folder)
    for name in ("g.dis", "g.npf", "g.nam", "k2.txt", "west.chd", "east.chd"):
        (root / name).unlink()
    one = FILES["g.dis"].replace("nlay 2", "nlay 1")
    one = one.replace(
        "botm layered\n    constant 10.0\n    constant 0.0", "botm\n    constant 10.0"
    )
    npf = FILES["g.npf"].replace(
        "layered\n    constant 1.0\n    open/close k2.txt", "\n    constant 1.0"
    )
    chd = FILES["east.chd"].split("begin period")[0].replace("maxbound 2", "maxbound 1")
    chd += "begin period 1\n  1 1 {} {}\nend period\n"
    for name, columns, held in (("a", 3, (1, 10.0)), ("b", 2, (2, 5.0))):
        (root / f"{name}.nam").write_text(
            "begin options\n  save_flows\nend options\nbegin packages\n"
            f"  dis6 {name}.dis dis\n  ic6 {name}.ic ic\n  npf6 {name}.npf npf\n"
            f"  chd6 {name}.chd edge_{name}\n  oc6 {name}.oc oc\nend packages\n"
        )
        (root / f"{name}.dis").write_text(one.replace("ncol 5", f"ncol {columns}"))
        (root / f"{name}.npf").write_text(npf)
        (root / f"{name}.ic").write_text(FILES["g.ic"])
        (root / f"{name}.chd").write_text(chd.format(*held))
        (root / f"{name}.oc").write_text(FILES["g.oc"].replace("g.", f"{name}."))
    names = FILES["mfsim.nam"].replace("  gwf6 g.nam g\n", "  gwf6 a.nam a\n  gwf6 b.nam b\n")
    names = names.replace("begin exchanges\n", "begin exchanges\n  gwf6-gwf6 ab.exg a b\n")
    (root / "mfsim.nam").write_text(names.replace("ims6 m.ims g", "ims6 m.ims a b"))
    (root / "ab.exg").write_text(
        "begin options\n  save_flows\nend options\nbegin dimensions\n  nexg 1\nend dimensions\n"
        "begin exchangedata\n  1 1 3 1 1 1 1 50.0 50.0 100.0\nend exchangedata\n"
    )
    return root


def test_several_models_that_exchange_water(tmp_path, mf6):
    two_models(tmp_path)
    found = metrics(ran(tmp_path, patch(more='model = "b"')))
    # 250 m at K = 1 m/d and 150 m at 2 m/d.
    rate = 1000.0 * 5.0 / (250.0 + 150.0 / 2) / 86400.0
    assert found["flow_metrics.a.budget_chd_rate_in_m3_s"] == pytest.approx(rate, rel=1e-8)
    assert found["flow_metrics.b.budget_chd_rate_out_m3_s"] == pytest.approx(rate, rel=1e-8)
    assert found["flow_metrics.a.head_max_m"] == 10.0 and found["flow_metrics.b.head_min_m"] == 5.0
    assert found["flow_metrics.a.n_cells"] == 3 and found["flow_metrics.b.n_cells"] == 2
    assert found["flow_metrics.closure_relative"] < 1e-6


def test_a_patch_of_one_of_several_models_says_which(tmp_path):
    two_models(tmp_path)
    said = refused(tmp_path, patch())
    assert "model.patch[0]" in said and "a" in said and "b" in said
    assert "'c'" in refused(tmp_path, patch(more='model = "c"'))
