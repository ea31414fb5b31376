"""Groundwater: meshes, MODFLOW 6 flow, and what a run of them may be believed for."""
