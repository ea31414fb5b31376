"""How long a run must be: t_end >= s_f N_e / gamma, and what that makes of a given end time.

gamma in v_A/L, times in L/v_A.  Which gamma counts: the smaller of the declared and the computed
one, so that a typed-in rate never shortens a run.  A sheet that is tearing-stable has no computed
rate to follow; only then does a declared or documented one stand alone.
"""

from dataclasses import dataclass
from typing import Any

from mhx.errors import ConfigError

HARRIS_REFERENCE_RATE = 1.31e-2
"""Leading rate of a Harris sheet at S = 1000, k a = 0.5, walls at +-10 a, inviscid [v_A/L]."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """The growth rate that sets a duration, and where it comes from.

    used: v_A/L; None when nothing positive is known.
    source: "computed", "declared", "reference" or "none".
    """

    used: float | None
    source: str
    computed: float | None = None
    declared: float | None = None

    @property
    def mismatch(self) -> float | None:
        """Relative distance of the declared from the computed rate; None without both."""
        if self.declared is None or not self.computed:
            return None
        return abs(self.declared - self.computed) / abs(self.computed)


def choose_rate(
    *, computed: float | None, declared: float | None, reference: float | None = None
) -> Rate:
    """The rate that sets the duration: the smaller of two, or the only one there is."""
    given = {"computed": computed, "declared": declared}
    growing = {source: rate for source, rate in given.items() if rate is not None and rate > 0}
    if not growing and reference is not None:
        growing = {"reference": reference}
    if not growing:
        return Rate(used=None, source="none", computed=computed, declared=declared)
    source = min(growing, key=lambda name: growing[name])
    return Rate(used=growing[source], source=source, computed=computed, declared=declared)


def required_time(rate: float, efolds: float, safety_factor: float = 1.0) -> float:
    """s_f N_e / gamma [L/v_A]."""
    return safety_factor * efolds / rate


@dataclass(frozen=True, kw_only=True)
class Duration:
    """One end time against the e-foldings that it has to cover."""

    t_end: float
    rate: Rate
    efolds: float
    safety_factor: float
    diffusion_time: float | None = None

    @property
    def required(self) -> float | None:
        """The end time that would do; None when no rate is known."""
        if self.rate.used is None:
            return None
        return required_time(self.rate.used, self.efolds, self.safety_factor)

    @property
    def sufficient(self) -> bool:
        """True when t_end reaches the required time to round-off."""
        return self.required is not None and self.t_end >= self.required * (1 - 1e-12)

    def document(self, *, name: str, purpose: str) -> dict[str, Any]:
        """`duration_assessment` of a plan or a template."""
        rate, enough = self.rate, self.sufficient
        return {
            "name": name,
            "purpose": purpose,
            "scope": "nonlinear_production",
            "t_end": self.t_end,
            "growth_rate": rate.used,
            "growth_rate_source": rate.source,
            "growth_rate_computed": rate.computed,
            "growth_rate_declared": rate.declared,
            "relative_mismatch": rate.mismatch,
            "required_efolds": self.efolds,
            "safety_factor": self.safety_factor,
            "required_t_end": self.required,
            "observed_efolds": None if rate.used is None else self.t_end * rate.used,
            "diffusion_time": self.diffusion_time,
            "sufficient_for_intended_scope": enough,
            "sufficient_for_nonlinear_claim": enough,
            "sufficient_for_production_claim": enough,  # as far as its length goes
            "action": self._action(),
        }

    def _action(self) -> str:
        if self.required is None:
            return "no growth rate is known; declare one or choose an unstable sheet"
        if self.sufficient:
            return "long enough; execute, then collect evidence"
        return f"raise t_end to at least {self.required:.6g} L/v_A"


def need_positive(rate: Rate) -> float:
    """The rate, where an end time must be derived from it."""
    if rate.used is None:
        computed = "not computed" if rate.computed is None else f"{rate.computed:.4g} v_A/L"
        raise ConfigError(
            f"no end time follows from a sheet that does not grow (computed rate: {computed}); "
            "give --t-end, or --harris-growth-rate, or a width and mode that are unstable"
        )
    return rate.used
