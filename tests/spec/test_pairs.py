"""Testbed, sections 3, 10 and 12.2: pairs of comparison and transport, columns, metrics."""

import pytest

from .matrix import FLOW, by_id, child, header, mhx, read, rows
from .test_comparison import COMPARISON
from .test_transport import COLUMN

pytestmark = pytest.mark.slow

PAIRS = {
    ("mesh", "simulation"): "simulation",
    ("flow", "simulation"): "simulation",
    ("flow", "comparison"): "comparison",
    ("transport", "simulation"): "simulation",
    ("transport", "comparison"): "comparison",
    ("reconnection", "reduced_mhd"): "reconnection",
    ("external", "command"): "command",
}
DEFAULTS = (
    "comparison_id",
    "audit_status",
    "n_metric_rows",
    "n_difference_rows",
    "closure_max_abs_m3_s",
    "closure_max_abs_mm_d",
    "closure_relative_error_p95",
    "closure_status_code",
)
COLUMNS = """mode,comparison_id,comparison_root,comparison_web_report,comparison_report_md,
comparison_metrics_csv,comparison_differences_csv,comparison_metrics_json,comparison_audit_json,
comparison_audit_md,comparison_figures_dir,observables_csv,reference_simulation,audit_status,
manifest_path,n_observable_rows,n_metric_rows,n_difference_rows,wall_time_seconds"""
OF_A_RUN = "mode,name,sim_id,run_id,wall_time_seconds,catalog,mass_balance,flow_metrics"

QUIET = "output = { figures = false }\n"
SCHEMES = """\
[workflow]
mode = "comparison"
[comparison]
base_simulation_config = "column.toml"
reference_simulation = "upstream"
[[comparison.simulation]]
id = "upstream"
[[comparison.simulation]]
id = "central"
overlay = { transport.scheme.advection = "central" }
[[comparison.simulation]]
id = "short"
overlay = { transport.time.courant = 0.125 }
[[comparison.observable]]
name = "near"
variable = "concentration"
support = "point"
x = 45.0
y = 5.0
time = "all"
[[comparison.observable]]
name = "leaves"
variable = "concentration"
support = "outlet"
boundary_id = "east"
"""


def testbed(folder, subject, runner, base, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "base.toml").write_text(QUIET + FLOW)
    column = COLUMN.replace("length = 200.0, steps = 40", "length = 200.0, courant = 0.25")
    (folder / "column.toml").write_text(column)
    (folder / "flow.toml").write_text(COMPARISON)
    (folder / "schemes.toml").write_text(SCHEMES)
    (folder / "k.toml").write_text(
        'workflow = { mode = "testbed" }\n[testbed]\nid = "k"\noutput_root = "out"\n'
        f'subject = "{subject}"\nrunner = {{ type = "{runner}" }}\nbase_config = "{base}"\n'
        f'execution = {{ backend = "inline" }}\n{text}'
    )
    return folder / "k.toml"


def axis(key, values):
    return (
        f'[[testbed.axis]]\nid = "a"\nkeys = ["{key}"]\nvalues = {values}\n'
        '[[testbed.design]]\nid = "d"\nkind = "grid"\naxes = ["a"]\n'
    )


CONDUCTIVE = axis("comparison.base_simulation_overlay.flow.param.K.value", [1e-5, 2e-5])


