"""A measured contribution to the small generated benchmark, and the attestation over it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.issuing import (
    ModelIdentity,
    issue_statement,
    measurement_document,
    settlement_document,
)
from hokusai_assets.attestation.key_files import signer_of
from hokusai_assets.attestation.prediction_commitment import predictions_table
from hokusai_assets.attestation.statement import software_digest
from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.benchmarks.test_split import split_test_set
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.identity import register
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.measurement import (
    Evaluation,
    evaluate_models,
    measure,
    slices_on,
)
from hokusai_assets.evaluation.settlement import budget_of, settle
from hokusai_assets.models.training import (
    train_replicas,
    training_fingerprint,
    training_rows,
)
from hokusai_assets.privacy.keys import PrivacyKey

SIGNING_KEY = signer_of(Ed25519PrivateKey.from_private_bytes(b"a signing key for tests 32 bytes"))
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
    settled: dict[str, Any]
    evaluations: tuple[Evaluation, Evaluation]

    def statement(self, *, dry_run: bool = False) -> dict[str, Any]:
        return issue_statement(
            self.benchmark,
            self.contributed,
            self.baseline,
            self.new,
            self.measured,
            self.settled,
            dry_run=dry_run,
        )


METRICS = "{primary: auroc, secondary: [accuracy, precision, recall, f1]}"


def measured_contribution(
    root: Path,
    *,
    name: str = "orders.csv",
    spec_lines: str = "",
    metrics: str = METRICS,
    sidecar: str = SIDECAR,
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> Parts:
    """Generate, take in, train, measure and settle under a folder; takes about a second."""
    folder, file = write_generated_benchmark(root, seed=1)
    # Waives the privacy check of one column, so that a statement names one.
    spec_file = folder / "benchmark.yaml"
    text = spec_file.read_text().replace("region: {type: category}", REGION)
    text = text.replace(f"metrics: {METRICS}", f"metrics: {metrics}")
    text += "guardrails: {accuracy: {max_drop_bps: 50}}\n" + spec_lines
    for old, new_text in replaced.items():
        assert old in text
        text = text.replace(old, new_text)
    spec_file.write_text(text)
    file = file.rename(file.with_name(name))
    file.with_name(f"{name}.contribution.yaml").write_text(sidecar)
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
    for rows, model_digest in (([], "1" * 64), ([contributed.rows], "2" * 64)):
        replicas = train_replicas(training_rows(benchmark.base, rows, spec), spec)
        fingerprint = training_fingerprint(
            spec_hash=spec.spec_hash(),
            base_root=benchmark.base.root,
            contributed_roots=[part.root for part in rows],
            software_digest=software_digest(),
        )
        train_rows = replicas[0].train_rows
        identities.append(ModelIdentity(model_digest, "train", None, train_rows, fingerprint))
        evaluations.append(evaluate_models(replicas, benchmark, model_digest=model_digest))
    baseline, new = evaluations
    split = split_test_set(benchmark.test, spec)
    trained = (identities[0].train_rows, identities[1].train_rows)
    budget = budget_of(benchmark)
    with Ledger(root / "ledger.jsonl").turn(
        budget,
        version=benchmark.content_digest,
        key=contributed.rows.root,
        rows_root=contributed.rows.root,
    ) as turn:
        found = settle(
            baseline, baseline, new, benchmark=benchmark, split=split, standing=turn.standing
        )
        turn.settle(found.entry(benchmark, contributed.report.contribution, contributed.rows.root))
    documents = [
        measurement_document(
            measurement, baseline, new, training_rows=trained, part=part, spec=spec
        )
        for measurement, part in (
            (measure(baseline, new, benchmark, split.shown), split.shown),
            (found.measurement, split.deciding),
        )
    ]
    settled = settlement_document(
        found,
        documents[1],
        rows_root=contributed.rows.root,
        released=not split.is_split or found.decision.accepted,
    )
    return Parts(benchmark, contributed, *identities, documents[0], settled, (baseline, new))


REGION = "region: {type: category, pii: not_pii}"


def write_predictions(parts: Parts, path: Path, change: Callable[[pa.Table], pa.Table]) -> Path:
    """Write the per-row file that goes with an attestation."""
    split = split_test_set(parts.benchmark.test, parts.benchmark.spec)
    slices = slices_on(parts.benchmark, split.shown)
    table = predictions_table(*(e.on(split.shown) for e in parts.evaluations), slices)
    pq.write_table(change(table), path)
    return path


def resign(statement: dict[str, Any], *, hashes: bool = True) -> bytes:
    """Sign a changed statement with the issuer's key, its two hashes made to fit."""
    predicate = statement["predicate"]
    if hashes:
        predicate["result_hash"] = digest(predicate["claim"]["result"])
        predicate["attestation_hash"] = digest(predicate["claim"])
    return sign_statement(statement, SIGNING_KEY)
