"""Pages for people who were sent them: one contribution's report, one benchmark's.

Belongs here: what such a page says, in whose words, and its HTML. A page is made from an
attestation, an intake report, a leaderboard and shown predictions, and tells no more than they do.
Does not belong here: figures (`plots`), reading what is stored (`orchestration`), writing files
(`cli`).
"""
