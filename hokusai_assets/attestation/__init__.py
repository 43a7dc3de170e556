"""The attestation: what is stated, how it is signed, how a stranger checks it.

Belongs here: the statement's form, its hashes, keys, signatures, verification. Does not
belong here: measuring.
"""
