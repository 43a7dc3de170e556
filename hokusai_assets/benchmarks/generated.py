"""A small generated benchmark with a contribution, for rehearsals: made-up rows, seeded."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from hokusai_assets.benchmarks.sampling import seed_sequence

GENERATED_ID = "generated"
_ROWS = {"base": 200, "test": 1000, "contribution": 400}
_SPEC = """\
version: 1
id: generated
title: Generated rehearsal
description: Made-up orders; is the order late?
task: binary
target: late
labels: ["no", "yes"]
positive_label: "yes"
data: {train: base.parquet, test: test.parquet}
columns:
  distance_km: {type: number}
  parcels: {type: integer, nullable: false}
  region: {type: category}
  note: {type: text}
model:
  estimator: logistic_regression
  params: {C: 1.0}
metrics: {primary: auroc, secondary: [accuracy, precision, recall, f1]}
seed: 1
"""
_WORDS = ("call", "gate", "door", "code", "ring", "leave", "with", "shop", "porch", "after", "six")
_LATE_WORDS = ("snow", "strike", "detour", "closed")


def write_generated_benchmark(root: Path, seed: int) -> tuple[Path, Path]:
    """Write a benchmark folder and a contribution file under a root.

    The contribution's notes hold made-up e-mail addresses and phone numbers (example.com, and
    the 555-01xx numbers reserved for fiction), so that hashing has work to do.

    Args:
        root: a folder; ``benchmarks/generated/`` and ``contribution.csv`` are written to it.
        seed: the same seed gives the same bytes.

    Returns:
        The benchmark's folder and the contribution's file.
    """
    folder = root / "benchmarks" / GENERATED_ID
    folder.mkdir(parents=True)
    (folder / "benchmark.yaml").write_text(_SPEC)
    for name in ("base", "test"):
        pq.write_table(_rows(name, seed), folder / f"{name}.parquet")
    contribution = root / "contribution.csv"
    pa_csv.write_csv(_rows("contribution", seed), contribution)
    return folder, contribution


def _rows(name: str, seed: int) -> pa.Table:
    count = _ROWS[name]
    generator = np.random.default_rng(seed_sequence(seed, f"generated-{name}"))
    distance = generator.gamma(2.0, 15.0, count).round(1)
    parcels = generator.integers(1, 9, count)
    region = generator.choice(["north", "south", "east", "west"], count)
    weight = (distance - 30) / 12 + (parcels - 4) / 3 + np.where(region == "north", 1.5, 0.0)
    late = generator.random(count) < 1 / (1 + np.exp(-weight))
    notes = []
    for position in range(count):
        words = list(generator.choice(_WORDS, 5))
        if late[position] and generator.random() < 0.5:
            words.append(str(generator.choice(_LATE_WORDS)))
        if name == "contribution" and position % 10 == 0:
            words.append(f"mail customer{position}@example.com")
        if name == "contribution" and position % 10 == 5:
            words.append(f"call 202-555-01{position % 100:02d}")
        notes.append(" ".join(words))
    missing = generator.random(count) < 0.05
    return pa.table(
        {
            "distance_km": pa.array(distance, pa.float64(), mask=missing),
            "parcels": pa.array(parcels, pa.int64()),
            "region": pa.array(region.tolist()),
            "note": pa.array(notes),
            "late": pa.array(np.where(late, "yes", "no").tolist()),
        }
    )
