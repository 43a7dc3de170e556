"""The form of a measurement: each key, the type of its value, and what it means."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Hex256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Ppm = Annotated[int, Field(ge=0, le=1_000_000)]
# Any metric's: a verifier need not have installed the plug-in that defines it.
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ConfidencePpm = Annotated[int, Field(gt=500_000, lt=1_000_000)]


class Form(BaseModel):
    """Every key is needed, and no other is allowed."""

    # Strict: true is no 1 and "1" no number, though Python holds some of them equal.
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class TrainingRowsForm(Form):
    """Rows that each model was trained from."""

    baseline: Count
    """Of the baseline; 0 if it was loaded."""
    new: Positive
    """Of the new model."""


class PredictionsForm(Form):
    """Commitments to what each model said of each test row."""

    baseline_root: Hex256
    """Merkle root over the baseline's prediction leaves."""
    new_root: Hex256
    """Merkle root over the new model's prediction leaves."""


class MetricForm(Form):
    """One metric of both models, and the difference. A ppm is a millionth; 1000000 ppm are 1."""

    metric: MetricName
    """The metric's name."""
    direction: Literal["higher", "lower"]
    """Whether higher or lower is better."""
    baseline_ppm: int
    """The baseline's value, in ppm, rounded half to even."""
    new_ppm: int
    """The new model's value, in ppm, rounded half to even."""
    delta_ppm: int
    """new_ppm - baseline_ppm."""
    relative_delta_ppm: int | None
    """The delta by the baseline's value, in ppm; null where that is 0."""
    low_ppm: int
    """Lower end of the paired interval of the delta, rounded outward."""
    high_ppm: int
    """Upper end, rounded outward."""
    p_value_ppm: Ppm
    """Two-sided p-value of no difference, in ppm."""
    p_holm_ppm: Ppm
    """The same, adjusted for the number of metrics (Holm 1979)."""
    confidence_ppm: ConfidencePpm
    """Level of the interval, in ppm."""
    replicas: Positive
    """Paired trainings that values are means over."""
    test_error_ppm: Count
    """Standard error of the delta from the choice of test rows."""
    training_noise_ppm: Count
    """Standard error from the randomness of training."""
    interval_method: str
    """How the interval was made."""
    p_value_method: str
    """How the p-value was made."""
    improved: bool
    """Whether the delta is on the better side."""


class GroupForm(Form):
    """One metric of one class or slice."""

    kind: Literal["class", "slice"]
    """A class of the target, or a slice of the spec."""
    group: str
    """The class's label or the slice's name."""
    metric: MetricName
    """The metric's name."""
    direction: Literal["higher", "lower"]
    """Whether higher or lower is better."""
    rows: Count
    """Test rows of the group."""
    baseline_ppm: int | None
    """The baseline's value; null where it has none."""
    new_ppm: int | None
    """The new model's value; null where it has none."""
    delta_ppm: int | None
    """new_ppm - baseline_ppm."""
    low_ppm: int | None
    """Lower end of the paired interval."""
    high_ppm: int | None
    """Upper end."""
    error_ppm: Count | None
    """Standard error of the delta under no difference."""
    confidence_ppm: ConfidencePpm
    """Level of the interval, in ppm."""
    interval_method: str
    """How the interval was made."""
    undefined: str | None
    """Why there is no value; null where there is one."""


class MeasurementForm(Form):
    """A new model against a baseline, on one part of the test set."""

    part: Literal["whole", "public", "private"]
    """Which part: all of it, the public or the private part."""
    test_root: Hex256
    """Merkle root over that part's row digests."""
    test_rows: Positive
    """Rows of that part."""
    training_rows: TrainingRowsForm
    """Rows behind each model."""
    predictions: PredictionsForm
    """Commitments to both models' predictions."""
    confusion_cells: Annotated[
        list[list[tuple[str, str, str, Positive]]], Field(min_length=1, max_length=100)
    ]
    """Per replica, test rows by label, baseline's label and new model's label."""
    metrics: dict[MetricName, MetricForm]
    """Per metric, both values and the difference."""
    groups: list[GroupForm]
    """The same by class and by slice."""
