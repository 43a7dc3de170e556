"""The exact form of a statement: every key, the type of its value, and what it means."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from hokusai_assets.attestation.measurement_form import (
    ConfidencePpm,
    Count,
    Form,
    Hex256,
    MeasurementForm,
    MetricName,
    Positive,
)
from hokusai_assets.benchmarks.spec import BenchmarkId
from hokusai_assets.canonical.canonical_json import canonical_bytes


class BenchmarkForm(Form):
    """What was measured with."""

    id: BenchmarkId
    """The benchmark's id."""
    spec_hash: Hex256
    """SHA-256 of the canonical JSON of all of the spec that can change a number."""
    base_root: Hex256
    """Merkle root over the base training set's row digests."""
    base_rows: Positive
    """Rows of the base training set."""
    test_root: Hex256
    """Merkle root over the held-out test set's row digests."""
    test_rows: Positive
    """Rows of the test set."""
    labels: list[str]
    """The target's labels, ascending."""
    average: Literal["binary", "macro", "weighted"]
    """How precision, recall and F1 are averaged over classes."""
    positive_label: str | None
    """The positive class of a binary task."""


class BaselineModelForm(Form):
    """The model that contributions are first measured against."""

    source: Literal["train", "mlflow", "file"]
    """Trained from the base set, or loaded from MLflow or a file."""
    sha256: Hex256 | None
    """SHA-256 of the file it was loaded from; null if it was trained."""


class RemovedForm(Form):
    """Rows that were left out before training, by reason."""

    in_test_set: Count
    """Equal to a test row."""
    near_test_set: Count
    """Nearly equal to a test row."""
    in_base_set: Count
    """Equal to a row of the base set."""
    in_earlier_contribution: Count
    """Equal to a row of an earlier contribution."""
    repeated_in_file: Count
    """Equal to an earlier row of the same file."""


class RowsForm(Form):
    """The contributed rows."""

    came_in: Positive = Field(alias="in")
    """Rows in the file."""
    kept: Positive
    """Rows that were trained on."""
    hashed: Count
    """Rows in which personal data was replaced by tokens."""
    removed: RemovedForm
    """Rows left out, by reason; with those kept they sum to those that came in."""
    root: Hex256
    """Merkle root over the kept rows' digests, tokens reduced to their type."""


class GroupRuleForm(Form):
    """Guardrails on classes and slices."""

    classes: dict[str, Count]
    """Per metric, by how many basis points it may drop in any class."""
    slices: dict[str, dict[str, Count]]
    """Per slice and metric, by how many basis points it may drop."""
    min_group_rows: Annotated[int, Field(ge=2)]
    """Test rows below which a group is not guarded."""


class RuleForm(Form):
    """The DeltaOne rule, as the spec has it."""

    primary: MetricName
    """The metric that decides."""
    min_examples: Count
    """Test rows that are needed."""
    min_delta_bps: Count
    """Least gain, in basis points."""
    guardrails_max_drop_bps: dict[MetricName, Count]
    """Per metric, by how many basis points it may drop."""
    groups: GroupRuleForm
    """Guardrails on classes and slices."""


class ConditionForm(Form):
    """One condition of the rule, and how it came out."""

    name: str
    """Which condition."""
    passed: bool
    """Whether it holds."""
    found: int | str
    """What was found."""
    required: int | str
    """What the rule asks for."""


class EstimatorForm(Form):
    """How models are trained."""

    name: str
    """The estimator, as the spec names it."""
    seed: Count
    """The spec's seed, which all random streams follow from."""
    seeds: Positive
    """Replicas of each model, trained in pairs."""
    reproducible: bool
    """Whether equal inputs give equal predictions on any machine."""


class ResultForm(Form):
    """What follows from the rows alone: the contribution against the baseline."""

    benchmark: BenchmarkForm
    """What was measured with."""
    baseline_model: BaselineModelForm
    """What it was measured against."""
    estimator: EstimatorForm
    """How models were trained."""
    rows: RowsForm
    """What was contributed."""
    measurement: MeasurementForm
    """What the contribution alone changes."""


class BudgetForm(Form):
    """Which look at the test set this was."""

    position: Positive
    """From 1."""
    submissions: Positive
    """Looks that were registered before the first."""
    confidence_ppm: ConfidencePpm
    """Level that each look is judged at."""
    ledger_digest: Hex256
    """SHA-256 of the ledger's line before this settlement's."""


class AcceptedForm(Form):
    """A contribution that was accepted before."""

    key: str
    """Its key."""
    rows_root: Hex256
    """Merkle root over its kept rows' digests."""


class DeltaOneForm(Form):
    """The verdict."""

    accepted: bool
    """Whether the contribution joined the accepted model."""
    bps: int | None
    """Gain on the primary metric over the accepted model, in basis points; null if private."""
    payable_bps: Count
    """What is payable of it: a lower confidence bound, in basis points."""
    conditions: list[ConditionForm]
    """Each condition of the rule; none where they stay private."""


