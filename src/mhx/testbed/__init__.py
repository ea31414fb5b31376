"""Case matrices and their evidence: the testbed owns cases, child runners own execution.

    SUPPORTED_SUBJECTS, SUPPORTED_RUNNERS     what a testbed may name
    SUPPORTED_SUBJECT_RUNNERS                 subject -> the runners that fit it
    RUNNER_WORKFLOWS                          runner -> mode of its children
    DEFAULT_RUNNER_METRICS                    runner -> metrics of a testbed that declares none
    TestbedLauncher                           plans and runs one testbed file

In order of their work:

    config, declaration/           what a file says, and every fault of it
    matrix, cases, sources/        cases: by hand, from catalogs, by designs
    design                         sampled points, the one module that may import scipy
    expand, plan, child/           children and their digests, and the plan
    launcher, running/             what stands; the rest is delegated; how it ended
    records, files/                the evidence files, brought up to date while cases finish
    checks, analysis, findings/    what the cases say together
    report, page/                  the page
    status, explain                asking a folder

The tables are views of `mhx.workflow.registry`, made when asked for; names are imported late, so
that `import mhx.testbed` loads nothing.
"""

from importlib import import_module
from typing import Any

_REGISTRY = "mhx.workflow.registry"
_PLACES = {
    "DEFAULT_RUNNER_METRICS": _REGISTRY,
    "RUNNER_WORKFLOWS": _REGISTRY,
    "SUPPORTED_RUNNERS": _REGISTRY,
    "SUPPORTED_SUBJECTS": _REGISTRY,
    "SUPPORTED_SUBJECT_RUNNERS": _REGISTRY,
    "TestbedLauncher": "mhx.testbed.launcher",
}
__all__ = [*_PLACES]  # noqa: PLE0604  # names, all of them text


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
