"""Numbers behind checks and analysis.

selection     the cases that a check is about, in groups of equal other coordinates
ladders       refinement axes
effects       elasticities, tornados, effects of grids
"""
