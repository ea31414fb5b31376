"""The user's own MODFLOW 6 model: read, copied by links, patched, run, and reported on.

config     what `[model]` may say
"""
