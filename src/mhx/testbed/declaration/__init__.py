"""What a testbed file says, and every fault of it at once.

declared     the file -> its table, with older spellings and all faults
rules        what holds between tables
questions    what a metric or check may ask of a runner's vocabulary
arrays       arrays of tables, by index and id
faults       the words of a fault, with file and line
"""
