"""The spec of a benchmark, as `benchmark.yaml` states it, and its checks."""

import re
from decimal import Decimal
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from hokusai_assets.benchmarks.data_files import DataSpec, FileBeside, LineageSpec
from hokusai_assets.benchmarks.groups import (
    ClassMetricName,
    GuardrailSpec,
    Integer,
    SliceName,
    SliceSpec,
    Strict,
    slice_misfits,
)
from hokusai_assets.canonical.canonical_json import canonical_bytes, digest, with_floats_as_text
from hokusai_assets.privacy.custom import PrivacySpec
from hokusai_assets.privacy.recognisers import ENTITIES
from hokusai_assets.tables.columns import ColumnType
from hokusai_assets.tables.limits import ReadLimits

SPEC_VERSION = 1
METRIC_NAMES = ("accuracy", "precision", "recall", "f1", "auroc", "log_loss", "brier")
METRIC_GROUP = "hokusai.metrics"
"""The entry points other distributions give metrics by; their objects are not loaded here."""
BenchmarkId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
_FACTORY = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*"
ESTIMATOR_NAMES = (
    "logistic_regression",
    "sgd",
    "random_forest",
    "hist_gradient_boosting",
    "naive_bayes",
    "linear_svm",
)


class SpecError(ValueError):
    """A benchmark can't be used; names the file or key, what was found and what is allowed."""


def _with_decimals_as_text(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dict):
        return {key: _with_decimals_as_text(item) for key, item in value.items()}
    return value


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics: those built in, then those of installed plug-ins."""
    plugged = sorted(point.name for point in entry_points(group=METRIC_GROUP))
    return tuple(dict.fromkeys((*METRIC_NAMES, *plugged)))


def _known_metric(value: str) -> str:
    if value in METRIC_NAMES:
        return value
    known = metric_names()
    if value in known:
        return value
    near = get_close_matches(value, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"allowed are {', '.join(map(repr, known))}{hint}")


MetricName = Annotated[str, AfterValidator(_known_metric)]


class ColumnSpec(Strict):
    """One feature column: its type, and how personal data in it is treated.

    ``pii:<entity>`` names a built-in entity, or one of the spec's ``privacy.recognisers``.
    """

    type: ColumnType
    nullable: bool = True
    pii: Annotated[str, StringConstraints(pattern=r"^(auto|not_pii|drop|pii:[a-z]+)$")] = "auto"


class TextFeatures(Strict):
    """TF-IDF settings for text columns; ranges are inclusive n-gram lengths."""

    word_ngrams: tuple[Integer, Integer] | None = (1, 2)
    char_ngrams: tuple[Integer, Integer] | None = (2, 5)
    min_df: Annotated[Integer, Field(ge=1)] = 2
    max_features: Annotated[Integer, Field(ge=1)] | None = None
    lowercase: bool = True

    @model_validator(mode="after")
    def _has_ngrams(self) -> "TextFeatures":
        for ngrams in (self.word_ngrams, self.char_ngrams):
            if ngrams is not None and not 1 <= ngrams[0] <= ngrams[1] <= 10:
                raise ValueError("n-gram lengths are two whole numbers from 1 to 10, low first")
        if self.word_ngrams is None and self.char_ngrams is None:
            raise ValueError("word_ngrams and char_ngrams can't both be off")
        return self


class ModelSpec(Strict):
    """The estimator and its parameters; features come from the column types.

    ``seeds`` replicas of each model are trained, in pairs with equal seeds, and their metrics
    averaged: one is enough for an estimator that draws no random numbers.
    """

    estimator: str
    params: dict[str, Any] = Field(default_factory=dict)
    text: TextFeatures = TextFeatures()
    trusted_types: tuple[str, ...] = ()
    seeds: Annotated[Integer, Field(ge=1, le=100)] = 1

    @field_validator("estimator")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ESTIMATOR_NAMES and not re.fullmatch(_FACTORY, value):
            allowed = ", ".join(ESTIMATOR_NAMES)
            raise ValueError(f"{value!r} is none of {allowed}, nor a package.module:factory")
        return value

    @field_validator("params")
    @classmethod
    def _hashable(cls, value: dict[str, Any]) -> dict[str, Any]:
        # Here, not when spec_hash is first asked for: a date or a set has no canonical form.
        canonical_bytes(with_floats_as_text(value))
        return value


class BaselineSpec(Strict):
    """Where the baseline model comes from.

    ``train`` fits it to the base set; ``mlflow`` loads ``models:/name/version``; ``file`` loads
    a skops file beside the spec.
    """

    source: Literal["train", "mlflow", "file"] = "train"
    uri: Annotated[str, StringConstraints(pattern=r"^models:/[^/]+/[0-9]+$")] | None = None
    path: FileBeside | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _has_its_place(self) -> "BaselineSpec":
        if self.source == "mlflow" and not self.uri:
            raise ValueError("source mlflow needs uri: models:/name/version (a pinned version)")
        if self.source == "file" and not self.path:
            raise ValueError("source file needs path: the skops file beside benchmark.yaml")
        if (self.source != "mlflow" and self.uri) or (self.source != "file" and self.path):
            raise ValueError("uri goes with source: mlflow, path with source: file")
        return self


class MetricsSpec(Strict):
    """Which metrics are measured; DeltaOne is decided on the primary one."""

    primary: MetricName
    secondary: tuple[MetricName, ...] = ()
    average: Literal["binary", "macro", "weighted"] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All metrics, the primary one first, none twice."""
        return tuple(dict.fromkeys((self.primary, *self.secondary)))


