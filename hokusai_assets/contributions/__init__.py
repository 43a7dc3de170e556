"""What arrives: the contributed file, who sent it, and whether its rows are let in.

Belongs here: identity, manifest, intake rules, overlap with known rows. Does not belong here:
training, and anything that decides what a contribution is worth.
"""
