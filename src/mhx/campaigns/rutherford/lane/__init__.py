"""The eleven commands of a nonlinear reconnection campaign, from its plan to its claim.

flags      what may be asked for, every default, every fault
design     growth rate, duration, one time step and one cadence for all stages
commands   the list, in order
document   what the manifest says of the campaign
estimate   what it will cost on this machine, measured before it starts
conduct    the command `production-lane`: dry run, or carry it out

How a list of commands is written down and driven is the business of `mhx.campaigns.lane`.
"""