class SettlementForm(Form):
    """How the contribution was judged against all that was accepted before it."""

    rule: RuleForm
    """The rule."""
    budget: BudgetForm
    """Which look at the test set it was."""
    accepted_before: list[AcceptedForm]
    """What was accepted before, in order."""
    paid_before_bps: Count
    """What was paid for those, in basis points."""
    paid_for_it_before_bps: Count
    """What was paid for this one on other versions of the benchmark, in basis points."""
    released: bool
    """Whether the measurement may be seen."""
    measurement_sha256: Hex256
    """SHA-256 of the measurement's canonical JSON."""
    measurement: MeasurementForm | None
    """With the contribution against the accepted model; null where that stays private."""
    certain_total_bps: int | None
    """Lower bound, in basis points, of what all accepted and this gain; null if private."""
    delta_one: DeltaOneForm
    """The verdict."""


class ContributionForm(Form):
    """Which file was contributed."""

    key: str
    """A readable name and the first 12 hex digits of the file's SHA-256."""
    raw_sha256: Hex256
    """SHA-256 of the file as it came."""
    licence: str
    """Its licence, as its sidecar says."""


class ContributorForm(Form):
    """One of those who contributed it."""

    id: str
    """Who."""
    wallet: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")] | None
    """Ethereum address (EIP-55), or null."""
    weight_bps: Positive
    """Share in basis points; all sum to 10000."""


class HistoryForm(Form):
    """Earlier contributions whose rows this one's were compared with."""

    checked: bool
    """Whether they were."""
    recorded: Count
    """How many."""
    digest: Hex256
    """SHA-256 over their keys, in order."""


class CodeForm(Form):
    """The code that measured."""

    version: str
    """Its version."""
    sha256: Hex256
    """SHA-256 over every module that can change a number."""


class MetricSourceForm(Form):
    """Which distribution defines a metric."""

    distribution: str
    """Its name."""
    version: str
    """Its version."""
    entry_point: str | None
    """The entry point that a plug-in gives it by; null if it is built in."""


class ClaimForm(Form):
    """Everything that the attestation hash covers."""

    result: ResultForm
    """What follows from the rows alone."""
    contribution: ContributionForm
    """Which file."""
    contributors: list[ContributorForm]
    """Whose."""
    history: HistoryForm
    """What came before."""
    settlement: SettlementForm
    """The verdict."""
    waived_columns: list[str]
    """Columns that the spec exempts from the search for personal data, ascending."""
    code: CodeForm
    """What measured."""
    metric_sources: dict[MetricName, MetricSourceForm]
    """Where each metric is defined."""
    dry_run: bool
    """Whether this was a rehearsal, which attests nothing."""


class ModelsForm(Form):
    """SHA-256 of each model's file; of several replicas, over their digests."""

    baseline_sha256: Hex256
    """The baseline."""
    new_sha256: Hex256
    """The new model: base set and this contribution."""
    accepted_sha256: Hex256
    """The accepted model before."""
    candidate_sha256: Hex256
    """The accepted model's rows and this contribution."""


class PackageForm(Form):
    """An installed library that a number depends on."""

    version: str
    """Its version."""
    sha256: Hex256
    """SHA-256 over the names and hashes of its files, as its RECORD lists them."""


class EnvironmentForm(Form):
    """What may differ between machines that agree on the claim."""

    models: ModelsForm
    """The models' files."""
    python: str
    """Python's version."""
    machine: str
    """The processor's type."""
    packages: dict[str, PackageForm]
    """Libraries that numbers depend on."""
    # No Literal[1]: that takes true as well.
    threads: Annotated[int, Field(ge=1, le=1)]
    """Threads while training and predicting."""


class PredicateForm(Form):
    """What is stated of the subjects."""

    schema_version: int
    """Of this form."""
    claim: ClaimForm
    """What is attested."""
    result_hash: Hex256
    """SHA-256 of the canonical JSON of claim.result."""
    attestation_hash: Hex256
    """SHA-256 of the canonical JSON of claim."""
    environment: EnvironmentForm
    """Signed, but in neither hash."""


class DigestForm(Form):
    """Of a subject."""

    sha256: Hex256
    """SHA-256."""


class SubjectForm(Form):
    """What the statement is about."""

    name: str
    """The contribution's key, benchmark:<id>, model:baseline or model:new."""
    digest: DigestForm
    """Its digest."""


class StatementForm(Form):
    """An in-toto Statement v1 about what a contribution changed."""

    type_: str = Field(alias="_type")
    """The layout: in-toto Statement v1."""
    subject: list[SubjectForm]
    """The contributed file, the benchmark, the baseline model and the new model."""
    predicate_type: str = Field(alias="predicateType")
    """The kind of predicate."""
    predicate: PredicateForm
    """What is stated."""


def form_faults(statement: object) -> list[str]:
    """Return what is not of the form, as ``<key>: <what is wrong>``; empty where all is."""
    try:
        StatementForm.model_validate_json(canonical_bytes(statement))
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, item['loc'])) or 'statement'}: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
    return []
