"""Reading data files into Arrow tables, and typing their cells exactly.

Belongs here: file formats, column types, coercion, and the problems they find. Does not
belong here: what a benchmark or a contribution demands of the rows.
"""
