"""Figures of one run as a paper shows them: linear phase, Rutherford phase, saturation, energy.

Panels are made from the history and from what a promotion found in it (`judgement.py`): nothing is
fitted here.  Times in L/v_A, lengths in L, rates in v_A/L, energies in v_A^2 as domain means.  W is
the full width of an island.  A panel whose quantity is absent is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mhx.reconnection import phases
from mhx.report import style
from mhx.report.plots import Band, Curve, Level, Panel, Span, Upright
from mhx.report.scales import spoken

TIME = "time  $t$  [$L/v_A$]"
SHEETS = ((0, style.BLUE, "-"), (1, style.RED, (0, (4, 2.5))))  # symmetric sheets lie on each other
DOTS = (0, (1, 1.3))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run and what was found in it.

    facts: `growth_rate`, `linear_phase`, `algebraic_phase`, `saturation` of a promotion report.
    bounds: by the names of `thresholds.BOUNDS`.
    """

    history: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    bounds: Mapping[str, float]

    @cached_property
    def shown(self) -> Mapping[str, np.ndarray]:
        """What of the history can be drawn: up to where time stops going on, gaps where no numbers.

        A damaged history must have its verdict, and gets what picture it can.
        """
        time = np.asarray(self.history.get("time", ()), float)
        with np.errstate(invalid="ignore"):
            onward = np.isfinite(time) & np.append(True, time[1:] > time[:-1])[: len(time)]
        count = int(np.argmin(np.append(onward, False)))
        if count < 2:
            return {}
        rows = {name: np.asarray(row, float)[:count] for name, row in self.history.items()}
        return {name: np.where(np.isfinite(row), row, np.nan) for name, row in rows.items()}

    @property
    def time(self) -> np.ndarray:
        return self.shown["time"]

    @property
    def sheet(self) -> int | None:
        """The sheet that is judged; None where the history has none."""
        found = phases.leading_sheet(self.shown)
        return found if found is not None and f"island_width_{found}" in self.shown else None

    def found(self, name: str) -> Mapping[str, Any]:
        """A phase that was found, else nothing."""
        phase = self.facts.get(name) or {}
        return phase if phase.get("found") else {}

    @property
    def growth(self) -> Mapping[str, Any]:
        return self.facts.get("growth_rate") or {}

    def per_sheet(self, name: str, words: str, **look: Any) -> list[Curve]:
        """One curve per sheet of a quantity of the history."""
        return [
            Curve(
                x=self.time, y=self.shown[f"{name}_{n}"], color=color, width=1.2,
                label=words.format(n), dash=look.get("dash", dash),
            )
            for n, color, dash in SHEETS
            if f"{name}_{n}" in self.shown
        ]  # fmt: skip


def linear_phase(run: Run) -> list[Panel]:
    """Flux with its fit and the eigenvalue; its local growth rate."""
    window, gamma, sheet = run.found("linear_phase"), run.growth.get("gamma"), run.sheet
    if sheet is None:
        return []
    flux = run.shown[f"sheet_flux_{sheet}"]
    end = _shown_until(run)
    lines, levels, bands, told = [], [], [], "no linear window found"
    if window:
        lines.append(_exponential(run, window["slope"], window, "fit", style.INK, (0, (4, 2))))
        told = f"{window['efolds']:.2f} e-folds in the window"
        levels.append(Level(y=window["slope"], label="", color=style.INK))
    if gamma is not None and gamma > 0:
        reach = run.bounds["max_growth_rate_mismatch"]
        if window:
            lines.append(_exponential(run, gamma, window, "eigenvalue", style.ORANGE, "-"))
        levels.append(Level(y=gamma, label="", color=style.ORANGE))
        bands.append(
            Band(
                low=gamma * (1 - reach),
                high=gamma * (1 + reach),
                label=f"eigenvalue \u00b1 {100 * reach:g} %",
            )
        )
    curves = run.per_sheet("sheet_flux", "sheet {}")
    early = run.time <= end
    rate = np.gradient(_log(flux), run.time)
    spans = _span(window, "linear window")
    top = 1.35 * max(gamma or 0, _top(rate[early])) or 1.0
    return [
        Panel(
            title="Reconnected flux on the sheets", ylabel="$f$  [$L\\,v_A$]", xlabel=TIME,
            log=True, curves=[*curves, *lines], spans=spans, xlim=(0, end), note=told,
            legend="lower right",
        ),
        Panel(
            title="Growth rate of the flux", ylabel="$d\\,\\ln f/dt$  [$v_A/L$]", xlabel=TIME,
            curves=[Curve(x=run.time, y=rate, marker="o", size=2.5, width=0.8,
                          label=f"sheet {sheet}")],
            levels=levels, bands=bands, spans=_span(window, ""), xlim=(0, end), ylim=(0, top),
            note=_agreement(window, gamma), legend="upper right",
        ),
    ]  # fmt: skip


