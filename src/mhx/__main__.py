"""`python -m mhx`, the same as `mhx`."""

from mhx.cli import entry

entry()