class DeltaOneSpec(Strict):
    """When a gain on the primary metric counts (DESIGN section 4).

    ``submissions`` is how many contributions may be settled on one test set; each is judged at
    that part of ``1 - confidence``.
    """

    min_examples: Annotated[Integer, Field(ge=1)] = 800
    min_delta_bps: Annotated[Integer, Field(ge=0, le=10000)] = 100
    confidence: Annotated[Decimal, Field(gt=Decimal("0.5"), lt=1, decimal_places=6)] = Decimal(
        "0.95"
    )
    resamples: Annotated[Integer, Field(ge=100, le=1_000_000)] = 10_000
    submissions: Annotated[Integer, Field(ge=1, le=50_000)] = 100

    @model_validator(mode="after")
    def _leaves_each_a_level(self) -> "DeltaOneSpec":
        most = int((1 - self.confidence) * 1_000_000)
        if self.submissions > most:
            raise ValueError(
                f"submissions: found {self.submissions:,}; a confidence of {self.confidence} "
                f"leaves at most {most:,} of them a millionth each"
            )
        return self


class TestSplitSpec(Strict):
    """A share of the test set whose results anyone may see; the rest decides, and is not shown."""

    public_share: Annotated[Decimal, Field(ge=Decimal("0.05"), le=Decimal("0.9"))]


Action = Literal["off", "warn", "block"]
Share = Annotated[Decimal, Field(ge=0, le=1)]


class LimitsSpec(Strict):
    """How much of a contributed file is read at most; see `tables.limits.ReadLimits`."""

    max_file_bytes: Annotated[Integer, Field(ge=1)] = ReadLimits.max_file_bytes
    max_decoded_bytes: Annotated[Integer, Field(ge=1)] = ReadLimits.max_decoded_bytes
    max_rows: Annotated[Integer, Field(ge=1)] = ReadLimits.max_rows
    max_columns: Annotated[Integer, Field(ge=1)] = ReadLimits.max_columns
    max_cell_chars: Annotated[Integer, Field(ge=1)] = ReadLimits.max_cell_chars
    max_nesting: Annotated[Integer, Field(ge=1, le=64)] = ReadLimits.max_nesting

    def read_limits(self) -> ReadLimits:
        """Return the bounds as reading takes them; those that no spec sets have their default."""
        return ReadLimits(**self.model_dump())


class LabelChecksSpec(Strict):
    """What happens when labels are doubtful, and from where on they are."""

    balance: Action = "warn"
    max_balance_shift: Annotated[Decimal, Field(ge=0, le=100)] = Decimal("0.25")
    conflicts: Action = "warn"
    max_conflict_excess: Share = Decimal("0.02")
    noise: Action = "warn"
    max_noise_excess: Share = Decimal("0.1")


class DriftSpec(Strict):
    """What happens when a column lies far from the base set's, and from where on it does."""

    action: Action = "warn"
    max_shift: Annotated[Decimal, Field(ge=0, le=100)] = Decimal("0.25")


class IntakeSpec(Strict):
    """When a contribution is rejected, or warned of, before training."""

    min_rows: Annotated[Integer, Field(ge=1)] = 10
    max_test_overlap_excess: Share = Decimal("0.01")
    test_overlap_tolerance_rows: Annotated[Integer, Field(ge=0)] = 5
    limits: LimitsSpec = LimitsSpec()
    labels: LabelChecksSpec = LabelChecksSpec()
    drift: DriftSpec = DriftSpec()


class SamplingSpec(Strict):
    """Row counts above which a stratified sample stands for the whole set."""

    max_train_rows: Annotated[Integer, Field(ge=100)] | None = None
    max_test_rows: Annotated[Integer, Field(ge=100)] | None = None


