"""The words of `transport_metrics.*`: name, unit, kind, meaning.

c0 is the largest concentration that enters, is held, or was there at the start; where mass is only
added, the largest of the run.  Words with `<id>` (of an observation) and `<zone>` stand for all of
that form.  Without a prefix here; `groundwater/vocabulary.py` holds all words.
"""

PARAMETERS = {
    "porosity": ("1", "mobile porosity"),
    "alpha_l": ("m", "longitudinal dispersivity"),
    "alpha_th": ("m", "transverse horizontal dispersivity"),
    "alpha_tv": ("m", "transverse vertical dispersivity"),
    "diffusion": ("m2/s", "effective molecular diffusion"),
    "decay": ("1/s", "rate of decay; of order 0 in kg/m3/s"),
    "kd": ("m3/kg", "linear distribution coefficient"),
    "bulk_density": ("kg/m3", "dry mass of ground per volume"),
}

ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("duration_s", "s", "duration", "wall clock of the solver process"),
    ("n_timesteps", "1", "count", "time steps of transport"),
    ("courant_max", "1", "extremum", "largest dt x outflow / pore volume of a cell"),
    ("courant_mean", "1", "mean", "mean of these over cells and saved steps"),
    ("peclet_max", "1", "extremum", "largest |v| d / D of a connection; none where D is 0"),
    ("peclet_mean", "1", "mean", "mean of these over connections, weighted by the flow"),
    ("physical_dispersion_m2_d", "m2/d", "mean", "alpha_l |v| + D*, weighted by the flow"),
    (
        *("numerical_dispersion_time_m2_d", "m2/d", "mean"),
        "v^2 dt / (2 R) of implicit Euler, R the retardation, weighted by the flow",
    ),
    (
        *("numerical_dispersion_space_m2_d", "m2/d", "mean"),
        "that of upstream weighting, v d / 2 along the flow; 0 with central and tvd",
    ),
    (
        *("transverse_numerical_ratio", "1", "mean"),
        "numerical over physical dispersivity across the flow; polygons: (h/4)/alpha_th, at most",
    ),
    ("c_min", "kg/m3", "extremum", "smallest concentration of all saved steps"),
    ("c_max", "kg/m3", "extremum", "largest concentration of all saved steps"),
    ("overshoot", "1", "extremum", "c_max above c0, over c0; none where mass is only added"),
    ("undershoot", "1", "extremum", "c_min below 0, over c0"),
    ("negative_mass_fraction", "1", "extremum", "mass below 0 over all, signs off, worst step"),
    ("mass_in_kg", "kg", "integral", "through boundaries and sources, whole time"),
    ("mass_out_kg", "kg", "integral", "through boundaries and sources, whole time"),
    ("mass_decayed_kg", "kg", "integral", "decayed in water and on the ground, whole time"),
    ("mass_stored_kg", "kg", "integral", "porosity x saturated volume x c, last step"),
    ("mass_sorbed_kg", "kg", "integral", "on the ground, last step"),
    (
        *("closure_relative", "1", "extremum"),
        "abs(in - out - decayed - change of stored and sorbed mass) over the larger of mass in "
        "and stored; transient flow: the change by the budget",
    ),
    (
        *("budget_closure_relative", "1", "extremum"),
        "abs(in - out)/max(in, out) of all terms of the budget, worst saved step",
    ),
    ("max_abs_step_percent_discrepancy", "percent", "extremum", "solute rates of every step"),
    ("max_abs_cumulative_percent_discrepancy", "percent", "extremum", "masses up to every step"),
    ("converged", "1", "count", "1 when every step of transport converged, else 0"),
    ("steps_not_converged", "1", "count", "time steps that did not converge"),
    ("peak_c", "kg/m3", "extremum", "largest concentration after the start, saved steps"),
    ("peak_time_d", "d", "point", "when it was first there"),
    (
        *("front_position_m", "m", "point"),
        "farthest crossing of 0.5 c0 along the flow, from the upstream end of the mesh, or "
        "along transport.front_line; last step, none before it forms and after it has left",
    ),
    ("front_width_m", "m", "point", "from 0.84 to 0.16 c0 along the same way, last step"),
    ("centre_x_m", "m", "mean", "centre of the mass, last step"),
    ("centre_y_m", "m", "mean", "centre of the mass, last step"),
    ("spread_longitudinal_m", "m", "mean", "root of the second central moment along the flow"),
    ("spread_transverse_m", "m", "mean", "root of the second central moment across the flow"),
    ("plume_area_m2", "m2", "integral", "area with c > 0.01 c0 in a layer, last step"),
    *(
        (f"obs_<id>_arrival{share}_d", "d", "point", f"when c first reaches 0.{share // 10} c0")
        for share in (10, 50, 90)
    ),
    ("obs_<id>_peak", "kg/m3", "extremum", "largest concentration there"),
    ("obs_<id>_peak_time_d", "d", "point", "when it was first there"),
    ("obs_<id>_final", "kg/m3", "point", "concentration there at the end"),
    *(
        (f"param_{name}{zone}", unit, "point", f"{meaning}{where}")
        for name, (unit, meaning) in PARAMETERS.items()
        for zone, where in (("", ""), ("_<zone>", " in a zone"))
    ),
    *(
        (f"scheme_{name}", "1", "count", f"1 with advection = '{name}', else 0")
        for name in ("upstream", "central", "tvd")
    ),
)
