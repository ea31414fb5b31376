"""Solute transport: GWT of MODFLOW 6 over the flow of the same run, and what came of it.

config     what `[transport]` may say
"""