class BenchmarkSpec(Strict):
    """Everything that decides how a contribution is measured, and a few words for people."""

    version: Literal[1]
    id: BenchmarkId
    title: str = ""
    description: str = ""
    licence: str = ""
    source: str = ""
    owner: str = ""
    tracking: Literal["required", "optional"] = "optional"
    task: Literal["binary", "multiclass"]
    target: str
    positive_label: str | None = None
    labels: tuple[str, ...]
    data: DataSpec
    lineage: LineageSpec | None = None
    columns: dict[str, ColumnSpec]
    privacy: PrivacySpec = PrivacySpec()
    model: ModelSpec
    baseline: BaselineSpec = BaselineSpec()
    metrics: MetricsSpec
    delta_one: DeltaOneSpec = DeltaOneSpec()
    guardrails: dict[MetricName, GuardrailSpec] = Field(default_factory=dict)
    slices: dict[SliceName, SliceSpec] = Field(default_factory=dict)
    class_guardrails: dict[ClassMetricName, GuardrailSpec] = Field(default_factory=dict)
    slice_guardrails: dict[MetricName, GuardrailSpec] = Field(default_factory=dict)
    min_group_rows: Annotated[Integer, Field(ge=2)] = 30
    intake: IntakeSpec = IntakeSpec()
    sampling: SamplingSpec = SamplingSpec()
    test_split: TestSplitSpec | None = None
    seed: Annotated[Integer, Field(ge=0, lt=2**32)] = 0

    @field_validator("version", mode="before")
    @classmethod
    def _is_no_boolean(cls, value: object) -> object:
        # To Python true is 1.
        return str(value).lower() if isinstance(value, bool) else value

    @field_validator("labels")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) < 2 or len(set(value)) != len(value):
            raise ValueError("at least two labels, each once")
        return tuple(sorted(value))

    @model_validator(mode="after")
    def _fits_together(self) -> "BenchmarkSpec":
        if not self.columns:
            raise ValueError("columns: at least one feature column is needed")
        if self.target in self.columns:
            raise ValueError(f"columns: {self.target!r} is the target and can't be a feature")
        if self.task == "binary":
            if len(self.labels) != 2:
                raise ValueError(f"labels: a binary task has 2 labels, found {len(self.labels)}")
            if self.positive_label not in self.labels:
                raise ValueError(
                    f"positive_label: found {self.positive_label!r}, "
                    f"allowed is one of {list(self.labels)}"
                )
        elif self.positive_label is not None:
            raise ValueError("positive_label: only a binary task has one")
        if self.metrics.average == "binary" and self.task != "binary":
            raise ValueError("metrics.average: 'binary' needs task: binary; use macro or weighted")
        if unmeasured := sorted(set(self.guardrails) - set(self.metrics.names)):
            raise ValueError(
                f"guardrails: {unmeasured} not measured; add to metrics.secondary "
                f"or use one of {list(self.metrics.names)}"
            )
        return self

    @model_validator(mode="after")
    def _slices_fit(self) -> "BenchmarkSpec":
        columns = {name: (column.type, column.pii) for name, column in self.columns.items()}
        if told := slice_misfits(self.slices, columns, self.metrics.names):
            raise ValueError("; ".join(told))
        if self.slice_guardrails and not self.slices:
            raise ValueError("slice_guardrails: there are no slices to guard; add slices")
        if unmeasured := sorted(set(self.slice_guardrails) - set(self.metrics.names)):
            raise ValueError(
                f"slice_guardrails: {unmeasured} not measured; add to metrics.secondary "
                f"or use one of {list(self.metrics.names)}"
            )
        return self

    @model_validator(mode="after")
    def _names_known_entities(self) -> "BenchmarkSpec":
        configured = (row.entity for row in self.privacy.recognisers)
        known = [f"pii:{entity.lower()}" for entity in (*ENTITIES, *configured)]
        for name, column in self.columns.items():
            if column.pii.startswith("pii:") and column.pii not in known:
                raise ValueError(
                    f"columns.{name}.pii: found {column.pii!r}, "
                    f"allowed are auto, not_pii, drop, {', '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _samples_keep_every_label(self) -> "BenchmarkSpec":
        for key in ("max_train_rows", "max_test_rows"):
            limit = getattr(self.sampling, key)
            if limit is not None and limit < len(self.labels):
                raise ValueError(
                    f"sampling.{key}: found {limit}, allowed from {len(self.labels)} on: "
                    "a sample keeps every label"
                )
        return self

    @property
    def benchmark_version(self) -> int:
        """Which version of the benchmark this is, from 1; each promotion makes the next."""
        return 1 if self.lineage is None else self.lineage.version

    @property
    def average(self) -> str:
        """How precision, recall and F1 are averaged over classes."""
        return self.metrics.average or ("binary" if self.task == "binary" else "macro")

    @property
    def positive_index(self) -> int | None:
        """The positive label's position among the sorted labels, None for multiclass."""
        return None if self.positive_label is None else self.labels.index(self.positive_label)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Feature columns that reach the model, ascending."""
        return tuple(sorted(name for name, spec in self.columns.items() if spec.pii != "drop"))

    def measuring_part(self) -> dict[str, object]:
        """All of the spec that can change a number, as canonical-JSON material.

        Left out are words for people (title, description, licence, source, owner), file names
        (the rows have their own hash), where they came from, and whether MLflow must be reachable.
        """
        words = {
            "title",
            "description",
            "licence",
            "source",
            "owner",
            "tracking",
            "data",
            "lineage",
        }
        part = self.model_dump(mode="python", exclude=words)
        part["baseline"] = self.baseline.model_dump(exclude={"path"})
        result = with_floats_as_text(_with_decimals_as_text(part))
        assert isinstance(result, dict)
        return result

    def spec_hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON of `measuring_part`."""
        return digest(self.measuring_part())
