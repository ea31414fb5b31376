"""The flags that the commands of `mhx benchmark` share: problem, grid, sampling, floors, output.

Lengths in L, speeds in v_A, times in L/v_A, eta = 1/S, nu = 1/Re, all in L v_A.
"""

from pathlib import Path
from typing import Annotated

import typer

from mhx.cli.flags import GRID, JUDGEMENT, OUTPUT, SHEET, flag

CASES, TIME = "The cases", "Time and sampling"

Outdir = Annotated[
    Path | None, flag("Folder to write [default: outputs/benchmarks/<study>]", panel=OUTPUT)
]
Jobs = Annotated[
    str | None, flag("Cases at a time, or auto: as many as CPUs [default: auto]", panel=OUTPUT)
]
Share = Annotated[
    list[Path] | None,
    flag(
        "A study whose equal cases need not be computed again; may be repeated [default: none]",
        panel=OUTPUT,
    ),
]
FromPlan = Annotated[
    Path | None,
    flag(
        "A planned run: take every parameter from its plan; flags may not contradict it "
        "[default: none]",
        metavar="RUN_DIR",
        panel=SHEET,
    ),
]
Equilibrium = Annotated[
    str | None,
    flag("periodic_double_harris or cosine_tearing [default: periodic_double_harris]", panel=SHEET),
]
Width = Annotated[
    float | None, flag("Half-width a of a double Harris sheet, L [default: 0.4]", panel=SHEET)
]
Amplitude = Annotated[float | None, flag("Field far from a sheet, v_A [default: 1]", panel=SHEET)]
Eta = Annotated[float | None, flag("Resistivity 1/S, L v_A [default: 0.005]", panel=SHEET)]
Nu = Annotated[float | None, flag("Viscosity 1/Re, L v_A [default: 0.005]", panel=SHEET)]
Hold = Annotated[
    bool | None,
    flag(
        "Keep the sheet up against resistivity [default: hold double Harris, let cosine decay]",
        "--hold-equilibrium/--decaying-equilibrium",
        panel=SHEET,
    ),
]
Eps = Annotated[float | None, flag("Coherent seed eps in psi, L v_A [default: 0.001]", panel=SHEET)]
ModeX = Annotated[int | None, flag("Waves of the seed along x [default: 2; cosine 1]", panel=SHEET)]
ModeY = Annotated[int | None, flag("Waves of the seed along y [default: 1]", panel=SHEET)]
Seed = Annotated[int | None, flag("Seed of the noise [default: 0]", panel=SHEET)]
Noise = Annotated[float | None, flag("RMS of the noise in psi, L v_A [default: 1e-6]", panel=SHEET)]
Lx = Annotated[float | None, flag("Box along x, L [default: 2 pi]", panel=SHEET)]
Ly = Annotated[float | None, flag("Box along y, L [default: 2 pi]", panel=SHEET)]
Nx = Annotated[int | None, flag("Points along x [default: 64]", panel=GRID)]
Ny = Annotated[int | None, flag("Points along y [default: 64]", panel=GRID)]
Dt = Annotated[
    str | None,
    flag(
        "Time step, L/v_A, or auto: half the stability limit of the case that bears least "
        "[default: auto]",
        panel=GRID,
    ),
]
SaveEvery = Annotated[
    str | None,
    flag("Steps between samples, instead of --save-interval [default: auto]", panel=TIME),
]
SaveInterval = Annotated[
    float | None,
    flag(
        "Time between samples, L/v_A; rounded to whole steps [default: 1; long run: 400 samples]",
        panel=TIME,
    ),
]
FitStart = Annotated[
    float | None, flag("Start of the early fit window, L/v_A [default: 0]", panel=TIME)
]
FitStop = Annotated[float | None, flag("Its end, L/v_A [default: 4; long run: 10]", panel=TIME)]
MinEarly = Annotated[
    float | None,
    flag(
        "Slope in the early fit window, at least, v_A/L [default: 0.001; long run: 0.05]",
        panel=JUDGEMENT,
    ),
]
MinGrowth = Annotated[
    float | None,
    flag("Growth of the perturbation, at least [default: 1.05; long run: 2]", panel=JUDGEMENT),
]
MinFlux = Annotated[
    float | None, flag("Sheet flux, max/initial, at least [default: 1.05]", panel=JUDGEMENT)
]
MinIsland = Annotated[
    float | None, flag("Island width, max/initial, at least [default: 1.05]", panel=JUDGEMENT)
]


def spread(what: str) -> typer.models.OptionInfo:
    """The flag of a bound on how far a quantity varies along a ladder."""
    return flag(f"{what} along a ladder, (max - min)/|mean| [default: 0.02]", panel=JUDGEMENT)
