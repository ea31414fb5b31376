#!/usr/bin/env python3
"""The figures of docs/explanation/small-islands.md, drawn from finished runs of the examples.

    mhx run examples/reconnection/small_island.toml
    mhx run examples/reconnection/small_island_thin_layer.toml
    python tools/small_islands.py outputs/examples/small_island{,_thin_layer}

Prints the numbers that the page quotes.  Lengths in L, times in L/v_A.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mhx.reconnection import phases
from mhx.report import style
from mhx.report.plots import Curve, Level, Panel, panels

FIGURES = Path(__file__).parents[1] / "docs" / "explanation" / "figures" / "small-islands"
COLOURS = (style.BLUE, style.RED, style.GREEN)


class Island(NamedTuple):
    """A finished run: its history, and what theory needs of its sheet."""

    name: str
    history: dict[str, np.ndarray]
    a: float
    eta: float
    jump: float
    curvature: float

    @property
    def settled(self) -> float:
        """W at which the theory stops [L]."""
        return self.jump / (phases.CURVATURE * self.curvature)

    @property
    def widening(self) -> tuple[np.ndarray, np.ndarray]:
        """W of the separatrix and dW/dt."""
        width = self.history["separatrix_width_0"]
        return width, np.gradient(width, self.history["time"])

    @property
    def fastest(self) -> float:
        """1.22 eta Delta', without curvature [v_A]."""
        return self.eta * self.jump / (2 * phases.CURVATURE)

    @property
    def relaxing(self) -> float:
        """Rate at which W approaches its last value, eta (-j''/2j) [v_A/L]."""
        return self.eta * self.curvature / 2


def read(folder: Path) -> Island:
    """A run folder of `mhx run`."""
    facts: dict[str, Any] = json.loads((folder / "diagnostics.json").read_text())
    growth = facts["growth_rate"]
    with np.load(folder / "history.npz") as stored:
        history = {name: stored[name] for name in stored.files}
    return Island(
        name=f"$\\eta$ = {facts['resistivity']:g}",
        history=history,
        a=facts["equilibrium_parameters"]["width"],
        eta=facts["resistivity"],
        jump=growth["delta_prime_even"],
        curvature=growth["current_curvature"],
    )


def pictures(islands: list[Island]) -> list[Panel]:
    """Width against time, rate against width, the last approach."""
    first = islands[0]
    time, a = first.history["time"], first.a
    scaled = np.linspace(0, first.settled, 2)
    return [
        Panel(
            title="(a) Width of the island",
            ylabel="$W/a$",
            from_zero=True,
            legend="lower right",
            curves=[
                Curve(x=time, y=first.history["separatrix_width_0"] / a, label="separatrix"),
                Curve(
                    x=time,
                    y=first.history["island_width_0"] / a,
                    label="$4\\,(\\psi_1/B')^{1/2}$",
                    color=style.RED,
                    dash=(0, (1, 1.5)),
                ),
            ],
            levels=[Level(y=first.settled / a, label="$1.22\\,\\Delta' a^2$")],
        ),
        Panel(
            title="(b) Rate of widening",
            xlabel="$W/a$",
            ylabel="d$W$/d$t$ over $1.22\\,\\eta\\Delta'$",
            from_zero=True,
            legend="upper right",
            curves=[
                *(
                    Curve(x=width / a, y=rate / each.fastest, label=each.name, color=colour)
                    for each, colour in zip(islands, COLOURS, strict=False)
                    for width, rate in [each.widening]
                ),
                Curve(
                    x=scaled / a,
                    y=1 - scaled / first.settled,
                    label="small islands",
                    color=style.INK,
                    dash=(0, (4, 2)),
                ),
            ],
        ),
        Panel(
            title="(c) Last approach",
            xlabel="$\\eta\\,t/a^2$",
            ylabel="d$W$/d$t$ over $1.22\\,\\eta\\Delta'$",
            log=True,
            ylim=(1e-5, 1),
            legend="upper right",
            curves=[
                *(
                    Curve(
                        x=each.history["time"] * each.relaxing,
                        y=np.where(rate > 0, rate, np.nan) / each.fastest,
                        label=each.name,
                        color=colour,
                    )
                    for each, colour in zip(islands, COLOURS, strict=False)
                    for _, rate in [each.widening]
                ),
                Curve(
                    x=[1, 8],
                    y=[1, float(np.exp(-7))],
                    label="slope of the theory",
                    color=style.INK,
                    dash=(0, (4, 2)),
                ),
            ],
        ),
    ]


def told(island: Island) -> str:
    """The numbers of one run."""
    width, rate = island.widening
    theory = island.fastest * (1 - width / island.settled)
    rising = slice(0, int(np.argmax(width)))
    at = {
        w: float(np.interp(w, (width / island.a)[rising], (rate / theory)[rising]))
        for w in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    }
    end = (width > 0.88 * island.settled) & (width < 0.97 * island.settled)
    decay = -np.polyfit(island.history["time"][end], np.log(rate[end]), 1)[0]
    return (
        f"{island.name}: Delta' a = {island.jump * island.a:.4f}, "
        f"theory W = {island.settled / island.a:.4f} a, "
        f"separatrix {width[-1] / island.a:.4f} a, "
        f"from the flux {island.history['island_width_0'][-1] / island.a:.4f} a; "
        "dW/dt over theory at W/a: "
        + ", ".join(f"{w:g}: {ratio:.3f}" for w, ratio in at.items())
        + f"; decay over eta/a^2 {decay / island.relaxing:.3f}"
    )


def main(folders: list[str]) -> int:
    """Draw the page's figure; 2 without a run."""
    if not folders:
        print(__doc__, file=sys.stderr)
        return 2
    islands = [read(Path(folder)) for folder in folders]
    FIGURES.mkdir(parents=True, exist_ok=True)
    panels(FIGURES / "small_island.png", pictures(islands), columns=3)
    for island in islands:
        print(told(island))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
