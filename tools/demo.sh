#!/bin/sh
# The demo: plan, execute and judge one held double Harris campaign at 64 x 64; then a real catchment
# under three hydraulic conductivities, as a testbed.  Every file is verified.
# Safe to run again: a finished step finds nothing to do.
set -eu
cd "$(dirname "$0")/.."
mhx=.venv/bin/mhx
run=${1:-outputs/demo}
catchment=${run}_catchment
case $run in /*) absolute=$catchment ;; *) absolute=$PWD/$catchment ;; esac

# step "..." words ...: shows the command and carries it out; exit 1 is a verdict, no failure.
step() {
    printf '\n== %s\n   $ mhx' "$1"
    shift
    printf ' %s' "$@"
    printf '\n'
    code=0
    "$mhx" "$@" || code=$?
    [ "$code" -le 1 ] || { echo "demo: stopped, exit code $code" >&2; exit "$code"; }
}

step "Plan: how long must it run, with which time step, and is the grid fine enough?" \
    campaign rutherford-plan-production --outdir "$run" \
    --equilibrium periodic_double_harris --width 0.36 --eta 0.0045 --nu 0.0045 \
    --perturbation-amplitude 0.004 --mode-x 2 --mode-y 1 --hold-equilibrium \
    --nx 64 --ny 64 --min-production-resolution 64
step "Execute: the tearing instability of two current sheets, to the planned end" \
    campaign rutherford-execute "$run" --movies
step "Judge: what may this result be called, and what is missing? (exit 1: not production)" \
    campaign rutherford-promotion-check "$run"
step "Verify: does every file still have the digest that was judged?" verify "$run"

step "Catchment: real terrain, a mesh, MODFLOW 6. How high does the water table stand?" \
    run examples/groundwater/jacksboro_base.toml --output-dir "$catchment/reference"
step "Sensitivity: the same under three hydraulic conductivities; do the declared checks hold?" \
    run examples/groundwater/jacksboro.toml --set "testbed.output_root=$absolute/sensitivity"
step "Verify: every child and the evidence across them" verify "$catchment/sensitivity"

cat <<END

The campaign is finished and judged.  Look at
  $run/figures/production_histories.png              energies, flux, island width over time
  $run/figures/fixed_scale_flux_movie.gif            magnetic flux, one colour scale throughout
  $run/figures/fixed_scale_current_density_movie.gif
  $run/promotion/figures/promotion_matrix.png        every gate and its verdict
  $run/runbook.md                                    what was planned, and why that long

The catchment is computed and its sensitivity judged (its flooding gate fails, and is seen to).  Look at
  $catchment/reference/figures/head_map.png          heads of the water table, with contours
  $catchment/reference/figures/watertable_depth.png  how deep it lies, and where it reaches the ground
  $catchment/sensitivity/testbed_report.html         cases, checks and what they say together
  $catchment/sensitivity/testbed_metrics.csv         one row per conductivity
END
