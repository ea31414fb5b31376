"""Every exact solution by name, and how its case is read from a configuration."""

from collections.abc import Callable, Mapping

from mhx.groundwater.analytic import flow_cases, solute_cases
from mhx.groundwater.analytic.cases import Case
from mhx.groundwater.analytic.reading import Reading

FLOW: Mapping[str, Callable[[Reading], Case]] = {
    "linear": flow_cases.linear,
    "dupuit": flow_cases.dupuit,
    "toth": flow_cases.toth,
    "theis": flow_cases.theis,
}
"""Solutions of flow, by name."""
TRANSPORT: Mapping[str, Callable[[Reading], Case]] = {
    "ogata_banks": solute_cases.ogata_banks,
    "flux_column": solute_cases.flux_column,
    "strip_source": solute_cases.strip_source,
    "decay": solute_cases.decay,
}
"""Solutions of transport, by name."""
