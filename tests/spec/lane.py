"""One call of the command line, and how its files are read, for the tests of this folder.

They know the specification, the commands and the files: nothing of the program behind them.
"""

import contextlib
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from mhx.cli import main

PLAN = "rutherford-plan-production"
EXECUTE = "rutherford-execute"

TINY = {
    "--nx": 8,
    "--ny": 8,
    "--dt": 1e-2,
    "--t-end": 0.48,
    "--save-every": 4,
    "--min-production-resolution": 8,
    "--seconds-per-step-estimate": 1e-3,
}
"""A cosine sheet of 48 steps, a checkpoint every 6."""

HARRIS = {
    "--equilibrium": "periodic_double_harris",
    "--width": 0.8,
    "--perturbation-amplitude": 0.004,
    "--eta": 0.0045,
    "--nu": 0.003,
    "--nx": 24,
    "--ny": 16,
    "--dt": 0.04,
    "--t-end": 1.6,
    "--save-every": 4,
    "--min-production-resolution": 8,
    "--seconds-per-step-estimate": 1e-3,
    "--noise-amplitude": 1e-3,
    "--seed": 5,
}
"""A held double Harris sheet of 40 steps on an oblong grid, a checkpoint every 5."""


@dataclasses.dataclass(frozen=True)
class Said:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def mhx(*words: object) -> Said:
    """The command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Said(code, out.getvalue(), err.getvalue())


def flags(table: dict[str, Any]) -> list[str]:
    return [str(word) for pair in table.items() for word in pair if word is not None]


def plan(folder: Path, base: dict[str, Any] | None = None, **changes: Any) -> Said:
    """Plan into `folder`; `changes` spell flags with underscores, None leaves one out."""
    table = dict(TINY if base is None else base)
    for name, value in changes.items():
        flag = "--" + name.replace("_", "-")
        table.pop(flag, None)
        if value is not None:
            table[flag] = value
    return mhx("campaign", PLAN, "--outdir", folder, *flags(table))


def execute(folder: Path, *words: object) -> Said:
    return mhx("campaign", EXECUTE, folder, *words)


def read(path: Path) -> dict[str, Any]:
    """RFC 8259 only: NaN and Infinity are no JSON."""

    def refuse(word: str) -> Any:
        raise AssertionError(f"{path} holds {word}")

    value = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert isinstance(value, dict)
    return value


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; locks and the notes of attempts are no results."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock" and "attempts" not in path.parts
    }


def states(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("state_step_*.npz"))


def records(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("step_*.json"))
