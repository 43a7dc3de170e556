"""The exact form of a statement: every key it has and the type of each value, nothing besides."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hokusai_assets.benchmarks.spec import BenchmarkId
from hokusai_assets.canonical.canonical_json import canonical_bytes

Hex256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Ppm = Annotated[int, Field(ge=0, le=1_000_000)]
# Any metric's: a verifier need not have installed the plug-in that defines it.
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ConfidencePpm = Annotated[int, Field(gt=500_000, lt=1_000_000)]


class _Form(BaseModel):
    # Strict: true is no 1 and "1" no number, though Python holds some of them equal.
    model_config = ConfigDict(extra="forbid", strict=True)


class _Benchmark(_Form):
    id: BenchmarkId
    spec_hash: Hex256
    base_root: Hex256
    base_rows: Positive
    test_root: Hex256
    test_rows: Positive
    labels: list[str]
    average: Literal["binary", "macro", "weighted"]
    positive_label: str | None


class _BaselineModel(_Form):
    source: Literal["train", "mlflow", "file"]
    sha256: Hex256 | None


class _Removed(_Form):
    in_test_set: Count
    near_test_set: Count
    in_base_set: Count
    in_earlier_contribution: Count
    repeated_in_file: Count


class _Rows(_Form):
    came_in: Positive = Field(alias="in")
    kept: Positive
    hashed: Count
    removed: _Removed
    root: Hex256


class _TrainingRows(_Form):
    baseline: Count
    new: Positive


class _Predictions(_Form):
    baseline_root: Hex256
    new_root: Hex256


class _Metric(_Form):
    metric: MetricName
    direction: Literal["higher", "lower"]
    baseline_ppm: int
    new_ppm: int
    delta_ppm: int
    relative_delta_ppm: int | None
    low_ppm: int
    high_ppm: int
    p_value_ppm: Ppm
    p_holm_ppm: Ppm
    confidence_ppm: ConfidencePpm
    replicas: Positive
    test_error_ppm: Count
    training_noise_ppm: Count
    interval_method: str
    p_value_method: str
    improved: bool


class _GroupRule(_Form):
    classes: dict[str, Count]
    slices: dict[str, dict[str, Count]]
    min_group_rows: Annotated[int, Field(ge=2)]


class _Rule(_Form):
    primary: MetricName
    min_examples: Count
    min_delta_bps: Count
    guardrails_max_drop_bps: dict[MetricName, Count]
    groups: _GroupRule


class _Condition(_Form):
    name: str
    passed: bool
    found: int | str
    required: int | str


class _Group(_Form):
    kind: Literal["class", "slice"]
    group: str
    metric: MetricName
    direction: Literal["higher", "lower"]
    rows: Count
    baseline_ppm: int | None
    new_ppm: int | None
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    error_ppm: Count | None
    confidence_ppm: ConfidencePpm
    interval_method: str
    undefined: str | None


class _Estimator(_Form):
    name: str
    seeds: Positive
    reproducible: bool


class _Measurement(_Form):
    part: Literal["whole", "public", "private"]
    test_root: Hex256
    test_rows: Positive
    training_rows: _TrainingRows
    predictions: _Predictions
    confusion_cells: Annotated[
        list[list[tuple[str, str, str, Positive]]], Field(min_length=1, max_length=100)
    ]
    metrics: dict[MetricName, _Metric]
    groups: list[_Group]


class _Result(_Form):
    benchmark: _Benchmark
    baseline_model: _BaselineModel
    estimator: _Estimator
    rows: _Rows
    measurement: _Measurement


class _Budget(_Form):
    position: Positive
    submissions: Positive
    confidence_ppm: ConfidencePpm
    ledger_digest: Hex256


class _Accepted(_Form):
    key: str
    rows_root: Hex256


class _DeltaOne(_Form):
    accepted: bool
    bps: int | None
    payable_bps: Count
    conditions: list[_Condition]


class _Settlement(_Form):
    rule: _Rule
    budget: _Budget
    accepted_before: list[_Accepted]
    paid_before_bps: Count
    released: bool
    measurement_sha256: Hex256
    measurement: _Measurement | None
    certain_total_bps: int | None
    delta_one: _DeltaOne


class _Contribution(_Form):
    key: str
    raw_sha256: Hex256
    licence: str


class _Contributor(_Form):
    id: str
    wallet: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")] | None
    weight_bps: Positive


class _History(_Form):
    checked: bool
    recorded: Count
    digest: Hex256


class _Code(_Form):
    version: str
    sha256: Hex256


class _MetricSource(_Form):
    distribution: str
    version: str
    entry_point: str | None


class _Claim(_Form):
    result: _Result
    contribution: _Contribution
    contributors: list[_Contributor]
    history: _History
    settlement: _Settlement
    waived_columns: list[str]
    code: _Code
    metric_sources: dict[MetricName, _MetricSource]
    dry_run: bool


class _Models(_Form):
    baseline_sha256: Hex256
    new_sha256: Hex256
    accepted_sha256: Hex256
    candidate_sha256: Hex256


class _Environment(_Form):
    models: _Models
    python: str
    machine: str
    packages: dict[str, str]
    # No Literal[1]: that takes true as well.
    threads: Annotated[int, Field(ge=1, le=1)]


class _Predicate(_Form):
    schema_version: int
    claim: _Claim
    result_hash: Hex256
    attestation_hash: Hex256
    environment: _Environment


class _Digest(_Form):
    sha256: Hex256


class _Subject(_Form):
    name: str
    digest: _Digest


class _Statement(_Form):
    type_: str = Field(alias="_type")
    subject: list[_Subject]
    predicate_type: str = Field(alias="predicateType")
    predicate: _Predicate


def form_faults(statement: object) -> list[str]:
    """Return what is not of the form, as ``<key>: <what is wrong>``; empty where all is."""
    try:
        _Statement.model_validate_json(canonical_bytes(statement))
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, item['loc'])) or 'statement'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
    return []
