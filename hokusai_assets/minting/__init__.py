"""Mint requests: what an attestation entitles to, in the form that a contract checks.

Belongs here: which figures a request holds, EIP-712 hashing and signing, attesters' keys, the
request's file. Does not belong here: deciding what is payable (`evaluation`), attestations.
"""
