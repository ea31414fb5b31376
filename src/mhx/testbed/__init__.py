"""Case matrices and their evidence: the testbed owns cases, child runners own execution.

    SUPPORTED_SUBJECTS, SUPPORTED_RUNNERS     what a testbed may name
    SUPPORTED_SUBJECT_RUNNERS                 subject -> the runners that fit it
    RUNNER_WORKFLOWS                          runner -> mode of its children
    DEFAULT_RUNNER_METRICS                    runner -> metrics of a testbed that declares none
    TestbedLauncher                           plans and runs one testbed file

In order of their work:

    config, declared, rules, questions, arrays, faults      what a file says, and every fault of it
    axes, cases, catalog, catalog_cases, design, design_rules, making, templates, matrix     cases
    expand, isolation, ordering, blocks, digests, watching, plan, children   children, and the plan
    launcher, preparing, reuse, folders, stopping     what stands; the rest is delegated
    outcome, reading, journal                         how a case ended, on record before all else
    columns, rows, tables, keeping, records, manifest, exits, answers       the evidence files
    status, explain, repeating, reporting             asking a folder
    selection, checks, ladders, analysis, effects     what the cases say together
    evidence, report, report_*                        the page

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
