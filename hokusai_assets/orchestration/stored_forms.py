"""How each asset's value is written to a folder and read back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import DIGEST_COLUMN, RowSet, StoredRows
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.canonical import rows
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.models.persistence import files_digest, load_model, model_bytes
from hokusai_assets.models.training import TrainedModel

PREDICTIONS = "predictions.parquet"
SETTLED_PREDICTIONS = "settled_predictions.parquet"
INTAKE_REPORT = "intake_report.json"
ENVELOPE = "attestation.json"
VALUES = "contribution_values.json"
DOCUMENT = "document.json"


@dataclass(frozen=True)
class StoredModel:
    """A model's files and where it came from; pipelines are read from them only when asked for.

    Attributes:
        files: a skops archive per replica.
        digest: SHA-256 (hex) of the archive; of several, of their digests' text one by one.
        train_rows: rows it was fitted to, 0 if it was loaded from elsewhere.
        source: ``train``, ``mlflow`` or ``file``.
        external_digest: SHA-256 (hex) of the file it was loaded from, None if trained here.
        trusted_types: types the spec trusts beyond the platform's own.
        fingerprint: names all that the model was made from.
    """

    files: tuple[bytes, ...]
    digest: str
    train_rows: int
    source: str
    external_digest: str | None
    trusted_types: tuple[str, ...]
    fingerprint: str

    @cached_property
    def replicas(self) -> tuple[TrainedModel, ...]:
        """The pipelines as the files hold them."""
        return tuple(
            TrainedModel(load_model(file, trusted=self.trusted_types), self.train_rows)
            for file in self.files
        )


@dataclass(frozen=True)
class MeasuredDelta:
    """The measurement document and the per-row predictions of both models."""

    document: dict[str, Any]
    predictions: pa.Table


@dataclass(frozen=True)
class SettledContribution:
    """The settlement document, the model it speaks of, and what that said of every test row.

    Attributes:
        document: from `settlement_document`.
        candidate: the model of base set, accepted contributions and this one.
        evaluation: the candidate's, on the whole test set.
        predictions: per deciding row, what the accepted model and the candidate said.
    """

    document: dict[str, Any]
    candidate: StoredModel
    evaluation: Evaluation
    predictions: pa.Table


@dataclass(frozen=True)
class IssuedAttestation:
    """The signed envelope, its two hashes, and the unsigned facts beside it."""

    envelope: bytes
    attestation_hash: str
    result_hash: str
    beside: dict[str, Any]


@dataclass(frozen=True)
class ValuedContributions:
    """What contributions are worth beside one another, and their rows where those are valued."""

    document: dict[str, Any]
    rows: pa.Table | None


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_rows(path: Path, part: RowSet) -> None:
    digests = pa.array(part.digests, pa.binary(32))
    pq.write_table(part.table.append_column(DIGEST_COLUMN, digests), path, compression="zstd")


def _read_rows(path: Path) -> RowSet:
    table = pq.read_table(path)
    digests = table.column(DIGEST_COLUMN).to_pylist()
    return RowSet(table.drop_columns([DIGEST_COLUMN]), digests, rows.table_root(digests))


def _save_benchmark(value: Benchmark, folder: Path) -> None:
    _write_rows(folder / "base.parquet", value.base)
    _write_rows(folder / "test.parquet", value.test)
    spec = value.spec.model_dump(mode="json")
    facts = {"spec": spec, "fingerprint": value.fingerprint, "test_file": value.test_file}
    _write_json(folder / "benchmark.json", facts)


def _load_benchmark(folder: Path) -> Benchmark:
    document = _read_json(folder / "benchmark.json")
    return Benchmark(
        BenchmarkSpec.model_validate(document["spec"]),
        _read_rows(folder / "base.parquet"),
        _read_rows(folder / "test.parquet"),
        document["fingerprint"],
        document["test_file"],
    )


_MODEL_FACTS = (
    "digest",
    "train_rows",
    "source",
    "external_digest",
    "trusted_types",
    "fingerprint",
)


def _save_model(value: StoredModel, folder: Path) -> None:
    for number, file in enumerate(value.files, 1):
        (folder / f"model-{number}.skops").write_bytes(file)
    facts = {name: getattr(value, name) for name in _MODEL_FACTS}
    _write_json(folder / "model.json", facts | {"replicas": len(value.files)})


def _load_model(folder: Path) -> StoredModel:
    facts = _read_json(folder / "model.json")
    facts["trusted_types"] = tuple(facts["trusted_types"])
    numbers = range(1, facts.pop("replicas") + 1)
    files = tuple((folder / f"model-{number}.skops").read_bytes() for number in numbers)
    return StoredModel(files=files, **facts)


def _save_evaluation(value: Evaluation, folder: Path) -> None:
    columns: dict[str, Any] = {
        "row_digest": pa.array(value.row_digests, pa.binary(32)),
        "actual": value.replicas[0].actual,
    }
    for number, said in enumerate(value.replicas, 1):
        columns[f"predicted_{number}"] = said.predicted
        for index in range(len(said.labels)):
            columns[f"score_{number}_{index}"] = said.scores[:, index]
    pq.write_table(pa.table(columns), folder / PREDICTIONS, compression="zstd")
    _write_json(
        folder / "evaluation.json",
        {
            "labels": list(value.replicas[0].labels),
            "replicas": len(value.replicas),
            "test_root": value.test_root,
            "model_digest": value.model_digest,
        },
    )


def _load_evaluation(folder: Path) -> Evaluation:
    document = _read_json(folder / "evaluation.json")
    table = pq.read_table(folder / PREDICTIONS)
    labels = tuple(document["labels"])
    actual = table.column("actual").to_numpy()
    replicas = []
    for number in range(1, document["replicas"] + 1):
        scores = [table.column(f"score_{number}_{i}").to_numpy() for i in range(len(labels))]
        predicted = table.column(f"predicted_{number}").to_numpy()
        replicas.append(Predictions(labels, actual, predicted, np.column_stack(scores)))
    return Evaluation(
        tuple(replicas),
        table.column("row_digest").to_pylist(),
        document["test_root"],
        document["model_digest"],
    )


def _save_contributed_data(value: ContributedData, folder: Path) -> None:
    # The rows are in a scratch folder of this run, on the same disk: they need no second copy.
    value.rows.path.replace(folder / "rows.parquet")
    _write_json(folder / INTAKE_REPORT, value.report.to_dict())


def read_intake_report(folder: Path) -> IntakeReport:
    """Read the intake report from the stored folder of a contributed_data asset."""
    return IntakeReport.from_dict(_read_json(folder / INTAKE_REPORT))


def _load_contributed_data(folder: Path) -> ContributedData:
    return ContributedData(StoredRows.open(folder / "rows.parquet"), read_intake_report(folder))


def _save_measured_delta(value: MeasuredDelta, folder: Path) -> None:
    _write_json(folder / "metric_deltas.json", value.document)
    pq.write_table(value.predictions, folder / PREDICTIONS, compression="zstd")


def _load_measured_delta(folder: Path) -> MeasuredDelta:
    return MeasuredDelta(read_measured_delta(folder), pq.read_table(folder / PREDICTIONS))


def read_measured_delta(folder: Path) -> dict[str, Any]:
    """Read the measurement document from the stored folder of a metric_deltas asset."""
    document: dict[str, Any] = _read_json(folder / "metric_deltas.json")
    return document


def _save_settlement(value: SettledContribution, folder: Path) -> None:
    _write_json(folder / "settlement.json", value.document)
    pq.write_table(value.predictions, folder / SETTLED_PREDICTIONS, compression="zstd")
    _save_model(value.candidate, folder)
    _save_evaluation(value.evaluation, folder)


def _load_settlement(folder: Path) -> SettledContribution:
    return SettledContribution(
        read_settlement(folder),
        _load_model(folder),
        _load_evaluation(folder),
        pq.read_table(folder / SETTLED_PREDICTIONS),
    )


def read_settlement(folder: Path) -> dict[str, Any]:
    """Read the settlement document from the stored folder of a settlement asset."""
    document: dict[str, Any] = _read_json(folder / "settlement.json")
    return document


def _save_attestation(value: IssuedAttestation, folder: Path) -> None:
    (folder / ENVELOPE).write_bytes(value.envelope)
    _write_json(
        folder / "beside.json",
        {
            "attestation_hash": value.attestation_hash,
            "result_hash": value.result_hash,
            "beside": value.beside,
        },
    )


def _load_attestation(folder: Path) -> IssuedAttestation:
    document = _read_json(folder / "beside.json")
    return IssuedAttestation(
        (folder / ENVELOPE).read_bytes(),
        document["attestation_hash"],
        document["result_hash"],
        document["beside"],
    )


def _save_values(value: ValuedContributions, folder: Path) -> None:
    _write_json(folder / VALUES, value.document)
    if value.rows is not None:
        pq.write_table(value.rows, folder / "rows.parquet", compression="zstd")


def _load_values(folder: Path) -> ValuedContributions:
    rows = folder / "rows.parquet"
    return ValuedContributions(
        _read_json(folder / VALUES),
        pq.read_table(rows) if rows.is_file() else None,
    )


def _save_document(value: dict[str, Any], folder: Path) -> None:
    # Without indents: of thousands of contributions that is a third of the bytes.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (folder / DOCUMENT).write_text(text + "\n", encoding="utf-8")


def _load_document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = _read_json(folder / DOCUMENT)
    return document


# Keyed by the asset's own name, the last part of its key.
STORED_FORMS: dict[str, tuple[Callable[[Any, Path], None], Callable[[Path], Any]]] = {
    "benchmark": (_save_benchmark, _load_benchmark),
    "baseline_model": (_save_model, _load_model),
    "new_model": (_save_model, _load_model),
    "baseline_evaluation": (_save_evaluation, _load_evaluation),
    "new_evaluation": (_save_evaluation, _load_evaluation),
    "contributed_data": (_save_contributed_data, _load_contributed_data),
    "metric_deltas": (_save_measured_delta, _load_measured_delta),
    "settlement": (_save_settlement, _load_settlement),
    "attestation": (_save_attestation, _load_attestation),
    "contribution_values": (_save_values, _load_values),
    "leaderboard": (_save_document, _load_document),
    "attestation_review": (_save_document, _load_document),
}


def stored_model(
    replicas: Sequence[TrainedModel],
    *,
    source: str,
    external_digest: str | None,
    trusted_types: tuple[str, ...],
    fingerprint: str,
) -> StoredModel:
    """Wrap a model for storage; ``fingerprint`` names all that it was made from."""
    files = tuple(model_bytes(model.pipeline) for model in replicas)
    return StoredModel(
        files,
        files_digest(files),
        replicas[0].train_rows,
        source,
        external_digest,
        trusted_types,
        fingerprint,
    )
