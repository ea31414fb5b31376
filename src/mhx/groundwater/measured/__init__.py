"""Measured heads and flows beside the simulated ones: residuals, their statistics, a figure.

config     what `[[observation]]` may say
"""
