"""Evidence from other runs: convergence, seeds, sweeps, one long run; each a testbed, then judged.

flags       what the commands `mhx benchmark ...` may be asked for, and every fault of it
study       one study: base configuration, cases, bounds; what is written before anything runs
testbeds    a study as a testbed file, which the command line hands to the testbed
cases       the finished cases, read from their files and held against their own configuration
judging     convergence, seeds, sweeps, long run: numbers from cases, gates over them
bundle      what is written afterwards: diagnostics, verdicts, arrays, picture, manifests
rejudging   a bundle judged again from its data, for a promotion

A bundle states nothing that cannot be computed from its cases again.
"""
