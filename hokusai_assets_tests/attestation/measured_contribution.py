"""A measured contribution to the small generated benchmark, and the attestation over it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.issuing import (
    ModelIdentity,
    issue_statement,
    measurement_document,
)
from hokusai_assets.attestation.statement import software_digest
from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.identity import register
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_model, measure
from hokusai_assets.models.training import train, training_fingerprint, training_rows
from hokusai_assets.privacy.keys import PrivacyKey

SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(b"a signing key for tests 32 bytes")
PRIVACY_KEY = PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")
SIDECAR = """
contributors:
  - {id: ana, wallet: "0x00112233445566778899aabbccddeeff00112233", weight_bps: 7000}
  - {id: bob, weight_bps: 3000}
licence: MIT
"""


@dataclass(frozen=True)
class Parts:
    """All that an attestation is issued from."""

    benchmark: Benchmark
    contributed: ContributedData
    baseline: ModelIdentity
    new: ModelIdentity
    measured: dict[str, Any]
    evaluations: tuple[Evaluation, Evaluation]

    def statement(self, *, dry_run: bool = False) -> dict[str, Any]:
        return issue_statement(
            self.benchmark,
            self.contributed,
            self.baseline,
            self.new,
            self.measured,
            dry_run=dry_run,
        )


def measured_contribution(root: Path, *, name: str = "orders.csv") -> Parts:
    """Generate, take in, train and measure under a folder; takes about a second."""
    folder, file = write_generated_benchmark(root, seed=1)
    # Waives the privacy check of one column, so that a statement names one.
    spec_file = folder / "benchmark.yaml"
    spec_file.write_text(
        spec_file.read_text().replace("region: {type: category}", REGION)
        + "guardrails: {accuracy: {max_drop_bps: 50}}\n"
    )
    file = file.rename(file.with_name(name))
    file.with_name(f"{name}.contribution.yaml").write_text(SIDECAR)
    benchmark = load_benchmark(folder, PRIVACY_KEY)
    spec = benchmark.spec
    scratch = root / "scratch"
    scratch.mkdir()
    contributed = take_in(
        register(file, root / "store"),
        benchmark,
        PRIVACY_KEY,
        scratch=scratch,
        index=RowIndex(root / "row_index"),
    )
    assert contributed.report.accepted, contributed.report.problems
    identities, evaluations = [], []
    for rows, model_digest in ((None, "1" * 64), (contributed.rows, "2" * 64)):
        model = train(training_rows(benchmark.base, rows, spec), spec)
        fingerprint = training_fingerprint(
            spec_hash=spec.spec_hash(),
            base_root=benchmark.base.root,
            contributed_root=rows.root if rows else None,
            software_digest=software_digest(),
        )
        identities.append(ModelIdentity(model_digest, "train", None, model.train_rows, fingerprint))
        evaluations.append(evaluate_model(model, benchmark, model_digest=model_digest))
    baseline, new = evaluations
    document = measurement_document(measure(baseline, new, spec), baseline, new)
    return Parts(benchmark, contributed, *identities, document, (baseline, new))


REGION = "region: {type: category, pii: not_pii}"


def write_predictions(parts: Parts, path: Path, change: Callable[[pa.Table], pa.Table]) -> Path:
    """Write the per-row file that goes with an attestation."""
    baseline, new = parts.evaluations
    names = pa.array(new.predictions.labels)
    columns: dict[str, Any] = {
        "row_digest": [row.hex() for row in new.row_digests],
        "label": names.take(pa.array(new.predictions.actual)),
    }
    for which, evaluation in (("baseline", baseline), ("new", new)):
        columns[f"{which}_label"] = names.take(pa.array(evaluation.predictions.predicted))
        for index, label in enumerate(evaluation.predictions.labels):
            columns[f"{which}_score:{label}"] = evaluation.predictions.scores[:, index]
    pq.write_table(change(pa.table(columns)), path)
    return path


def resign(statement: dict[str, Any], *, hashes: bool = True) -> bytes:
    """Sign a changed statement with the issuer's key, its two hashes made to fit."""
    predicate = statement["predicate"]
    if hashes:
        predicate["result_hash"] = digest(predicate["claim"]["result"])
        predicate["attestation_hash"] = digest(predicate["claim"])
    return sign_statement(statement, SIGNING_KEY)
