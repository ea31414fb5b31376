"""The user's own MODFLOW 6 model: read, copied by links, patched, run, and reported on.

config                     what `[model]` may say
blocks, arrays, lists      the form of MODFLOW's files; columns: the names in their rows
files, reading             which files a simulation reaches, and what it consists of
patching, options, output  what a case changes: numbers, settings, what is saved
targets, render            one file that changes, and its text afterwards
copying, planning          the copy of a run, and what can be said of it before
run, preflight             a run, and the one before the first case of a testbed
results and its parts      what a run left (grids, quantities, values, faces, several, solute),
                           told as metrics, gates and pictures; measuring: against measured data
starting                   a first testbed over a model
"""
