"""Jobs in the process of the caller."""

import json
import os
import sys

from mhx.execution.inline import InlineBackend
from mhx.execution.job import Ending


def test_jobs_run_here_one_after_another_with_attempt_and_log(errands, job, tmp_path):
    here, argv, out = os.getcwd(), sys.argv, sys.stdout
    backend = InlineBackend(target=errands)
    said, who = backend.run([job("a", "say", "hello"), job("b", "who")])
    assert said.log.read_text() == "hello\nto stderr\nfrom a program\n"
    assert who.log.read_text().split()[0] == str(os.getpid())
    assert (said.ending, said.exit_code, said.tries) == (Ending.FINISHED, 0, 1)
    status = json.loads((said.log.parent / "status.json").read_bytes())
    assert (status["state"], status["exit_code"], status["pid"]) == ("finished", 0, os.getpid())
    assert (os.getcwd(), sys.argv, sys.stdout) == (here, argv, out)
    backend.close()


def test_stop_starts_no_further_job(errands, job):
    backend = InlineBackend(target=errands)
    found = []
    for outcome in backend.run([job("a", "code", 3), job("b", "code", 0)]):
        found.append(outcome.exit_code)
        backend.stop()
    assert found == [3]
