"""Verifying the attestation of a benchmark with a million test rows, as a stranger does.

An attestation is made by `hokusai evaluate` on made-up numbers; then `hokusai verify` runs in a
process of its own: the statement alone, with the per-row predictions (every metric and both
commitments computed again), with the benchmark's files, and with one opened row. The peer of the
predictions is a bare loop that hashes the same leaves into the same Merkle root with hashlib.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perf.fresh_process import in_fresh_process

ROWS = 1_000_000
_SPEC = """\
version: 1
id: numbers
task: binary
target: label
labels: ["no", "yes"]
positive_label: "yes"
data: {train: base.parquet, test: test.parquet}
columns:
  a: {type: number, pii: not_pii}
  b: {type: number, pii: not_pii}
metrics: {primary: auroc, secondary: [accuracy, precision, recall, f1]}
model: {estimator: logistic_regression}
intake: {labels: {noise: "off"}}
seed: 1
"""


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure processor time and peak memory of each way to verify."""
    rows = max(2_000, int(ROWS * scale))
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        issued = _issued(Path(folder), rows)
        key, predictions = issued["key"], issued["predictions"]
        proof = str(Path(folder) / "row.json")
        made = in_fresh_process(
            f"{__name__}:hokusai",
            [
                "prove-row",
                issued["attestation"],
                "--predictions",
                predictions,
                "--index",
                "7",
                "-o",
                proof,
            ],
        )
        verify = ["verify", issued["attestation"], "--public-key", key]
        ways = {
            "statement alone": verify,
            "and both models' predictions": [*verify, "--predictions", predictions],
            "and the benchmark's files": [*verify, "--data", issued["data"]],
            "and one opened row": [*verify, "--row-proof", proof],
        }
        found = []
        hashed = in_fresh_process(f"{__name__}:bare", predictions)
        for name, arguments in ways.items():
            taken = in_fresh_process(f"{__name__}:hokusai", arguments)
            what = f"verify an attestation on {rows:,} test rows: {name}"
            peer = ("hashlib over the same leaves", hashed) if "predictions" in name else None
            found.append(_row(what, taken.cpu_seconds, "CPU-s", peer and peer[1].cpu_seconds))
            found.append(_row(f"{what}, peak", taken.peak_bytes / 2**20, "MiB"))
        found.append(_row(f"open one of {rows:,} rows", made.cpu_seconds, "CPU-s"))
    return found


def _row(what: str, figure: float, unit: str, peer: float | None = None) -> dict[str, Any]:
    return {
        "what": what,
        "figure": figure,
        "unit": unit,
        "peer": None if peer is None else "hashlib over the same leaves",
        "peer_figure": peer,
        "ratio": None if peer is None else figure / peer,
    }


def _issued(folder: Path, rows: int) -> dict[str, str]:
    """Evaluate a made-up contribution; return where its attestation and the rest are."""
    data, home = folder / "data", folder / "home"
    place = data / "benchmarks" / "numbers"
    place.mkdir(parents=True)
    (place / "benchmark.yaml").write_text(_SPEC)
    for seed, (name, count) in enumerate((("base", 500), ("test", rows), ("sent", 2_000))):
        pq.write_table(_made(count, seed), place / f"{name}.parquet")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hokusai_assets.cli.main",
            "evaluate",
            str(place / "sent.parquet"),
            "-b",
            "numbers",
            "--json",
        ],
        env=os.environ | {"HOKUSAI_HOME": str(home), "HOKUSAI_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    attestation = Path(document["attestation"])
    (key,) = attestation.parent.glob("public_key.*.pem")
    return {
        "attestation": str(attestation),
        "predictions": document["predictions"][0],
        "key": str(key),
        "data": str(data),
    }


def _made(rows: int, seed: int) -> pa.Table:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(2, rows))
    label = a + 0.5 * b + generator.normal(size=rows) > 0.5
    names = pa.array(["no", "yes"]).take(pa.array(label.astype(np.int64)))
    return pa.table({"a": a, "b": b, "label": names})


def hokusai(arguments: list[str]) -> None:
    """Run the command line in this process; raises unless it exits 0."""
    from hokusai_assets.cli.main import main

    os.environ["HOKUSAI_HOME"] = "/nonexistent"
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            sys.stdout = nowhere
            main(arguments, standalone_mode=True)
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"exit code {ended.code}: {arguments[0]}") from None
    finally:
        sys.stdout = sys.__stdout__


def bare(predictions: str) -> list[str]:
    """Hash the leaves of both models into their Merkle roots, with a loop and hashlib alone."""
    table = pq.read_table(predictions)
    digests, actual = (table.column(name).to_pylist() for name in ("row_digest", "label"))
    roots = []
    for model in ("baseline", "new"):
        said = table.column(f"{model}_label").to_pylist()
        scores = [
            np.rint(table.column(f"{model}_score:{label}").to_numpy() * 1e9).astype(int).tolist()
            for label in ("no", "yes")
        ]
        level = [
            hashlib.sha256(f"\0{digest}|{label}|{word}|{no},{yes}".encode()).digest()
            for digest, label, word, no, yes in zip(digests, actual, said, *scores, strict=True)
        ]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            above = [hashlib.sha256(b"\x01" + one + other).digest() for one, other in pairs]
            level = above + level[-1:] if len(level) % 2 else above
        roots.append(level[0].hex())
    return roots
