"""The evidence files of a testbed, row by row.

columns, rows, tables     what stands in the CSV files
manifest                  all of it in one object
keeping                   brought up to date while cases finish, at bounded cost
exits, answers            the exit code, and what the terminal is told
repeating                 the words that repeat a command
"""
