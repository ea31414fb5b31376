"""Where engines are looked for, which is taken, and what is said of those that are not."""

import os
from pathlib import Path

import pytest

from mhx.errors import EngineMissing
from mhx.groundwater import engines
from mhx.groundwater.engines import engines_folder, find, identity, noted, receipt_path

SAYS = {
    "mf6": "mf6: {} Release 12/09/2022",
    "mfnwt": "      MODFLOW-NWT-SWR1\n  SURVEY MODEL\n  Version {} 07/01/2022",
    "mt3dusgs": " MT3D-USGS - Modular 3D Multi-Species Transport Model [Ver {}]",
}


def program(path: Path, name: str = "mf6", version: str = "6.4.1") -> Path:
    """An executable that says of itself what the real one says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<END\n\n{SAYS[name].format(version)}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A machine without any engine; /bin and /usr/bin hold none."""
    for name in ("MHX_MF6", "MHX_MFNWT", "MHX_MT3DUSGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MHX_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")


def test_the_key_comes_before_the_environment_path_and_engines_folder(tmp_path, monkeypatch):
    places = [
        program(tmp_path / "key" / "mf6", version="6.4.1"),
        program(tmp_path / "environment" / "mf6", version="6.4.2"),
        program(tmp_path / "path" / "mf6", version="6.4.3"),
        program(tmp_path / "engines" / "mf6", version="6.4.4"),
    ]
    monkeypatch.setenv("MHX_MF6", str(places[1]))
    found = [find("mf6", places[0]), find("mf6")]
    monkeypatch.delenv("MHX_MF6")
    found.append(find("mf6"))
    places[2].unlink()
    found.append(find("mf6"))
    assert [engine.path for engine in found] == places
    assert [engine.version for engine in found] == ["6.4.1", "6.4.2", "6.4.3", "6.4.4"]
    assert [engine.place for engine in found] == [
        "solver.mf6.exe",
        "MHX_MF6",
        "PATH",
        f"engines folder {tmp_path / 'engines'}",
    ]


@pytest.mark.parametrize(
    ("name", "version"), [("mf6", "6.5.0"), ("mfnwt", "1.3.0"), ("mt3dusgs", "1.1.0")]
)
def test_each_engine_has_its_variable_and_its_way_to_say_its_version(
    name, version, tmp_path, monkeypatch
):
    path = program(tmp_path / "own" / name, name, version)
    monkeypatch.setenv(f"MHX_{name.upper()}", str(path))
    engine = find(name)
    assert (engine.path, engine.version) == (path, version)
    assert engine.line in SAYS[name].format(version)
    assert engine.identity == f"{version} {engine.sha256}"


def test_an_engine_that_is_nowhere_lists_each_place_and_the_command(tmp_path):
    with pytest.raises(EngineMissing) as raised:
        find("mf6")
    assert str(raised.value) == (
        "MODFLOW 6 (mf6) was not found; looked at:\n"
        "  solver.mf6.exe: not set\n"
        "  MHX_MF6: not set\n"
        "  PATH: no mf6 there\n"
        f"  engines folder {tmp_path / 'engines'}: no mf6 there\n"
        "install it with: mhx engines install mf6"
    )


def absent(path):
    return "which cannot be opened (No such file or directory)"


def folder(path):
    path.mkdir()
    return "which is a folder; name the program itself"


def not_executable(path):
    program(path).chmod(0o644)
    return f"which is not executable; make it so with: chmod +x {path}"


def another_program(path):
    path.write_text("#!/bin/sh\necho MODFLOW 88\n")
    path.chmod(0o755)
    return "which is not MODFLOW 6: asked who it is, it said 'MODFLOW 88'"


def no_program(path):
    path.write_bytes(b"\x00\x01\x02")
    path.chmod(0o755)
    return "which this machine cannot execute (Exec format error)"


