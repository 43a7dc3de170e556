"""Finds personal data in contributed tables and replaces it by keyed tokens.

Belongs here: the key, the token format, what counts as personal data, the replacement and the
check after it. Does not belong here: reading files, the benchmark spec (its column policies are
handed in as a mapping), and the verdict on a contribution. This is pseudonymisation, not
anonymisation: whoever holds the key can test a guess against a token.
"""
