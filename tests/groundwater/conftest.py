"""What the tests of groundwater share; `mf6` and `gmsh` stand in tests/conftest.py, for all."""
