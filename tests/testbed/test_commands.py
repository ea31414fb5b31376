"""The commands of testbeds, from words to exit codes."""

import json

import pytest

from mhx.cli import main


@pytest.fixture
def told(capsys):
    """Carry out words; exit code, standard output and standard error."""

    def carry_out(*words):
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return carry_out


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


def test_from_plan_to_report(file, told, root):
    path = file()
    code, out, _ = told("testbed", "plan", path)
    assert code == 0
    assert "k: 3 cases planned; nothing was started" in out
    assert f"next: mhx testbed run {path}" in out
    code, out, err = told("testbed", "run", path, "--backend", "inline")
    assert code == 0
    assert out.splitlines() == [
        "k: 3 of 3 cases ok, 1 of 1 check passed",
        f"wrote {root}",
        f"next: mhx verify {root}",
    ]
    assert "case 3/3 100.0 %" in err
    assert told("testbed", "status", root)[:2] == (0, "k: 3 cases: 3 ok\n")
    code, out, _ = told("testbed", "explain", root, "line_2")
    assert code == 0
    assert f"next: mhx testbed run {path} --case line_2 --fresh" in out
    assert told("testbed", "report", root)[0] == 0
    assert told("testbed", "plan", path, "--check")[0] == 0
    assert told("verify", root)[0] == 0


@pytest.mark.parametrize("words", [("testbed", "run"), ("run",)])
def test_dry_run_is_plan_under_every_name(words, file, told, root):
    path = file()
    assert told("testbed", "plan", path)[0] == 0
    planned = (root / "testbed_cases.csv").read_bytes()
    code, out, _ = told(*words, path, "--dry-run")
    assert code == 0
    assert "nothing was started" in out
    assert (root / "testbed_cases.csv").read_bytes() == planned


def test_mhx_run_carries_out_a_testbed(file, told, root):
    path = file(execution='backend = "inline"')
    code, out, _ = told("run", path)
    assert code == 0
    assert "3 of 3 cases ok" in out


def test_json_is_one_object(file, told, root):
    code, out, err = told("testbed", "run", file(), "--backend", "inline", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["successful_count"] == 3
    assert found["paths"]["manifest_json"] == str(root / "testbed_manifest.json")
    assert found["runner"] == found["subject"] == "probe"
    found = json.loads(told("testbed", "status", root, "--json")[1])
    assert found["counts"] == {"ok": 3}
    assert json.loads(told("testbed", "explain", root, "line_1", "--json")[1])["status"] == "ok"


def test_set_and_overlay_change_the_file_and_are_on_record(file, told, root, tmp_path):
    overlay = tmp_path / "more.toml"
    overlay.write_text('[testbed]\npurpose = "practice"\n')
    words = ("--set", "testbed.max_cases=5", "--overlay", overlay)
    assert told("testbed", "plan", file(), *words)[0] == 0
    plan = json.loads((root / "testbed_plan.json").read_text())
    assert plan["purpose"] == "practice"
    assert {entry["key"] for entry in plan["overrides"]} == {
        "testbed.max_cases",
        "testbed.purpose",
    }


REFUSALS = {
    "no whole number": (("--jobs", "two"), "--jobs must be a whole number >= 1 or auto, got 'two'"),
    "none at all": (("--jobs", "0"), "--jobs must be a whole number >= 1 or auto, got '0'"),
    "another backend": (("--backend", "pbs"), "--backend must be 'local' or 'inline', got 'pbs'"),
    "no such case": (("--case", "z*"), "--case 'z*' matches no enabled case"),
}


@pytest.mark.parametrize(("words", "text"), REFUSALS.values(), ids=REFUSALS)
def test_a_flag_is_refused_before_anything_is_written(words, text, file, told, root):
    code, _, err = told("testbed", "run", file(), *words)
    assert code == 2
    assert text in err
    assert not (root / "testbed_plan.json").exists()


def test_folders_that_are_none(told, tmp_path):
    for command in (("status",), ("report",), ("explain",)):
        words = (*command, tmp_path, *(("x",) if command == ("explain",) else ()))
        code, _, err = told("testbed", *words)
        assert code == 2
        assert "holds no testbed" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["testbed_plan", "testbed_manifest", "run_summary"])
def test_schemas_are_printed(name, told):
    code, out, _ = told("schema", name)
    assert code == 0
    assert len(json.loads(out)["properties"]) >= 4


@pytest.mark.parametrize("command", ["status", "report", "explain"])
def test_a_file_in_the_place_of_a_folder_is_a_wrong_word(command, file, told):
    path = file()
    words = [path, "line_1"] if command == "explain" else [path]
    code, _, err = told("testbed", command, *words)
    assert code == 2
    assert err == f"mhx: {path} is a file; name the folder of the testbed, its output_root\n"


def test_an_empty_backend_is_none(file, told):
    code, _, err = told("testbed", "run", file(), "--backend", "")
    assert code == 2
    assert err == "mhx: --backend must be 'local' or 'inline', got ''\n"


def test_a_folder_in_the_place_of_a_child_is_told(file, told, root):
    (root / "_generated_configs" / "line_1.toml").mkdir(parents=True)
    code, _, err = told("testbed", "plan", file())
    assert code == 3
    assert err.startswith(
        f"mhx: cannot write {root}/_generated_configs/line_1.toml: Is a directory"
    )
