"""What a benchmark is: its spec, its base and test sets, their hashes, sampling of rows.

Belongs here: reading and checking a benchmark folder. Does not belong here: contributed
files, models, metrics.
"""
