"""The child of a case: an ordinary configuration, written, read back, digested.

isolation     what it changed against the base, and whether it was meant to
ordering      its tables in the order of the model
blocks        its text, of which children share most
children      its file
digests       what it is, by content; watching: what of it a digest read
"""
