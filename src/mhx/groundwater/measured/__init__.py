"""Measured heads and flows beside the simulated ones: residuals, their statistics, a figure.

config      what `[[observation]]` may say
rows        tables and CSV files as rows, their faults by file and line
planning    what can be refused before a run
simulated   the simulated value beside each measured one
statistics  residuals, bias, RMSE, R2, the worst value; gates and notes
telling     what a run says of it: metrics, results/observations.csv, figure
figures     observed against simulated
vocabulary  `observation_metrics.*`
"""
