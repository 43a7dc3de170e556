"""Benchmarks: how fast and how large the parts are, beside what else could do their work.

Each `bench_*.py` has `run(scale: float = 1.0) -> list[dict]`; a dict is one row of the table:
"what" and "figure" (a number) in "unit", and of a peer, where there is one, "peer" (its name),
"peer_figure" (same unit) and "ratio" (ours to the peer's), else None. `scale` shrinks the work.
"""
