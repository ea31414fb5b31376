"""`observation_metrics.*`: how far simulated values lie from measured ones.

Rows of name, unit, kind and meaning, as `groundwater/vocabulary.py` has them.  Residuals are
simulated less observed; `<id>` is that of an observation.
"""

OBSERVED = "observation_metrics."

UNITS = {"head": ("m", "m"), "flow": ("m3_s", "m3/s")}
"""Quantity -> how its unit ends a name, and the unit."""
_WEIGHTED = "weighted by 1/standard_deviation^2 or weight"

ROWS: tuple[tuple[str, str, str, str], ...] = tuple(
    row
    for quantity, (ending, unit) in UNITS.items()
    for row in (
        (f"{quantity}_n", "1", "count", f"{quantity}s compared"),
        (
            f"{quantity}_n_missing",
            "1",
            "count",
            f"{quantity}s without a simulated value: dry cells",
        ),
        (f"{quantity}_bias_{ending}", unit, "mean", f"mean residual, {_WEIGHTED}"),
        (f"{quantity}_rmse_{ending}", unit, "mean", f"root mean square residual, {_WEIGHTED}"),
        (f"{quantity}_scaled_rmse", "1", "mean", "the same over the range of observed values"),
        (f"{quantity}_r2", "1", "mean", "1 - residual over observed variance; may be negative"),
        (
            *(f"{quantity}_worst_residual_{ending}", unit, "extremum"),
            "the residual that weighs most, abs(r) sqrt(w)",
        ),
        (
            *(f"obs_<id>_residual_{ending}", unit, "point"),
            f"residual of one {quantity}; of a series the root mean square",
        ),
    )
)
"""Name below `observation_metrics.`, unit, kind, meaning."""