def rutherford_phase(run: Run) -> list[Panel]:
    """Width in time with its straight fit; dW/dt over W, where each regime is a line."""
    phase, sheet = run.found("algebraic_phase"), run.sheet
    if sheet is None:
        return []
    width = np.asarray(run.shown[f"island_width_{sheet}"])
    curves = [
        *_curve(run, f"island_width_{sheet}", "from the flux", style.BLUE),
        *_curve(run, f"separatrix_width_{sheet}", "separatrix", style.RED, DOTS),
    ]
    told = (run.facts.get("algebraic_phase") or {}).get("reason") or ""
    if phase:
        here = slice(phase["start"], phase["stop"])
        t = run.time[here]
        line = width[here].mean() + phase["width_rate"] * (t - t.mean())
        curves.append(Curve(x=t, y=line, label="straight fit", color=style.INK, width=1.6))
        told = f"d$W$/d$t$ = {phase['width_rate']:.3g} $v_A$, misfit "
        told += f"{phase['rms_ratio']:.2f} of an exponential's"
    return [
        Panel(
            title="Width of the island", ylabel="$W$  [$L$]", xlabel=TIME, curves=curves,
            spans=_span(phase, "algebraic phase"), xlim=(0, _shown_until(run, 2.0)),
            from_zero=True, note=told, legend="lower right",
        ),
        _regimes(run, width, phase),
    ]  # fmt: skip


def _regimes(run: Run, width: np.ndarray, phase: Mapping[str, Any]) -> Panel:
    """dW/dt over W: gamma W/2 while linear, a constant in Rutherford's phase, 0 at saturation."""
    rate = np.gradient(width, run.time)
    gamma, top = run.growth.get("gamma"), _top(rate)
    highest = 1.3 * top
    curves = [Curve(x=width, y=rate, marker="o", size=2.2, width=0.7, label="run")]
    if gamma is not None and gamma > 0 and top > 0:
        ends = np.array([0, min(2 * 1.25 * top / gamma, _top(width))])
        curves.append(
            Curve(x=ends, y=gamma * ends / 2, label="linear, $\\gamma W/2$", color=style.ORANGE)
        )
    if phase:
        ends = np.array([phase["width_start"], phase["width_end"]])
        flat = np.full(2, phase["width_rate"])
        curves.append(Curve(x=ends, y=flat, label="fit", color=style.INK, width=1.6))
    expected, jump = phase.get("theory_width_rate"), phase.get("constant_psi_parameter")
    note = ""
    if expected and jump is not None:
        note = f"$1.22\\,\\eta\\Delta'$ = {expected:.3g} $v_A$"
        if phase.get("comparable"):
            curves += _theory(run, expected, _top(width))
            highest = max(highest, 1.1 * expected)
        else:
            note += f" is out of its range, $\\Delta'\\delta$ = {jump:.2g}"
    return Panel(
        title="Regimes of growth", ylabel="d$W$/d$t$  [$v_A$]", xlabel="$W$  [$L$]", curves=curves,
        ylim=(min(0.0, -1.1 * _top(-rate)), highest) if top > 0 else None, note=note,
        legend="lower right" if not phase else "best",
    )  # fmt: skip


def _theory(run: Run, expected: float, widest: float) -> list[Curve]:
    """Rutherford's constant, and the line of small islands that vanishes at their width."""
    flat = Curve(
        x=[0, widest / 2], y=[expected] * 2, label="$1.22\\,\\eta\\Delta'$",
        color=style.GREEN, dash=(0, (4, 2)),
    )  # fmt: skip
    saturated = (run.facts.get("saturation") or {}).get("theory_width")
    if not saturated:
        return [flat]
    return [
        flat,
        Curve(x=[0, saturated], y=[expected, 0], label="small islands", color=style.PURPLE,
              dash=DOTS, width=1.6),
    ]  # fmt: skip


def saturation(run: Run) -> list[Panel]:
    """Width over the whole run, its rate, and how far the mean field has changed."""
    sheet = run.sheet
    if sheet is None:
        return []
    width = np.asarray(run.shown[f"island_width_{sheet}"])
    found, rate = run.found("saturation"), np.gradient(width, run.time)
    told = (run.facts.get("saturation") or {}).get("reason") or ""
    uprights = []
    if found:
        uprights = [Upright(x=found["t_start"], label="saturated", color=style.INK)]
        told = f"$W$ = {found['width']:.3g} $L$ at $t$ = {found['t_start']:.4g} $L/v_A$"
        if found.get("width_over_half_box"):
            told += f", {100 * found['width_over_half_box']:.0f} % of half the box"
    expected, levels = found.get("theory_width"), []
    if expected and found.get("comparable"):
        levels = [Level(y=expected, label="small islands, theory", color=style.PURPLE)]
    bound = run.bounds["min_nonlinear_response"]
    response = run.per_sheet("mean_shear_change", "sheet {}")
    panels = [
        Panel(
            title="Width of the islands", ylabel="$W$  [$L$]", xlabel=TIME, from_zero=True,
            curves=[
                *run.per_sheet("island_width", "from the flux, sheet {}"),
                *_curve(run, f"separatrix_width_{sheet}", "separatrix", style.GREEN, DOTS),
            ],
            uprights=uprights, levels=levels, note=told, legend="lower right",
        ),
        Panel(
            title="Rate of widening", ylabel="d$W$/d$t$ over its maximum  [1]", xlabel=TIME,
            curves=[Curve(x=run.time, y=rate / (_top(rate) or 1), label=f"sheet {sheet}")],
            levels=[Level(y=phases.SATURATED, label=f"bound {phases.SATURATED:g}")],
            uprights=[Upright(x=one.x, label="", color=one.color) for one in uprights],
            legend="upper right",
        ),
    ]  # fmt: skip
    if response:
        panels.append(
            Panel(
                title="Nonlinear response",
                ylabel="change of mean shear  [1]",
                xlabel=TIME,
                curves=response,
                from_zero=True,
                legend="best",
                levels=[Level(y=bound, label=f"bound {spoken(bound)}")],
            )
        )  # fmt: skip
    return panels


