"""The evidence files of a testbed: written dry, kept up to date while cases end, written whole.

Every file is written beside and renamed.  While cases run, rewriting may take one part in twenty of
the time: two budgets, so that a slow report does not hold up the tables.  Nothing depends on these
files while a launcher works: the journal has it all.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.errors import MhxError
from mhx.evidence.store import strict, write_bytes
from mhx.testbed.files.rows import CHECK_COLUMNS, line
from mhx.testbed.files.tables import Tables

CASES, METRICS, CHECKS = "testbed_cases.csv", "testbed_metrics.csv", "testbed_checks.csv"
ANALYSIS, MANIFEST = "testbed_analysis.json", "testbed_manifest.json"
REPORT_MD, REPORT_HTML = "testbed_report.md", "testbed_report.html"

TABLE_SHARE, REPORT_SHARE = 0.03, 0.02  # of the wall time, together 5 %
LOOK_EVERY_S = 0.5
SEAL, UNSEALED = "seal", "0" * 64


class Budget:
    """How much of the time may go into rewriting; one more is due when it fits."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._clock = share, clock
        self._began = clock()
        self.spent = self.last = 0.0

    @property
    def due(self) -> bool:
        """True when one more rewriting, as long as the last one, stays within the share."""
        return self.spent + self.last <= self._share * (self._clock() - self._began)

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count what is done in here."""
        start = self._clock()
        try:
            yield
        finally:
            self.last = self._clock() - start
            self.spent += self.last


@dataclass
class Findings:
    """What the cases say together: checks, analysis; made again by `judge`."""

    checks: Sequence[Mapping[str, Any]] = ()
    analysis: Mapping[str, Any] = field(default_factory=dict)


class Records:
    """Writes the evidence of one testbed; the caller holds the lock of its folder.

    manifest: makes the manifest's own keys from tables, findings and the digests of the files.
    report: writes the report files and returns their names.
    """

    def __init__(
        self,
        root: Path,
        tables: Tables,
        *,
        manifest: Callable[[Findings, Mapping[str, str]], Mapping[str, Any]],
        judge: Callable[[], Findings],
        report: Callable[[Findings, Mapping[str, Any]], Sequence[str]],
    ) -> None:
        self.root, self.tables = root, tables
        self.findings = Findings()
        self.files: dict[str, str] = {}
        self._manifest, self._judge, self._report = manifest, judge, report
        self._table_budget, self._report_budget = Budget(TABLE_SHARE), Budget(REPORT_SHARE)
        self._lock = threading.RLock()
        self._dirty = self._report_dirty = False
        self._failure: MhxError | None = None
        self._end = threading.Event()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change tables in here; raises what hindered the last rewriting."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            yield
            self._dirty = self._report_dirty = True

    def refresh(self) -> None:
        """Rewrite what is behind, as far as the budgets allow."""
        with self._lock:
            if self._dirty and self._table_budget.due:
                with self._table_budget.spending():
                    self._write_tables()
                    self._write_manifest()
            if self._report_dirty and self._report_budget.due:
                with self._report_budget.spending():
                    self._write_findings()

    def write_all(self) -> None:
        """Write every file anew; complete on return."""
        with self._lock:
            self._write_tables()
            self._write_findings()

    @contextmanager
    def refreshing(self) -> Iterator[None]:
        """Refresh in the background: a result must not wait for the next one to be seen."""
        thread = threading.Thread(target=self._refresh_until_end, name="mhx-records", daemon=True)
        self._end.clear()
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _refresh_until_end(self) -> None:
        while not self._end.wait(LOOK_EVERY_S):
            try:
                self.refresh()
            except MhxError as error:  # a full disk; told by whoever records next
                self._failure = error
                return

    def put(self, name: str, content: bytes) -> None:
        """Write one file and remember its digest."""
        write_bytes(self.root / name, content)
        self.files[name] = hashlib.sha256(content).hexdigest()

    def _write_tables(self) -> None:
        self.put(CASES, self.tables.cases_csv())
        self.put(METRICS, self.tables.metrics_csv())
        self._dirty = False

    def _write_findings(self) -> None:
        self.findings = self._judge()
        checks = self.findings.checks
        rows = [line(check.get(name) for name in CHECK_COLUMNS) for check in checks]
        self.put(CHECKS, "".join([line(CHECK_COLUMNS), *rows]).encode())
        self.put(ANALYSIS, render(self.findings.analysis))
        manifest = self._manifest(self.findings, self.files)
        for name in self._report(self.findings, manifest):
            self.files[name] = hashlib.sha256((self.root / name).read_bytes()).hexdigest()
        self._report_dirty = False
        self._write_manifest()

    def _write_manifest(self) -> None:
        document = {**self._manifest(self.findings, self.files), SEAL: UNSEALED}
        lists = {"cases": self.tables.cases_json(), "metrics": self.tables.metrics_json()}
        text = render(document, lists)
        write_bytes(self.root / MANIFEST, sealed(text))


def render(document: Mapping[str, Any], lists: Mapping[str, Sequence[str]] | None = None) -> bytes:
    """JSON with sorted keys; `lists` are arrays whose elements stand ready, one a line."""
    lists = lists or {}
    entries = []
    for key in sorted({*document, *lists}):
        if key in lists:
            lines = ",\n    ".join(lists[key])
            value = f"[\n    {lines}\n  ]" if lines else "[]"
        else:
            plain = strict(document[key])
            text = json.dumps(plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
            value = text.replace("\n", "\n  ")
        entries.append(f"  {json.dumps(key)}: {value}")
    body = ",\n".join(entries)
    return f"{{\n{body}\n}}\n".encode("utf-8", "backslashreplace")


def sealed(text: bytes) -> bytes:
    """The text with its own SHA-256 in the place of the 64 zeros of its seal."""
    return text.replace(_entry(UNSEALED), _entry(hashlib.sha256(text).hexdigest()), 1)


def seal_holds(content: bytes, seal: str) -> bool:
    """True when the file is as it was sealed."""
    text = content.replace(_entry(seal), _entry(UNSEALED), 1)
    return hashlib.sha256(text).hexdigest() == seal


def _entry(seal: str) -> bytes:
    return f'\n  "{SEAL}": "{seal}"'.encode()