@pytest.fixture(scope="module")
def of_flow(mf6, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    said = mhx("testbed", "run", testbed(folder, "flow", "comparison", "flow.toml", CONDUCTIVE))
    assert said.code == 0, said.text
    return folder / "out"


@pytest.fixture(scope="module")
def of_transport(mf6, tmp_path_factory):
    folder = tmp_path_factory.mktemp("transport")
    text = axis("comparison.base_simulation_overlay.transport.param.alpha_l", [2.5, 5.0])
    text = text.replace("alpha_l", "alpha_l.value")
    for name in ("central", "short"):
        text += (
            f'[[testbed.metric]]\nname = "{name}"\nrequired = true\n'
            f'source = "comparison_metrics.{name}.near.rmse"\n'
        )
    path = testbed(folder, "transport", "comparison", "schemes.toml", text)
    column = (folder / "column.toml").read_text()
    (folder / "column.toml").write_text(
        column.replace("alpha_l = 5.0", "alpha_l = { value = 5.0 }")
    )
    said = mhx("testbed", "run", path)
    assert said.code == 0, said.text
    return folder / "out"


def test_table_of_pairs():
    from mhx.testbed import (
        DEFAULT_RUNNER_METRICS,
        RUNNER_WORKFLOWS,
        SUPPORTED_RUNNERS,
        SUPPORTED_SUBJECT_RUNNERS,
        SUPPORTED_SUBJECTS,
    )

    found = {
        (subject, runner): RUNNER_WORKFLOWS[runner]
        for subject in SUPPORTED_SUBJECTS
        for runner in SUPPORTED_SUBJECT_RUNNERS[subject]
    }
    assert found == PAIRS
    assert set(SUPPORTED_RUNNERS) == {runner for _, runner in PAIRS}
    assert tuple(DEFAULT_RUNNER_METRICS["comparison"]) == DEFAULTS
    said = mhx("runners")
    for subject, runner in PAIRS:
        assert any(line.split()[:2] == [subject, runner] for line in said.out.splitlines())


@pytest.mark.parametrize(
    ("subject", "runner", "says"),
    [
        ("mesh", "comparison", "'mesh' does not run with 'comparison'; it runs with: simulation"),
        ("transport", "command", "'transport' does not run with 'command'; it runs with: "),
        ("flow", "comparisn", "did you mean 'comparison'"),
        ("transprt", "comparison", "did you mean 'transport'?"),
    ],
)
def test_other_pairs_are_refused(tmp_path, subject, runner, says):
    said = mhx("testbed", "plan", testbed(tmp_path, subject, runner, "flow.toml", CONDUCTIVE))
    assert said.code == 2 and not (tmp_path / "out").exists()
    if runner == "comparisn":
        assert "testbed.runner.type is 'comparisn'" in said.err and "comparison" in said.err
    else:
        assert says in said.err, said.err


def test_default_metrics_of_a_comparison(of_flow):
    columns = header(of_flow / "testbed_metrics.csv")
    assert columns == [
        "case_id",
        "case_label",
        "axis",
        "status",
        *DEFAULTS,
        "axis_value",
        "missing",
        "error",
    ]
    contract = read(of_flow / "testbed_manifest.json")["metric_contract"]
    assert tuple(entry["name"] for entry in contract) == DEFAULTS
    assert not any(entry["required"] for entry in contract)
    for row in rows(of_flow / "testbed_metrics.csv"):
        assert row["status"] == "ok" and row["missing"] == "" and row["audit_status"] == "pass"
        assert int(float(row["n_metric_rows"])) == 6
        assert int(float(row["n_difference_rows"])) == 6


def test_columns_of_a_comparison(of_flow):
    columns = header(of_flow / "testbed_cases.csv")
    names = COLUMNS.replace("\n", "").split(",")
    assert columns[-len(names) :] == names
    for row in rows(of_flow / "testbed_cases.csv"):
        assert row["mode"] == "comparison" and row["reference_simulation"] == "dis"
        for key in names:
            assert row[key], key
            if key.endswith(("_csv", "_json", "_md", "_report", "_path")):
                assert (of_flow / row[key]).is_file(), key
        assert (of_flow / row["comparison_figures_dir"]).is_dir()
        manifest = read(of_flow / row["manifest_path"])
        assert manifest["comparison_id"] == row["comparison_id"]
        assert manifest["n_observable_rows"] == int(row["n_observable_rows"])


def test_each_case_is_a_comparison_of_its_own(of_flow):
    first, second = by_id(of_flow / "testbed_cases.csv").values()
    assert {first["isolation"], second["isolation"]} == {"pass"}
    outs = []
    for row in (first, second):
        observed = rows(of_flow / row["observables_csv"])
        outs += [
            float(e["value"])
            for e in observed
            if (e["simulation"], e["observable"]) == ("dis", "out")
        ]
    assert outs[1] == pytest.approx(2 * outs[0], rel=1e-9)
    assert (
        child(of_flow, first["config_path"].split("/")[-1][:-5])["workflow"]["mode"] == "comparison"
    )
    page = (of_flow / "testbed_report.html").read_text("utf-8")
    assert first["comparison_web_report"] in page
    assert mhx("verify", of_flow).code == 0


def test_numbers_of_a_comparison_of_transport(of_transport):
    found = list(by_id(of_transport / "testbed_metrics.csv").values())
    # The smaller the dispersivity, the more the schemes differ.
    assert float(found[0]["central"]) > float(found[1]["central"]) > 0
    assert float(found[0]["short"]) > 0
    row = next(iter(by_id(of_transport / "testbed_cases.csv").values()))
    closures = rows(of_transport / row["comparison_root"] / "numerical_closure.csv")
    assert {entry["balance"] for entry in closures} == {"water", "solute"}
    assert {entry["unit"] for entry in closures if entry["balance"] == "solute"} == {"kg/s"}
    assert {entry["grade"] for entry in closures} == {"0"}


def test_times_that_only_one_method_has_are_counted(of_transport):
    row = next(iter(by_id(of_transport / "testbed_cases.csv").values()))
    table = rows(of_transport / row["comparison_metrics_csv"])
    pairs = {
        (e["simulation"], e["observable"]): (int(e["n_pairs"]), int(e["n_unmatched"]))
        for e in table
    }
    assert pairs["central", "near"] == (40, 0)
    assert pairs["short", "near"] == (40, 40)  # 80 steps, every second of which the reference has


def test_a_comparison_whose_case_differs_is_refused_while_planning(tmp_path):
    text = axis("comparison.simulation.fine.overlay.flow.param.K.value", [3e-5])
    said = mhx("testbed", "plan", testbed(tmp_path, "flow", "comparison", "flow.toml", text))
    assert said.code == 2
    assert "flow.param.K.value may not differ between methods" in said.err
    assert "case 'd_3e-05'" in said.err


def test_methods_may_be_an_axis(tmp_path, mf6):
    text = axis("comparison.simulation.fine.overlay.mesh.cell_x", [50.0, 25.0])
    path = testbed(
        tmp_path,
        "flow",
        "comparison",
        "flow.toml",
        text
        + '[[testbed.metric]]\nname = "cells"\nrequired = true\n'
        + 'source = "comparison_metrics.fine.n_cells"\n',
    )
    said = mhx("testbed", "run", path)
    assert said.code == 0, said.text
    found = [float(row["cells"]) for row in rows(tmp_path / "out/testbed_metrics.csv")]
    assert found == [32.0, 64.0]


def test_unknown_metrics_of_a_comparison(tmp_path):
    text = (
        CONDUCTIVE + '[[testbed.metric]]\nname = "x"\nsource = "comparison_metrics.fine.out.rms"\n'
    )
    said = mhx("testbed", "plan", testbed(tmp_path, "flow", "comparison", "flow.toml", text))
    assert said.code == 2
    assert "metric 'x': a comparison never reports 'comparison_metrics.fine.out.rms'" in said.err
    assert "did you mean 'comparison_metrics.<simulation>.<observable>.rmse'?" in said.err


def test_transport_simulations(tmp_path, mf6):
    text = axis("transport.scheme.advection", '["upstream", "tvd"]')
    said = mhx("testbed", "run", testbed(tmp_path, "transport", "simulation", "column.toml", text))
    assert said.code == 0, said.text
    found = rows(tmp_path / "out/testbed_metrics.csv")
    assert [row["transport_metrics.scheme_tvd"] for row in found] == ["0", "1"]
    widths = [float(row["transport_metrics.front_width_m"]) for row in found]
    assert widths[1] < widths[0]
    columns = header(tmp_path / "out/testbed_cases.csv")
    assert OF_A_RUN in ",".join(columns)


def test_processes_are_those_of_the_subject(tmp_path):
    path = testbed(
        tmp_path, "transport", "simulation", "column.toml", axis("transport.time.courant", [0.2])
    )
    column = (tmp_path / "column.toml").read_text()
    entries = column[column.index("[[simulation.process]]") : column.index("[flow]")]
    (tmp_path / "column.toml").write_text(column.replace(entries, ""))
    said = mhx("testbed", "plan", path)
    assert said.code == 0, said.text
    kinds = [entry["type"] for entry in child(tmp_path / "out", "d_0.2")["simulation"]["process"]]
    assert kinds == ["mesh", "flow", "transport"]
    last = '[[simulation.process]]\nid = "transport_main"\ntype = "transport"\n'
    (tmp_path / "column.toml").write_text(column.replace(last, ""))
    said = mhx("testbed", "plan", path)
    assert said.code == 2
    assert "subject is 'transport', but no [[simulation.process]] has type 'transport'" in said.err
