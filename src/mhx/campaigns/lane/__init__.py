"""The lane: a list of commands from a plan to a claim, written down first, then carried out.

commands   one command: its words, its time limit, what it leaves behind, what it needs
gates      what a list of commands must show before it runs
document   `production_campaign_manifest.json`, built, kept and read back
script     `run_commands.sh`, the same list under the same rules, for schedulers
outputs    whether what a command left is there and as it was left
process    one command in a session of its own, ended with all that it started
progress   where the lane is, and how long it still takes
drive      command after command, what passed is skipped, what stops it is said

No physics and no parameters: which commands there are is decided in `rutherford/lane/`.
"""