def too_old(path):
    program(path, version="6.4.0")
    return (
        "which is version 6.4.0; 6.4.1 or newer is needed, for the input files are written for it; "
        "install one with: mhx engines install mf6"
    )


UNUSABLE = [absent, folder, not_executable, another_program, no_program, too_old]


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda make: make.__name__)
def test_a_named_place_without_a_usable_program_is_refused_in_one_line(make, tmp_path, monkeypatch):
    path = tmp_path / "mine"
    reason = make(path)
    monkeypatch.setenv("MHX_MF6", str(path))
    with pytest.raises(EngineMissing) as raised:
        find("mf6")
    assert str(raised.value) == f"MHX_MF6 names {path}, {reason}"
    with pytest.raises(EngineMissing, match=r"^solver\.mf6\.exe names "):
        find("mf6", path)


def test_an_old_program_on_path_is_left_out_for_the_one_of_the_engines_folder(tmp_path):
    old = program(tmp_path / "path" / "mf6", version="6.2.0")
    with pytest.raises(EngineMissing) as raised:
        find("mf6")
    assert f"PATH: {old} left out, which is version 6.2.0" in str(raised.value)
    ours = program(tmp_path / "engines" / "mf6")
    assert find("mf6").path == ours


def test_a_program_altered_since_it_was_installed_is_not_used(tmp_path):
    path = program(tmp_path / "engines" / "mf6")
    receipt_path(path).write_text(f'{{"sha256": "{"0" * 64}"}}')
    with pytest.raises(EngineMissing, match=r"altered since it was installed .*engines install"):
        find("mf6")


def test_a_program_is_read_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    path = program(tmp_path / "engines" / "mf6")
    read = []
    digest = engines.file_digest
    monkeypatch.setattr(engines, "file_digest", lambda p: read.append(p) or digest(p))
    first = find("mf6")
    assert find("mf6") == first and len(read) == 1
    program(path, version="6.5.0")
    os.utime(path, ns=(1, 1))
    assert find("mf6").version == "6.5.0"
    assert len(read) == 2


def test_the_engines_folder_is_the_user_data_folder_unless_named(tmp_path, monkeypatch):
    assert engines_folder() == tmp_path / "engines"
    monkeypatch.delenv("MHX_ENGINES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert engines_folder() == tmp_path / "data" / "mhx" / "engines"


FLOW = {"type": "flow"}
MESH = {"type": "mesh"}


def simulation(*processes, kind="voronoi", **tables):
    return {"simulation": {"process": list(processes)}, "mesh": {"kind": kind}, **tables}


def test_identity_names_what_a_simulation_uses(tmp_path):
    path = program(tmp_path / "engines" / "mf6")
    mf6 = find("mf6").identity
    assert mf6.startswith("6.4.1 ") and str(path.parent) not in mf6
    assert identity(simulation(MESH, FLOW, kind="structured")) == {"mf6": mf6}
    assert identity(simulation(MESH, {**FLOW, "enabled": False}, kind="file")) == {}
    assert set(identity(simulation(MESH))) == {"gmsh"}
    own = program(tmp_path / "own" / "mf6", version="6.6.0")
    given = simulation(FLOW, kind="file", solver={"mf6": {"exe": str(own)}})
    assert identity(given)["mf6"].startswith("6.6.0 ")


def test_identity_of_a_flow_run_without_mf6_is_an_engine_missing():
    with pytest.raises(EngineMissing, match="mhx engines install mf6"):
        identity(simulation(FLOW, kind="file"))


def test_a_run_notes_its_programs_for_the_manifest(tmp_path):
    program(tmp_path / "engines" / "mf6")
    engine = find("mf6")
    assert noted([engine], ()) == {
        "engine.mf6.version": "6.4.1",
        "engine.mf6.version_line": "mf6: 6.4.1 Release 12/09/2022",
        "engine.mf6.path": str(engine.path),
        "engine.mf6.sha256": engine.sha256,
    }
    assert set(noted([], ["gmsh"])) == {"engine.gmsh.version"}
