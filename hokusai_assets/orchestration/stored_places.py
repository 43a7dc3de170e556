"""Where the value of an asset is stored, and how a missing one is made."""

from pathlib import Path


def location_of(storage: Path, benchmark_id: str, asset: str, partition: str | None) -> Path:
    """Return the folder of an asset's value: ``<benchmark>/<asset>[/<partition>]``."""
    folder = storage / benchmark_id / asset
    return folder / partition if partition else folder


def remedy(benchmark_id: str, asset: str, partition: str | None) -> str:
    """Say how a missing value is made."""
    if partition:
        return f"run `hokusai backfill --benchmark {benchmark_id} {partition}`"
    return f"materialize {benchmark_id}/{asset}, or run any contribution of the benchmark"
