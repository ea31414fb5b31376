"""`[solver]`: the programs that solve a model, and how each is told to.

`engine` at the root of a configuration names the one that is used; keys of others are left alone.
"""

from typing import Literal

from pydantic import Field

from mhx.config import InputPath, Table

Engine = Literal["mf6", "mfnwt", "fem_p1", "fem_p2", "mt3dusgs", "analytic"]


class Mf6(Table):
    """`[solver.mf6]`: the executable and how it solves."""

    exe: InputPath | None = Field(default=None, description="executable; else it is looked for")
    time_unit: Literal["days", "seconds"] = Field(
        default="days", description="MODFLOW's own; seconds lose digits to the solver"
    )
    complexity: Literal["simple", "moderate", "complex"] = Field(
        default="moderate", description="preset of the solver"
    )
    outer_dvclose: float = Field(default=1e-6, gt=0, description="head change, outer steps [m]")
    inner_dvclose: float = Field(default=1e-7, gt=0, description="head change, inner steps [m]")
    outer_maximum: int = Field(default=500, ge=1, le=10**6, description="outer iterations [1]")
    inner_maximum: int = Field(default=300, ge=1, le=10**6, description="inner iterations [1]")
    rclose: float | None = Field(
        default=None, gt=0, description="flow residual, else the preset's [m3 per time_unit]"
    )
    rclose_option: Literal["strict", "l2norm_rclose", "relative_rclose"] = Field(
        default="strict", description="how the residual is measured"
    )
    linear_acceleration: Literal["auto", "cg", "bicgstab"] = Field(
        default="auto", description="auto: cg without Newton and XT3D, else bicgstab"
    )
    relaxation_factor: float | None = Field(
        default=None, ge=0, le=1, description="of the preconditioner; else the preset [1]"
    )
    save_flow_ja: bool = Field(default=False, description="keep the flows between cells")
    write_grb: bool = Field(default=False, description="keep the binary grid file")
    save: Literal["all", "last"] = Field(default="all", description="steps that are saved")
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of the solver [s]")


class Nwt(Table):
    """`[solver.mfnwt]`: MODFLOW-NWT."""

    exe: InputPath | None = Field(default=None, description="executable; else it is looked for")
    head_tolerance: float = Field(default=1e-8, gt=0, description="head change, outer steps [m]")
    flux_tolerance: float = Field(default=1e-6, gt=0, description="flow residual [m3/d]")
    outer_maximum: int = Field(default=500, ge=1, le=10**6, description="outer iterations [1]")
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of the solver [s]")


class Mt3d(Table):
    """`[solver.mt3dusgs]`: MT3D-USGS, in single precision."""

    exe: InputPath | None = Field(default=None, description="executable; else it is looked for")
    closure: float = Field(default=1e-6, gt=0, description="relative, of the GCG solver [1]")
    advection: Literal["finite_difference", "tvd", "moc"] = Field(
        default="finite_difference", description="transport.scheme with it; tvd: third order"
    )
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of the solver [s]")


class Analytic(Table):
    """`[solver.analytic]`: the exact solution that is evaluated for `engine = "analytic"`."""

    solution: str | None = Field(
        default=None,
        min_length=1,
        description="linear, dupuit, toth or theis; with transport ogata_banks, flux_column, "
        "strip_source or decay",
    )
    anchor: Literal["edges", "cell_centres"] = Field(
        default="edges",
        description="where a side holds heads and concentrations; cell_centres: of the outer cells "
        "of a regular grid, as MODFLOW does",
    )


class Solver(Table):
    """`[solver]`."""

    mf6: Mf6 = Field(default=Mf6(), description="MODFLOW 6")
    mfnwt: Nwt = Field(default=Nwt(), description="MODFLOW-NWT")
    mt3dusgs: Mt3d = Field(default=Mt3d(), description="MT3D-USGS, over MODFLOW-NWT")
    analytic: Analytic = Field(default=Analytic(), description="exact solutions")