def energy_budget(run: Run) -> list[Panel]:
    """What was dissipated and fed in; that the difference is the change of energy; the residual."""
    panels: list[Panel] = []
    account = [
        *_curve(run, "dissipated_energy", "dissipated", style.RED),
        *_curve(run, "injected_energy", "fed in by the source", style.BLUE, (0, (4, 2.5))),
    ]
    if account:
        panels.append(
            Panel(title="Energy through the box", ylabel="domain mean  [$v_A^2$]", xlabel=TIME,
                  curves=account, from_zero=True, legend="upper left")
        )  # fmt: skip
    if {"dissipated_energy", "injected_energy", "total_energy"} <= run.shown.keys():
        net = np.asarray(run.shown["injected_energy"]) - run.shown["dissipated_energy"]
        every = max(1, len(net) // 30)
        curves = [
            Curve(x=run.time, y=run.shown[name] - run.shown[name][0], label=words,
                  color=color, dash=dash)
            for name, words, color, dash in (
                ("total_energy", "change of $E$", style.INK, "-"),
                ("kinetic_energy", "change of $E_K$", style.GREEN, DOTS),
            )
            if name in run.shown
        ]  # fmt: skip
        curves.append(
            Curve(x=run.time[::every], y=net[::every], label="fed in less dissipated",
                  color=style.RED, dash="", marker="o", size=3.5, hollow=True)
        )  # fmt: skip
        panels.append(Panel(title="Balance", ylabel="domain mean  [$v_A^2$]", xlabel=TIME,
                            curves=curves, legend="lower left"))  # fmt: skip
    residual = _curve(run, "dissipation_budget_residual", "residual", style.BLUE)
    if residual:
        bound = run.bounds["max_energy_budget_residual"]
        panels.append(
            Panel(title="Residual of the budget", ylabel="$R$  [1]", xlabel=TIME, log=True,
                  curves=residual, legend="center right",
                  levels=[Level(y=bound, label=f"bound {spoken(bound)}")])
        )  # fmt: skip
    return panels


def _log(series: np.ndarray) -> np.ndarray:
    return np.log(np.where(series > 0, series, np.nan))


def _top(series: np.ndarray) -> float:
    """The largest number; 0 where there is none."""
    known = series[np.isfinite(series)]
    return float(known.max()) if len(known) else 0.0


def _shown_until(run: Run, factor: float = 1.25) -> float:
    """End of the time axis: the phases that were found, with some room after them."""
    last = max(
        (run.found(name).get("t_end", 0) for name in ("linear_phase", "algebraic_phase")),
        default=0,
    )
    return float(min(run.time[-1], factor * last) if last else run.time[-1])


def _span(phase: Mapping[str, Any], label: str) -> Sequence[Span]:
    return [Span(start=phase["t_start"], end=phase["t_end"], label=label)] if phase else []


def _curve(run: Run, name: str, label: str, color: str, dash: Any = "-") -> list[Curve]:
    if name not in run.shown:
        return []
    return [Curve(x=run.time, y=run.shown[name], label=label, color=color, dash=dash)]


def _exponential(
    run: Run, slope: float, window: Mapping[str, Any], label: str, color: str, dash: Any
) -> Curve:
    """exp(slope t) through the mean of ln f in the window, half a window longer on either side."""
    here = slice(window["start"], window["stop"])
    t, log = run.time[here], _log(run.shown[f"sheet_flux_{run.sheet}"])[here]
    reach = (t[-1] - t[0]) / 2
    ends = np.array([max(run.time[0], t[0] - reach), t[-1] + reach])
    line = np.exp(log.mean() + slope * (ends - t.mean()))
    return Curve(x=ends, y=line, label=f"{label} {slope:.4f}", color=color, dash=dash, width=1.4)


def _agreement(window: Mapping[str, Any], gamma: float | None) -> str:
    if not window:
        return ""
    error = window["slope_standard_error"]
    words = f"fit {window['slope']:.4f} \u00b1 {error:.1g} $v_A/L$"
    if gamma is not None and gamma > 0:
        percent = f"{100 * (window['slope'] / gamma - 1):+.2g}".replace("-", "\u2212")
        words += f", {percent} % of the eigenvalue"
    return words
