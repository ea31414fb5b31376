"""Mode -> runner: from a TOML file to a finished, verifiable run folder.

registry         the one table of what can run; domains are reached by name, when a run starts
runners          the same in words, with what was left out and why
layers, origins  a file, what it inherits, overlays, `--set`: and which of them wrote a value
merge            one table laid over another
load             a file, checked against the table of its mode
run, stored      what `mhx run` does: lock, runner, summary, manifest; how it writes paths
inputs           the files that a configuration names, by digest
command          the runner of any executable; `command_table` its configuration, `placeholders`
                 values in the place of their names
reopen           a finished run from Python, verified
schema           JSON Schema of configurations and of evidence files; `document_schemas` in full
"""
