"""Exact solutions of flow and transport, for the cases that have one.

cases        the cases that are solved, as numbers
reading      numbers of a configuration, and what makes it another problem
flow_cases, solute_cases   the case of each solution, read and checked
solutions    all of them by name
limits       what is not the case of a solution, told when it is planned; without numpy
heads        formulas of flow
solutes      formulas of transport
evaluating   a solution of a configuration at points and times
engine       the engine `analytic`: solutions in the results of a run
"""
