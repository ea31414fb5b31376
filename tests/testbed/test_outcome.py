"""How a case ended, told from what its attempt left."""

import json
from pathlib import Path

from mhx.evidence.schemas import RUN_ERROR
from mhx.execution.job import Ending, Job, Outcome
from mhx.testbed.files.columns import contract_of
from mhx.testbed.running.outcome import Asked, ended


def failed_with(root, message):
    """The outcome of case 'a', whose run ended with an error of that text."""
    folder = root / "cases" / "a"
    folder.mkdir(parents=True)
    record = {"class": "SolverError", "message": message, "exit_code": 3, "schema": RUN_ERROR}
    (folder / "run_error.json").write_text(json.dumps(record))
    case = Asked(case_id="a", run_dir="cases/a", child_digest="c", case_digest="d", parts={})
    job = Job(name="a", words=("run", "a.toml"), folder=root, run_dir=Path("cases/a"))
    log = folder / "log.txt"
    outcome = Outcome(
        job=job, ending=Ending.FINISHED, exit_code=3, wall_s=0.1, attempt="x", log=log
    )
    return ended(root, case, outcome, contract_of([]), stopping=False).result


def test_an_error_is_one_line_with_paths_from_the_folder(tmp_path):
    result = failed_with(tmp_path, f"it stopped;\n  see {tmp_path}/cases/a/mf6/mfsim.lst")
    assert result.status == "failed"
    assert result.error == (
        "case 'a': SolverError: it stopped; see cases/a/mf6/mfsim.lst (exit code 3)"
    )


def test_an_error_without_end_is_cut_in_its_middle(tmp_path):
    """A model may complain of each of its cells; tables and pages hold what a reader can read."""
    lines = "\n".join(f"CELL {n} IS BELOW ITS BOTTOM" for n in range(100_000))
    error = failed_with(tmp_path, lines).error
    assert len(error) < 2100
    assert error.startswith("case 'a': SolverError: CELL 0 IS BELOW")
    assert " [...] " in error
    assert error.endswith("CELL 99999 IS BELOW ITS BOTTOM (exit code 3)")
