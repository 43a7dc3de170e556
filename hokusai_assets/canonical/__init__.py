"""The one byte form of everything that is hashed: JSON, table rows, Merkle trees.

Belongs here: rules that turn a value into bytes or a digest. Does not belong here: what
those values mean, and anything that reads a file, a clock or the environment.
"""
