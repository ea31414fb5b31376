"""Which pictures a reconnection run has, and what belongs in each; how they are drawn is `report`.

All take plain arrays under the names of `HISTORY` and leave out what is absent, so that a run of
an older mhx can still be drawn.  Time in L/v_A, lengths in L, psi in L v_A, energies in v_A^2 as
domain means, j = -lap(psi) in v_A/L.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import Frames
from mhx.report import movies, plots, style
from mhx.report.plots import Curve, Level, Panel, Span

Arrays = Mapping[str, np.ndarray]

SHEETS = (("_0", style.BLUE, "sheet 0"), ("_1", style.RED, "sheet 1"))
MOVIES = {
    "psi": ("fixed_scale_flux_movie.gif", "Magnetic flux $\\psi$", "$\\psi$  [$L\\,v_A$]"),
    "j": ("fixed_scale_current_density_movie.gif", "Current density $j$", "$j$  [$v_A/L$]"),
}


def _curve(history: Arrays, name: str, **look: Any) -> list[Curve]:
    """The curve of one quantity, or none where the history does not hold it."""
    return [Curve(x=history["time"], y=history[name], **look)] if name in history else []


def _per_sheet(history: Arrays, name: str, what: str = "", dash: str = "-") -> list[Curve]:
    found = []
    for suffix, color, sheet in SHEETS:
        # two mirror-symmetric sheets lie on each other: the second is dashed, so that both are seen
        pattern = dash if suffix == "_0" or dash != "-" else (0, (5, 3))
        found += _curve(history, name + suffix, label=f"{what}{sheet}", color=color, dash=pattern)
    return found


def _flux(history: Arrays) -> Panel:
    return Panel(
        title="Reconnected flux",
        ylabel="flux  [$L\\,v_A$]",
        log=True,
        curves=[
            *_curve(history, "reconnected_flux", label="legacy proxy", color=style.GREY, width=1.1),
            *_per_sheet(history, "sheet_flux", "fixed mode, "),
        ],
    )


def _width(history: Arrays) -> Panel:
    proxy = _curve(
        history, "rutherford_island_width", label="legacy proxy", color=style.GREY, width=1.1
    )
    return Panel(
        title="Island width",
        ylabel="width  $W$  [$L$]",
        from_zero=True,
        curves=[
            *proxy,
            *_per_sheet(history, "island_width", "fixed mode, "),
            *_per_sheet(history, "separatrix_width", "separatrix, ", ":"),
        ],
    )


def _rate(history: Arrays) -> Panel:
    return Panel(
        title="Reconnection rate, legacy proxy",
        ylabel="d(flux)/d$t$  [$v_A^2$]",
        curves=_curve(history, "reconnection_rate_proxy"),
    )


def _energies(history: Arrays) -> Panel:
    return Panel(
        title="Energies",
        ylabel="domain mean  [$v_A^2$]",
        log=True,
        curves=[
            *_curve(history, "total_energy", label="total", color=style.INK),
            *_curve(history, "magnetic_energy", label="magnetic", dash=(0, (5, 3))),
            *_curve(history, "kinetic_energy", label="kinetic", color=style.RED),
        ],
    )


def _drawn(path: Path, panels: Sequence[Panel]) -> bool:
    """Draw the panels that have a curve; False, and no file, where none has."""
    full = [panel for panel in panels if panel.curves]
    if full:
        plots.panels(path, full)
    return bool(full)


def production_histories(path: Path, history: Arrays) -> bool:
    """Flux, width, rate and energies of the whole run on one page."""
    return _drawn(path, [_flux(history), _width(history), _rate(history), _energies(history)])


def current_sheet_aspect_ratio(path: Path, history: Arrays) -> bool:
    """Length over thickness of the stronger current sheet, and both lengths."""
    return _drawn(
        path,
        [
            Panel(
                title="Current sheet: aspect ratio",
                ylabel="length / thickness  [1]",
                from_zero=True,
                curves=_curve(history, "current_sheet_aspect_ratio"),
            ),
            Panel(
                title="Current sheet: full widths at half maximum",
                ylabel="[$L$]",
                log=True,
                curves=[
                    *_curve(history, "current_sheet_length", label="length, along the sheet"),
                    *_curve(history, "current_sheet_thickness", label="thickness", color=style.RED),
                ],
            ),
        ],
    )


def island_width_history(path: Path, history: Arrays) -> bool:
    """All definitions of the island width."""
    return _drawn(path, [_width(history)])


def reconnected_flux_history(
    path: Path,
    history: Arrays,
    window: tuple[float, float] | None = None,
    slope: float | None = None,
    eigenvalue: float | None = None,
) -> bool:
    """Flux on a logarithmic axis, with the linear window that was found and the slopes.

    window: start and end of the detected linear phase; slope: fitted in it; eigenvalue: of the
    eigen-solve, drawn through the flux at the middle of the window.  None leaves each out.
    """
    panel = _flux(history)
    extra = list(panel.curves)
    spans: list[Span] = []
    words: list[str] = []
    if window is None:
        words.append("no linear window found")
    else:
        spans.append(Span(start=window[0], end=window[1], label="linear window"))
        if slope is not None:
            words.append(f"slope {slope:.5g}")
        if eigenvalue is not None and eigenvalue > 0:
            words.append(f"eigenvalue {eigenvalue:.5g} $v_A/L$")
            extra += _reference_slope(history, window, eigenvalue)
    return _drawn(path, [replace(panel, curves=extra, spans=spans, note=", ".join(words))])


def _reference_slope(
    history: Arrays, window: tuple[float, float], eigenvalue: float
) -> list[Curve]:
    """exp(gamma t) through the larger sheet flux at the middle of the window."""
    fluxes = [history[f"sheet_flux{end}"] for end, *_ in SHEETS if f"sheet_flux{end}" in history]
    if not fluxes:
        return []
    larger = max(fluxes, key=lambda flux: float(np.nanmax(flux)))
    middle = (window[0] + window[1]) / 2
    level = np.interp(middle, history["time"], larger)
    if not level > 0:
        return []
    t = np.array(window)
    line = level * np.exp(eigenvalue * (t - middle))
    label = r"$\exp(\gamma t)$, eigenvalue"
    return [Curve(x=t, y=line, label=label, color="black", dash=(0, (2, 1.5)), width=1.8)]


def energy_budget_history(path: Path, history: Arrays, bound: float | None = None) -> bool:
    """Where the energy went, and how well the account closes."""
    levels = [Level(y=bound, label=f"bound {bound:.0e}", color=style.RED)] if bound else []
    account = [
        *_curve(history, "dissipated_energy", label="dissipated", color=style.RED),
        *_curve(history, "injected_energy", label="fed in by the source", color=style.GREEN),
    ]
    if "total_energy" in history:
        change = np.asarray(history["total_energy"]) - history["total_energy"][0]
        account.append(
            Curve(x=history["time"], y=change, label="change of total energy", color=style.INK)
        )
    return _drawn(
        path,
        [
            Panel(title="Energy account", ylabel="domain mean  [$v_A^2$]", curves=account),
            Panel(
                title="Residual of the account",
                ylabel="$R$, relative  [1]",
                log=True,
                levels=levels,
                curves=_curve(
                    history,
                    "dissipation_budget_residual",
                    label="residual" if levels else "",
                ),
            ),
        ],
    )


def all_histories(folder: Path, history: Arrays, **linear: Any) -> list[Path]:
    """The five figures that a plan names, as far as the history has something to show in them.

    linear: as in `reconnected_flux_history`.
    """
    drawn: dict[str, Callable[[Path, Arrays], bool]] = {
        "production_histories.png": production_histories,
        "current_sheet_aspect_ratio.png": current_sheet_aspect_ratio,
        "island_width_history.png": island_width_history,
        "energy_budget_history.png": energy_budget_history,
        "reconnected_flux_history.png": partial(reconnected_flux_history, **linear),
    }
    return [folder / name for name, draw in drawn.items() if draw(folder / name, history)]


FAST = (
    ("reconnected_flux", "Reconnected flux", "legacy proxy  [$L\\,v_A$]", False),
    ("rutherford_island_width", "Island width", "legacy proxy  $W$  [$L$]", False),
    ("reconnection_rate_proxy", "Reconnection rate", "d(flux)/d$t$  [$v_A^2$]", False),
    ("kinetic_energy", "Kinetic energy", "domain mean  [$v_A^2$]", True),
    ("total_energy", "Total energy", "domain mean  [$v_A^2$]", False),
    ("magnetic_divergence_linf", "Divergence of B", "max |div B|  [$v_A/L$]", True),
)


def rutherford_fast_histories(
    path: Path, time: np.ndarray, histories: Arrays, seeds: Sequence[int]
) -> None:
    """The FAST run: one line per seed; histories are (n_seed, n_time)."""
    few = len(seeds) <= len(style.CYCLE)
    drawn: list[Panel] = []
    for name, title, ylabel, log in FAST:
        if name not in histories:
            continue
        lines = [
            Curve(
                x=time,
                y=row,
                color=style.CYCLE[n] if few else style.BLUE,
                width=1.4 if few else 0.8,
                label=f"seed {seed}" if few and len(seeds) > 1 and not drawn else "",
            )
            for n, (seed, row) in enumerate(zip(seeds, histories[name], strict=True))
        ]
        drawn.append(
            Panel(
                title=title,
                ylabel=ylabel,
                log=log,
                curves=lines,
                note="" if few or drawn else f"{len(seeds)} seeds",
                legend_above=few and len(seeds) > 1 and not drawn,
            )
        )
    plots.panels(path, drawn)


def field_picture(
    path: Path,
    state: State,
    grid: Grid,
    *,
    x_points: np.ndarray | None = None,
    o_points: np.ndarray | None = None,
) -> None:
    """Flux contours over the current density, box to scale; strong lines pass through X points.

    x_points, o_points: (n, 3): x, y, psi there.
    """
    fine, psi, j = _finer(state.psi_hat, grid)
    limit = float(np.abs(j).max()) or 1.0
    saddles = np.reshape(np.asarray(x_points if x_points is not None else ()), (-1, 3))
    centres = np.reshape(np.asarray(o_points if o_points is not None else ()), (-1, 3))
    looks = (("X point", "X", "black", saddles), ("O point", "o", style.GREEN, centres))
    x, y = _closed(fine.x, grid.lx), _closed(fine.y, grid.ly)
    plots.field_map(
        path,
        plots.Map(
            x=x,
            y=y,
            colour=j.T,
            lines=_wrapped(psi).T,
            extent=(0.0, grid.lx, 0.0, grid.ly),
            limit=limit,
            title="Current density and magnetic field lines",
            note=f"$t$ = {state.time:.4g} $L/v_A$, {grid.nx} \u00d7 {grid.ny} points",
            colour_label="$j$  [$v_A/L$]",
            levels=24 if float(np.ptp(psi)) > 0 else 0,
            separatrix=_distinct(saddles[:, 2], float(np.ptp(psi))),
            marks=[
                plots.Marks(x=points[:, 0], y=points[:, 1], label=label, marker=marker, color=color)
                for label, marker, color, points in looks
                if len(points)
            ],
        ),
    )


FINE = 360  # points along an axis at least: straight pieces between them cannot be seen


def _finer(psi_hat: np.ndarray, grid: Grid) -> tuple[Grid, np.ndarray, np.ndarray]:
    """psi and j on a finer grid of the same modes, exactly: contours bend where the field does."""
    nx, ny = (n * max(1, -(-FINE // n)) for n in grid.shape)
    fine = Grid(nx, ny, grid.lx, grid.ly)
    coefficients = np.zeros(fine.hat_shape, complex)
    rows, columns = grid.mx_max + 1, grid.my_max + 1
    about_origin = psi_hat * grid.to_origin
    coefficients[:rows, :columns] = about_origin[:rows, :columns]
    coefficients[1 - rows :, :columns] = about_origin[1 - rows :, :columns]
    hat = coefficients / fine.to_origin
    psi, j = (np.fft.irfft2(each, s=fine.shape) for each in (hat, fine.k2 * hat))
    return fine, psi, j


def _closed(centres: np.ndarray, length: float) -> np.ndarray:
    """Cell centres with one periodic neighbour on either side, so that lines reach the edges."""
    return np.concatenate([[centres[-1] - length], centres, [centres[0] + length]])


def _wrapped(field: np.ndarray) -> np.ndarray:
    return np.pad(field, 1, mode="wrap")


def _distinct(levels: np.ndarray, span: float) -> list[float]:
    """Levels that can be told apart in the picture."""
    kept: list[float] = []
    for level in sorted(levels.tolist()):
        if not kept or level - kept[-1] > 1e-3 * span:
            kept.append(level)
    return kept


def write_movies(
    folder: Path,
    frames: Frames,
    grid: Grid,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> list[Path]:
    """Both movies of the whole run and their sidecars; colours fixed over all frames.

    limits: colour range by field ("psi", "j"), so that several runs can share one.
    """
    written = []
    for field, (name, title, label) in MOVIES.items():
        values = getattr(frames, field)
        vmin, vmax = (limits or {}).get(field) or _symmetric(values)
        path = folder / name
        sidecar = movies.write_movie(
            path,
            movies.Movie(
                frames=values.transpose(0, 2, 1),
                times=frames.times,
                steps=frames.steps,
                extent=(0.0, grid.lx, 0.0, grid.ly),
                vmin=vmin,
                vmax=vmax,
                title=title,
                colour_label=label,
                colormap=style.DIVERGING,
                stride=frames.every,
                lines=frames.psi.transpose(0, 2, 1) if np.ptp(frames.psi) > 0 else None,
            ),
        )
        written += [path, sidecar]
    return written


def _symmetric(values: np.ndarray) -> tuple[float, float]:
    """One range about zero that holds every value of every frame."""
    top = float(np.abs(values).max())
    if not np.isfinite(top):
        raise ValueError("frames hold numbers that are not finite")
    return (-top, top) if top > 0 else (-1.0, 1.0)
