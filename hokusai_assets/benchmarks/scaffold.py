"""Scaffolding a benchmark folder: data files copied, a commented spec inferred from them."""

import json
import os
import re
import secrets
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.privacy.recognisers import ENTITIES
from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.coercion import coerce_column
from hokusai_assets.tables.columns import COLUMN_TYPES, ColumnType
from hokusai_assets.tables.inference import infer_column_type
from hokusai_assets.tables.problems import UnreadableFile
from hokusai_assets.tables.reading import read_table

_MAX_LABELS = 1000


def scaffold_benchmark(
    root: Path, benchmark_id: str, *, train: Path, test: Path, target: str
) -> Path:
    """Make ``<root>/<id>/`` with both data files and a commented ``benchmark.yaml``.

    Column types are inferred from both files; the spec is meant to be read and corrected.

    Returns:
        The path of the spec.

    Raises:
        SpecError: the id is taken or malformed, a file can't be read, the target is missing,
            has empty cells or has other labels in one file than in the other.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", benchmark_id):
        raise SpecError(
            f"id: found {benchmark_id!r}; allowed are lower-case letters, digits and dashes, "
            "a letter first, at most 40"
        )
    folder = root / benchmark_id
    if folder.exists():
        raise SpecError(f"{folder}: the folder exists; choose another id or remove it")
    base, held_out = _read(train), _read(test)
    for path, table in ((train, base), (test, held_out)):
        if target not in table.column_names:
            names = ", ".join(map(repr, table.column_names[:40]))
            raise SpecError(f"--target: {path.name} has no column {target!r}; it has {names}")
    if absent := [name for name in base.column_names if name not in held_out.column_names]:
        raise SpecError(f"{test.name}: lacks the columns {absent} of {train.name}")
    text = spec_text(
        benchmark_id, base, held_out, target, f"base{train.suffix}", f"test{test.suffix}"
    )
    root.mkdir(parents=True, exist_ok=True)
    draft = root / f".{benchmark_id}-{os.getpid()}-{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        shutil.copyfile(train, draft / f"base{train.suffix}")
        shutil.copyfile(test, draft / f"test{test.suffix}")
        (draft / "benchmark.yaml").write_text(text, encoding="utf-8")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder / "benchmark.yaml"


def spec_text(
    benchmark_id: str,
    base: pa.Table,
    held_out: pa.Table,
    target: str,
    train_name: str,
    test_name: str,
) -> str:
    """Return the commented spec for a base and a test table; see `scaffold_benchmark`."""
    counts, test_counts = _labels(base, target, "--train"), _labels(held_out, target, "--test")
    labels = sorted(counts)
    if absent := sorted(set(labels) - set(test_counts)):
        raise SpecError(f"--test: the labels {absent[:5]} do not occur in the test set")
    if absent := sorted(set(test_counts) - set(labels)):
        raise SpecError(f"--train: the labels {absent[:5]} of the test set do not occur in it")
    binary = len(labels) == 2
    rarer = min(labels, key=lambda label: (counts[label], label))
    columns = {
        name: (base.column(name), held_out.column(name))
        for name in base.column_names
        if name != target
    }
    types = {name: _common_type(*pair) for name, pair in columns.items()}
    if not any(types.values()):
        raise SpecError(f"--train: there is no column that can be a feature beside {target!r}")
    has_text = "text" in types.values()
    lines = [
        "# Written by `hokusai benchmarks new` from the data: read it, correct it, keep it.",
        "# Every key is explained in docs/PIPELINE_README.md.",
        "version: 1",
        f"id: {benchmark_id}",
        f"title: {benchmark_id}",
        'description: ""   # one sentence: what is predicted, from what',
        'licence: ""       # licence and source of the data, shown beside every result',
        'source: ""',
        'owner: ""         # a team or an e-mail address; shown in the Dagster UI',
        "",
        f"task: {'binary' if binary else 'multiclass'}",
        f"target: {_quoted(target)}",
        f"labels: [{', '.join(map(_quoted, labels))}]   # found in {train_name}",
    ]
    if binary:
        lines.append(f"positive_label: {_quoted(rarer)}   # the rarer one; change it if wrong")
    lines += [
        "data:",
        f"  train: {train_name}   # {base.num_rows} rows",
        f"  test: {test_name}   # {held_out.num_rows} rows, never shown to a model",
        "",
        f"# type: {', '.join(COLUMN_TYPES)}. nullable: may cells be empty?",
        "# pii: auto finds and hashes personal data; not_pii waives the search (recorded);",
        "# drop leaves the column out; pii:email, pii:phone ... hash every cell.",
        "# Entities: " + ", ".join(entity.lower() for entity in ENTITIES[:7]) + ",",
        "# " + ", ".join(entity.lower() for entity in ENTITIES[7:]) + ".",
        "columns:",
    ]
    for name, kind in types.items():
        if kind is None:
            held = columns[name][0].type
            lines.append(f"  # {_quoted(name)} is left out: no type here holds {held}")
            continue
        nullable = any(_has_missing(column) for column in columns[name])
        lines.append(
            f"  {_quoted(name)}: {{type: {kind}, nullable: {'true' if nullable else 'false'}, "
            "pii: auto}"
        )
    lines += [
        "privacy:",
        "  names_in_text: false   # true: look for person names in texts too, by best effort",
        "  recognisers: []        # entities of your own: {entity: STAFF, pattern: 'EMP-[0-9]{6}'}",
    ]
    estimator = "logistic_regression" if has_text else "hist_gradient_boosting"
    lines += [
        "",
        "model:",
        "  # logistic_regression, sgd, random_forest, hist_gradient_boosting (no text columns),",
        "  # naive_bayes, linear_svm, or package.module:factory",
        f"  estimator: {estimator}",
        "  params: {}   # scikit-learn's parameters of the estimator",
        "baseline:",
        "  source: train   # or mlflow (uri: models:/name/1), or file (path: baseline.skops)",
        "",
        "metrics:",
        "  # accuracy, precision, recall, f1, auroc, log_loss, brier",
        f"  primary: {'auroc' if binary else 'accuracy'}   # DeltaOne is decided on this one",
        "  secondary: [accuracy, precision, recall, f1]",
        f"  average: {'binary' if binary else 'macro'}",
        "delta_one:",
        "  min_examples: 800    # test rows below which nothing is accepted",
        "  min_delta_bps: 100   # the least gain that is accepted, in basis points",
        "guardrails: {}         # for example accuracy: {max_drop_bps: 50}",
        "seed: 0",
        "tracking: optional     # required: a run fails when MLflow can't be reached",
        "",
    ]
    return "\n".join(lines)


def _read(path: Path) -> pa.Table:
    try:
        return read_table(path)
    except UnreadableFile as error:
        raise SpecError(str(error)) from None
    except OSError as error:
        raise SpecError(f"{path.name}: the file can't be read: {error.strerror}") from None


def _labels(table: pa.Table, target: str, option: str) -> dict[str, int]:
    """Return how many rows each label has, labels typed as loading will type them."""
    typed, problems = coerce_column(target, table.column(target), "category", nullable=False)
    if problems:
        raise SpecError(f"{option}: " + " ".join(f"{p.message} {p.fix}" for p in problems))
    counts = {item["values"]: item["counts"] for item in pc.value_counts(typed).to_pylist()}
    if not 2 <= len(counts) <= _MAX_LABELS:
        raise SpecError(
            f"{option}: {target!r} has {len(counts)} different values; a target has 2 to "
            f"{_MAX_LABELS}"
        )
    return counts


def _common_type(train: pa.ChunkedArray, test: pa.ChunkedArray) -> ColumnType | None:
    """Infer the type that holds a column of both files."""
    if train.type == test.type:
        return infer_column_type(pa.chunked_array(train.chunks + test.chunks, train.type))
    kinds = {infer_column_type(train), infer_column_type(test)}
    if len(kinds) == 1:
        return kinds.pop()
    if None in kinds:
        return None
    if kinds == {"integer", "number"}:
        return "number"
    return "text" if "text" in kinds else "category"


def _has_missing(column: pa.ChunkedArray) -> bool:
    # What loading will take for missing: a null, a NaN, or text without a visible character.
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        blank = pc.any(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py()
        return bool(column.null_count or blank)
    return bool(pc.any(pc.is_null(column, nan_is_null=True)).as_py())


def _quoted(text: str) -> str:
    # JSON strings are YAML strings; bare words stay readable.
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text)
    words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    if plain and text.lower() not in words:
        return text
    # JSON escapes pairs of surrogates, which YAML does not read; YAML wants more escaped.
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped)
