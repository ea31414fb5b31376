"""How command lines are carried out.

lock    one process writes into a run directory, and whoever comes second learns who it is
"""
