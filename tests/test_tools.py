"""The scripts behind `make`: they parse, and set-up says what is missing in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = {"tools/setup.sh": "sh", "tools/demo.sh": "sh", ".ci/run": "bash"}


@pytest.mark.parametrize(("name", "shell"), SCRIPTS.items(), ids=SCRIPTS)
def test_a_script_parses_and_can_be_executed(name, shell):
    subprocess.run([shell, "-n", ROOT / name], check=True)
    assert os.access(ROOT / name, os.X_OK)


def set_up(tmp_path, **environment):
    """Run the set-up in an empty tree with nothing but the given commands."""
    (tmp_path / "tools").mkdir(exist_ok=True)
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "tools")
    return subprocess.run(
        ["sh", "tools/setup.sh"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_interpreter_that_is_not_there_is_named(tmp_path):
    done = set_up(tmp_path, PYTHON="no-such-python")
    assert done.returncode == 1
    told = "no Python >= 3.11 found (PYTHON=no-such-python); name one: make PYTHON=..."
    assert done.stderr == f"setup: {told}\n"


def test_without_the_module_venv_the_one_package_to_install_is_named(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "some-python"
    python.write_text(
        '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; *) exit 0;; esac\n'
    )
    nobody = folder / "id"
    nobody.write_text("#!/bin/sh\necho 1000\n")
    for script in (python, nobody):
        script.chmod(0o755)
    done = set_up(tmp_path, PYTHON="some-python", PATH=f"{folder}:/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr.endswith("run: sudo apt-get install python3.12-venv\n")
    assert not (tmp_path / ".venv").exists()


def test_set_up_and_doctor_name_the_same_system_packages():
    from mhx.groundwater.doctor import GMSH_PACKAGES

    (line,) = [
        line
        for line in (ROOT / "tools" / "setup.sh").read_text().splitlines()
        if line.startswith("libraries=")
    ]
    assert line == f"libraries='{' '.join(GMSH_PACKAGES)}'"


def set_up_with(tmp_path, python, user):
    """Run the set-up over a ready .venv whose python and mhx are these scripts."""
    scripts = {
        ".venv/bin/python": python,
        ".venv/bin/mhx": 'echo "mhx $*"\n',
        "bin/id": f"echo {user}\n",
        "bin/apt-get": 'echo "apt-get $*" >>"$LOG"\n',
    }
    for name, body in scripts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}")
        path.chmod(0o755)
    log = tmp_path / "apt.log"
    log.write_text("")
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    return set_up(tmp_path, PATH=path, LOG=str(log)), log.read_text()


READY = "exit 0\n"
WITHOUT_LIBRARIES = 'case "$2" in *gmsh*) exit 1;; esac\n'


def test_a_machine_that_is_ready_is_left_as_it_is(tmp_path):
    done, installed = set_up_with(tmp_path, READY, user=0)
    assert (done.returncode, done.stderr, installed) == (0, "", "")
    assert "mhx engines install mf6 mfnwt mt3dusgs\n" in done.stdout
    assert done.stdout.endswith("setup: done\n")


def test_as_root_the_libraries_of_gmsh_are_installed(tmp_path):
    _, installed = set_up_with(tmp_path, WITHOUT_LIBRARIES, user=0)
    assert installed.startswith("apt-get update")
    assert "install -y -qq libglu1-mesa" in installed


def test_as_nobody_in_particular_the_one_line_to_run_is_told_and_set_up_goes_on(tmp_path):
    done, installed = set_up_with(tmp_path, WITHOUT_LIBRARIES, user=1000)
    assert (done.returncode, installed) == (0, "")
    assert "run:\nsetup:   sudo apt-get install -y libglu1-mesa" in done.stderr
    assert done.stdout.endswith("setup: done\n")
