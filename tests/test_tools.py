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
