"""Every metric that a comparison may report: name, unit, kind, meaning.

A difference is the method's value less the reference's.  `<simulation>` and `<observable>` stand
for their ids; the unit of an observable's statistics is that of its variable, which the vocabulary
cannot know and leaves open.
"""

from collections.abc import Iterator

from mhx.evidence.metrics import Metric, Vocabulary

COMPARISON = "comparison_metrics."
OPEN = ""
"""The unit of what an observable declares."""

Row = tuple[str, str, str, str]

_TOP: tuple[Row, ...] = (
    ("comparison_id", "1", "text", "name of the comparison"),
    ("reference_simulation", "1", "text", "the simulation that the others are held against"),
    ("audit_status", "1", "text", "pass, warn, fail or ignored: whether all solve one case"),
    ("n_simulations", "1", "count", "simulations that were asked for"),
    ("n_failed_simulations", "1", "count", "of these, those without a finished run"),
    ("n_observable_rows", "1", "count", "values read, all simulations"),
    ("n_metric_rows", "1", "count", "simulations times observables that were compared"),
    ("n_difference_rows", "1", "count", "values that found their partner in the reference"),
    ("n_unmatched_rows", "1", "count", "values that did not"),
    ("n_empty_observables", "1", "count", "declared observables of fields that compare no value"),
    ("audit_mismatches", "1", "count", "leaves and facts that differ and are no method"),
    ("closure_max_abs_m3_s", "m3/s", "extremum", "largest water lost or made, any period"),
    ("closure_max_abs_mm_d", "mm/d", "extremum", "the same per area of the domain"),
    ("closure_relative_error_p95", "1", "extremum", "95th percentile, over the throughput"),
    ("closure_status_code", "1", "count", "worst balance: 0 OK, 1 WARN, 2 CHECK"),
    ("wall_time_seconds", "s", "duration", "wall clock of the comparison"),
)
_STATISTICS: tuple[Row, ...] = (
    ("n_pairs", "1", "count", "values compared"),
    ("bias", OPEN, "mean", "mean difference from the reference"),
    ("mae", OPEN, "mean", "mean absolute difference"),
    ("rmse", OPEN, "mean", "root mean square difference"),
    ("max_abs_error", OPEN, "extremum", "largest absolute difference"),
    ("mean_relative_error", "1", "mean", "mean absolute difference over the reference"),
)
_METHOD: tuple[Row, ...] = (
    ("closure_m3_s", "m3/s", "extremum", "largest water lost or made, any period"),
    ("closure_mm_d", "mm/d", "extremum", "the same per area of the domain"),
    ("closure_relative", "1", "extremum", "the same over the throughput"),
    ("solute_closure_kg_s", "kg/s", "extremum", "largest mass lost or made, any period"),
    ("solute_closure_relative", "1", "extremum", "the same over the throughput"),
    ("wall_time_s", "s", "duration", "wall clock of the simulation"),
    ("n_cells", "1", "count", "active cells per layer"),
)


def _words() -> Iterator[Metric]:
    def word(prefix: str, row: Row) -> Metric:
        name, unit, kind, meaning = row
        return Metric(name=f"{prefix}{name}", unit=unit, meaning=meaning, kind=kind)

    yield from (word("", row) for row in _TOP)
    yield from (word(f"{COMPARISON}<simulation>.", row) for row in _METHOD)
    yield from (word(f"{COMPARISON}<simulation>.<observable>.", row) for row in _STATISTICS)


VOCABULARY = Vocabulary(_words())
