"""`mhx run` and `mhx schema`."""

import json

import jsonschema
import pytest

from mhx.cli import main
from mhx.evidence import schemas
from mhx.report.answer import Answer
from mhx.workflow.schema import names, schema_of


def test_a_missing_file_is_told_in_one_line(tmp_path, capsys):
    (tmp_path / "case.toml").write_text("")
    assert main(["run", str(tmp_path / "cas.toml")]) == 2
    told = f"mhx: {tmp_path}/cas.toml: no such file; did you mean {tmp_path}/case.toml?\n"
    assert capsys.readouterr().err == told


def test_a_wrong_configuration_lists_every_fault_and_writes_nothing(tmp_path, capsys):
    path = tmp_path / "case.toml"
    path.write_text(
        '[workflow]\nmode = "reconnection"\n[mesh]\nshape = [8, 3]\n[time]\nt1 = nan\n'
        '[physics]\nequilibrium = "zero"\nresistivity = -1\n'
    )
    assert main(["run", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"mhx: {path}: 3 faults\n")
    for line in (4, 6, 9):
        assert f"{path}:{line}  " in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["case.toml"]


def test_without_a_name_the_names_are_listed(capsys):
    assert main(["schema"]) == 2
    err = capsys.readouterr().err
    for name in ("reconnection", schemas.MANIFEST, schemas.gates_of(schemas.CAMPAIGN_PLAN)):
        assert f"\n  {name}\n" in err


def test_an_unknown_name_is_answered_with_the_nearest(capsys):
    assert main(["schema", "mhx.manifest.v2"]) == 2
    told = "mhx: no schema is called 'mhx.manifest.v2'; did you mean 'mhx.manifest.v1'?\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("name", names())
def test_every_name_has_a_schema_that_is_one(name):
    jsonschema.Draft202012Validator.check_schema(schema_of(name))


def test_the_schema_of_a_mode_accepts_its_own_defaults(capsys):
    assert main(["schema", "reconnection"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate(
        {
            "workflow": {"mode": "reconnection"},
            "mesh": {"shape": [16, 16]},
            "time": {"t1": 1.0},
            "physics": {"equilibrium": "zero"},
        },
        schema,
    )
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"workflow": {"mode": "reconnection"}, "tme": {}}, schema)


def test_the_schema_of_a_file_refuses_another_file():
    summary = {"schema": schemas.RUN_SUMMARY, "metrics": {}, "notes": {}, "artifacts": []}
    jsonschema.validate(summary, schema_of(schemas.RUN_SUMMARY))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(summary, schema_of(schemas.RUN_ERROR))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": schemas.RUN_SUMMARY}, schema_of(schemas.RUN_SUMMARY))


BARS = '[workflow]\nmode = "reconnection"\n[mesh]\nshape = [16, 16]\n[time]\nt1 = 0.1\ndt = 0.05\n'
BARS += '[physics]\nequilibrium = "cosine_tearing"\n'


def answer(words, capsys):
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_dry_run_says_what_would_run_and_writes_nothing(tmp_path, capsys, monkeypatch):
    path = tmp_path / "case.toml"
    path.write_text(BARS)
    (tmp_path / "over.toml").write_text("[physics]\nresistivity = 0.5\n")
    monkeypatch.setenv("MHX_SET_time__t1", "0.2")
    words = [
        "run",
        path,
        "--dry-run",
        "--overlay",
        tmp_path / "over.toml",
        "--set",
        "initial.seed=7",
    ]
    code, found = answer(words, capsys)
    assert code == 0
    config = found["config"]
    assert (config["physics"]["resistivity"], config["initial"]["seed"]) == (0.5, 7)
    assert config["time"]["t1"] == 0.2
    assert [entry["from"] for entry in found["overrides"]] == [
        *(str(tmp_path / "over.toml"), "--set initial.seed", "MHX_SET_time__t1"),
    ]
    assert found["output_dir"] == str(tmp_path / "runs" / "case")
    assert found["headline"] == "case: can run, mode 'reconnection'; nothing was started"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["case.toml", "over.toml"]


def test_a_fault_of_a_change_names_the_flag(tmp_path, capsys):
    path = tmp_path / "case.toml"
    path.write_text(BARS)
    code, found = answer(["run", path, "--set", "time.t1=-1"], capsys)
    assert code == 2
    assert "\n  --set time.t1 must be > 0.0" in found["message"]


def test_a_testbed_is_carried_out_by_run_and_planned_by_a_dry_run(tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "mhx.testbed.launcher.run_testbed",
        lambda path, options: asked.append((path, options)) or Answer(headline="planned"),
    )
    path = tmp_path / "k.toml"
    path.write_text('[workflow]\nmode = "testbed"\n[testbed]\n')
    words = ["run", path, "--dry-run", "--output-dir", "else where", "--set", "testbed.id=k"]
    assert answer(words, capsys)[0] == 0
    ((found, options),) = asked
    assert found == path
    assert options.dry_run
    assert options.changes.sets == ("testbed.id=k", 'testbed.output_root="else where"')
