"""Mode -> runner: from a TOML file to a finished, verifiable run folder.

registry    the one table of what can run; physics is reached by name, when a run starts
load        a file, checked against the table of its mode
run         what `mhx run` does: lock, runner, summary, manifest
schema      JSON Schema of configurations and of evidence files
"""
