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


def test_what_the_environment_changes_is_not_for_jobs(errands, job, monkeypatch):
    monkeypatch.setenv("MHX_SET_testbed__id", "k")
    (outcome,) = InlineBackend(target=errands).run([job("a", "show", "MHX_SET_testbed__id")])
    assert outcome.log.read_text() == "MHX_SET_testbed__id=None\n"
    assert ("MHX_SET_testbed__id", "k") in os.environ.items()
