"""What the Dagster UI says of each asset: what it holds and how to read it."""

_TEXTS = {
    "drop": (
        "The data file as a contributor sent it, with its sidecar.",
        "Kept as it came, for good, readable by the operator's user alone. Put a file into the "
        "benchmark's drop folder: the sensor registers it and starts its run.",
    ),
    "baseline_model": (
        "The model that contributions are measured against: trained from the base set, or loaded "
        "from MLflow or a skops file, as the spec's `baseline` says.",
        "`model_sha256` names its bytes. `reused` says that nothing it follows from has changed.",
    ),
    "baseline_evaluation": (
        "The baseline's prediction and scores for every test row, and its metrics.",
        "`metrics` are of the whole test set. Each `metric/…` is plotted over time.",
    ),
    "contributed_data": (
        "The accepted rows of a contribution: typed, personal data hashed, known rows removed, in "
        "canonical order.",
        "`columns` says what became of each column, `rows_removed` what was left out and why. A "
        "contribution that breaks a rule is **rejected**: `rejected_because` has the reasons and "
        "nothing below runs. That is a result, not a fault.",
    ),
    "new_model": (
        "The spec's model, trained from the base set and the contribution.",
        "`train_rows` are both together. `model_sha256` names its bytes.",
    ),
    "new_evaluation": (
        "The new model's prediction and scores for every test row, and its metrics.",
        "Compare `metrics` with those of `baseline_evaluation`; what is sure of the difference "
        "stands in `metric_deltas`.",
    ),
    "metric_deltas": (
        "What the contribution **alone** changes: per metric baseline, new, delta, paired interval "
        "and p-value, and both models' predictions per test row.",
        "An interval that leaves out 0 is a difference that chance does not explain. Each "
        "`delta/…` is plotted over the contributions. Of a test set with a public part it is that "
        "part only: these figures may be shown.",
    ),
    "settlement": (
        "The DeltaOne verdict. With the contribution, the model of the base set and all that was "
        "accepted before it is measured against the one without, at the level that the budget of "
        "the test set allots; an accepted contribution joins them.",
        "`verdict` is the sentence, `conditions` what it stands on. One at a time, in the order of "
        "the ledger; running it again changes nothing. Where the test set has a private part and "
        "the contribution was not accepted, its figures are **for the operator's eyes only**.",
    ),
    "attestation": (
        "The signed statement (in-toto, DSSE) of what was measured.",
        "`attestation` is the file to hand out; check it with `hokusai verify FILE`. `mlflow_run` "
        "leads to the same contribution in MLflow, `report` says how to get its page.",
    ),
    "contribution_values": (
        "What each accepted contribution is worth beside the others, by the method of the run's "
        "config.",
        "An estimate to compare contributions by, not a payment: what is payable is in each "
        "attestation.",
    ),
    "leaderboard": (
        "Who brought how much: all contributions to the benchmark, best first.",
        "**gain** is what the contribution alone changes of the baseline, in percentage points of "
        "the primary metric (of a loss in its own unit), with its interval: all are measured "
        "against the same model on the same rows, so they can be compared. **accepted, pays** is "
        "the DeltaOne decision where it stood in turn, and the basis points that it makes payable. "
        "**credit** is from `contribution_values` and no payment. Of a private part of the test "
        "set nothing is shown of a contribution that it did not accept. Read from an index of "
        "outcomes; refreshed when a contribution or a value changes, at most every two minutes.",
    ),
    "attestation_review": (
        "Every attestation that was issued for the benchmark, verified again.",
        "`attestations_verify` fails if one no longer does; `failed` names it and the check. One "
        "bad one does not stop the others. Refreshed weekly.",
    ),
}


def description_of(asset: str) -> str:
    """Return an asset's description, in Markdown."""
    holds, reading = _TEXTS[asset]
    return f"{holds}\n\n*How to read it:* {reading}"
