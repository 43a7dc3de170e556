"""Which contributed rows are copies of test rows, or nearly so, and how many honest ones would be.

Belongs here: making rows comparable, the senses in which a row is a copy, the verdict on a file.
Does not belong here: what earlier contributions hold, and what happens to the rows.
"""
