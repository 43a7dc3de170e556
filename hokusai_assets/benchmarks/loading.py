"""Loading a benchmark folder: the spec, and its data typed, pseudonymised, hashed, in order."""

import difflib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hokusai_assets.benchmarks.data_files import is_promoted
from hokusai_assets.benchmarks.groups import AS_WRITTEN, without_none
from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows
from hokusai_assets.benchmarks.sampling import stratified_positions
from hokusai_assets.benchmarks.slices import empty_slices
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.benchmarks.test_split import TestPart, TestSplit, split_test_set
from hokusai_assets.privacy.custom import RecogniserError, recognisers_of
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import PrivacyError, pseudonymise
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.columns import ColumnType
from hokusai_assets.tables.problems import UnreadableFile
from hokusai_assets.tables.reading import read_table

SPEC_FILE = "benchmark.yaml"
VERSIONS_FOLDER = "versions"


@dataclass(frozen=True)
class Benchmark:
    """A validated spec with its base training set and held-out test set.

    ``fingerprint`` is what `fingerprint` gives for the folder: while it stays, loading again
    would give the same benchmark. ``test_file`` is the SHA-256 (hex) of the test set's file.
    """

    spec: BenchmarkSpec
    base: RowSet
    test: RowSet
    fingerprint: str
    test_file: str = ""

    @cached_property
    def split(self) -> TestSplit:
        """What of the test set is shown and what decides."""
        return split_test_set(self.test, self.spec)

    def test_rows_of(self, part: TestPart) -> pa.Table:
        """Return the rows of a part of the test set, in its order."""
        table = self.test.table
        return table if part.positions is None else table.take(pa.array(part.positions))

    @property
    def content_digest(self) -> str:
        """What is measured with; see `benchmark_digest`."""
        return benchmark_digest(self.spec.spec_hash(), self.base.root, self.test.root)


def benchmark_digest(spec_hash: str, base_root: str, test_root: str) -> str:
    """Return the SHA-256 (hex) over a spec's hash and both sets' Merkle roots (each hex)."""
    return hashlib.sha256(f"{spec_hash}|{base_root}|{test_root}".encode()).hexdigest()


def load_spec(folder: Path, *, version: int | None = None) -> BenchmarkSpec:
    """Read and check the spec in a folder.

    Args:
        folder: a benchmark's, called as its id.
        version: an earlier version, as a promotion kept it; by default the one in force.

    Raises:
        SpecError: naming the file, the key, what was found and what is allowed.
    """
    if version is not None and (current := load_spec(folder)).benchmark_version == version:
        return current
    path = folder / SPEC_FILE if version is None else earlier_spec_file(folder, version)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        why = "a benchmark folder needs it" if version is None else f"there is no version {version}"
        raise SpecError(f"{path}: the file is missing; {why}") from None
    except OSError as error:
        raise SpecError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not UTF-8: {error.reason}") from None
    return parse_spec(text, path, folder_name=folder.name)


def earlier_spec_file(folder: Path, version: int) -> Path:
    """Return where the spec of a version that another has replaced is kept."""
    return folder / VERSIONS_FOLDER / f"{version}.yaml"


def parse_spec(text: str, path: Path, *, folder_name: str) -> BenchmarkSpec:
    """Check the text of a spec.

    Args:
        text: YAML.
        path: names it in messages.
        folder_name: which the id must equal.

    Raises:
        SpecError: naming the path, the key, what was found and what is allowed.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        raw = yaml.load(text)
    # ruamel lets errors of its constructors through: ValueError for 2024-02-31, and so on.
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SpecError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise SpecError(f"{path}: found {type(raw).__name__}, a mapping of keys is needed")
    try:
        spec = BenchmarkSpec.model_validate(raw, context=AS_WRITTEN)
    except ValidationError as error:
        lines = "; ".join(_spec_problem(item, raw) for item in error.errors())
        raise SpecError(f"{path}: {lines}") from None
    if spec.id != folder_name:
        raise SpecError(f"{path}: id: found {spec.id!r}, the folder is called {folder_name!r}")
    return spec


def _spec_problem(item: Any, raw: dict[str, Any]) -> str:
    key = ".".join(_written_key(item["loc"], raw)) or "benchmark"
    found = item.get("input")
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_nearest_key(item['loc'])}"
    if item["type"] == "missing":
        return f"{key}: the key is missing"
    shown = "" if isinstance(found, dict) or item["type"] == "empty_group" else f"found {found!r}, "
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "string_type" and isinstance(found, bool | int | float):
        message = "a text is needed: put it in quotes"
    if item["type"] in ("int_type", "int_from_float"):
        quotes = ", without quotes" if isinstance(found, str) else ""
        message = f"an integer is needed{quotes}"
    return message if key == "benchmark" else f"{key}: {shown}{message}"


def _written_key(location: tuple[str | int, ...], raw: Any) -> list[str]:
    """Return the parts of a key as the file has them: a slice may be written without `where`."""
    key, place = [], raw
    for part in location[:-1]:
        in_list = isinstance(place, list) and isinstance(part, int)
        if in_list or (isinstance(place, dict) and part in place):
            place = place[part]
            key.append(str(part))
    shown = [part for part in location[-1:] if isinstance(place, list) or isinstance(part, str)]
    return key + [str(part) for part in shown if part != "[key]"]


def _nearest_key(location: tuple[str | int, ...]) -> str:
    model: Any = BenchmarkSpec
    for part in location[:-1]:
        if hasattr(model, "model_fields"):
            model = model.model_fields[part].annotation
        else:
            # dict[str, X] or tuple[X, ...]: whatever the key or place, X says what is allowed.
            model = next(kind for kind in reversed(get_args(model)) if kind is not Ellipsis)
        model = without_none(model)
    fields = getattr(model, "model_fields", {})
    allowed = sorted(field.alias or name for name, field in fields.items())
    near = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}allowed here: {', '.join(allowed)}"


def column_types(spec: BenchmarkSpec) -> dict[str, ColumnType]:
    """Return the type of every column of a row, features and target, ascending by name."""
    types: dict[str, ColumnType] = {name: column.type for name, column in spec.columns.items()}
    types[spec.target] = "category"
    return dict(sorted(types.items()))


def nullable_columns(spec: BenchmarkSpec) -> dict[str, bool]:
    """Return which columns may have missing cells; the target never may."""
    nullable = {name: column.nullable for name, column in spec.columns.items()}
    return nullable | {spec.target: False}


def privacy_policies(spec: BenchmarkSpec) -> dict[str, str]:
    """Return the privacy policy of every feature column."""
    return {name: column.pii for name, column in spec.columns.items()}


def recognisers_for(spec: BenchmarkSpec) -> tuple[Recogniser, ...]:
    """Return what finds personal data in this benchmark's rows and contributions, in order.

    Raises:
        RecogniserError: a function that the spec names can't be imported.
    """
    return recognisers_of(spec.privacy)


def load_benchmark(
    folder: Path, key: PrivacyKey, *, software_digest: str = "", version: int | None = None
) -> Benchmark:
    """Load a benchmark folder whole.

    Args:
        folder: holds benchmark.yaml and the files it names.
        key: the key for pseudonyms of personal data in base and test rows.
        software_digest: names the code that loads, for the fingerprint.
        version: as for `load_spec`.

    Raises:
        SpecError: the spec, or a data file against it, is wrong.
    """
    spec = load_spec(folder, version=version)
    # Before the rows: a file that changes from now on no longer has this fingerprint.
    digests = _file_digests(folder, spec)
    made_from = _joined(digests, key, software_digest)
    # Each put in order at once, so that no more than one set exists twice.
    base = RowSet.of(_load_rows(folder, spec, spec.data.train, "data.train", key))
    test = RowSet.of(_load_rows(folder, spec, (spec.data.test,), "data.test", key))
    sets = (("data.train", base, spec.data.train), ("data.test", test, (spec.data.test,)))
    for name, part, files in sets:
        present = set(part.table.column(spec.target).unique().to_pylist())
        if absent := [label for label in spec.labels if label not in present]:
            raise SpecError(
                f"{folder / SPEC_FILE}: labels: {absent} do not occur in {name} "
                f"({', '.join(files)}); "
                f"its labels are {sorted(present)}"
            )
    limit = spec.sampling.max_test_rows
    if limit is not None and test.count > limit:
        labels = test.table.column(spec.target)
        test = test.take(stratified_positions(labels, limit, seed=spec.seed, purpose="test-sample"))
    benchmark = Benchmark(spec, base, test, made_from, dict(digests)[spec.data.test])
    try:
        _refuse_empty_slices(benchmark)
    except SpecError as error:
        raise SpecError(f"{folder / SPEC_FILE}: {error}") from None
    return benchmark


def _refuse_empty_slices(benchmark: Benchmark) -> None:
    spec, split = benchmark.spec, benchmark.split
    limit = spec.sampling.max_test_rows
    sampled = "" if limit is None else f" (sampled to max_test_rows, {limit:,})"
    for part in (split.shown, split.deciding):
        of_part = benchmark.test_rows_of(part)
        if empty := empty_slices(of_part, spec):
            which = "" if part.name == "whole" else f"the {part.name} part of "
            raise SpecError(
                f"slices: {empty} hold none of the {of_part.num_rows:,} rows of {which}data.test "
                f"({spec.data.test}){sampled}; correct their conditions or leave them out"
            )


def fingerprint(folder: Path, spec: BenchmarkSpec, key: PrivacyKey, software_digest: str) -> str:
    """SHA-256 (hex) over the files of a benchmark, the key's id and the code's digest."""
    return _joined(_file_digests(folder, spec), key, software_digest)


def _file_digests(folder: Path, spec: BenchmarkSpec) -> list[tuple[str, str]]:
    """Return name and SHA-256 (hex) of every file that a benchmark is made from, in order."""
    files = [("", SPEC_FILE), *(("data.train: ", name) for name in spec.data.train)]
    files.append(("data.test: ", spec.data.test))
    if spec.baseline.path:
        files.append(("baseline.path: ", spec.baseline.path))
    digests = []
    for key_name, name in files:
        try:
            with (folder / name).open("rb") as stream:
                digests.append((name, hashlib.file_digest(stream, "sha256").hexdigest()))
        except OSError:
            raise SpecError(
                f"{folder / SPEC_FILE}: {key_name}{name} can't be read; put it beside the spec"
            ) from None
    return digests


def _joined(digests: Sequence[tuple[str, str]], key: PrivacyKey, software_digest: str) -> str:
    joined = hashlib.sha256(f"{key.key_id}|{software_digest}".encode())
    for _, each in digests:
        joined.update(bytes.fromhex(each))
    return joined.hexdigest()


def _load_rows(
    folder: Path, spec: BenchmarkSpec, file_names: Sequence[str], key_name: str, key: PrivacyKey
) -> pa.Table:
    """Load files beside a spec as one table: typed, personal data as keyed tokens.

    Args:
        folder: where they are.
        spec: says which columns there are, and how each is treated.
        file_names: one or more, whose rows follow one another.
        key_name: the spec's key that names them, for messages.
        key: for pseudonyms.

    Raises:
        SpecError: a file, against the spec, is wrong.
    """
    own = [name for name in file_names if not is_promoted(name)]
    parts = [_load_file(folder, spec, name, key_name, key) for name in own]
    schema = parts[0].schema if parts else None
    for name in file_names:
        if is_promoted(name):
            parts.append(_load_promoted(folder, name, key_name, schema))
    return parts[0] if len(parts) == 1 else pa.concat_tables(parts)


def _load_promoted(
    folder: Path, file_name: str, key_name: str, schema: pa.Schema | None
) -> pa.Table:
    """Load a promoted contribution's rows: typed and pseudonymised by its intake."""
    where = f"{folder / SPEC_FILE}: {key_name}: {file_name}"
    try:
        table = StoredRows.open(folder / file_name).table
    except (OSError, ValueError, pa.ArrowException):
        raise SpecError(
            f"{where} can't be read as promoted rows; bring it back from a copy"
        ) from None
    if schema is not None and table.schema != schema:
        raise SpecError(f"{where} has other columns or types than the base set's own file")
    return table


def _load_file(
    folder: Path, spec: BenchmarkSpec, file_name: str, key_name: str, key: PrivacyKey
) -> pa.Table:
    path = folder / file_name
    where = f"{folder / SPEC_FILE}: {key_name}"
    try:
        raw = read_table(path)
    except UnreadableFile as error:
        raise SpecError(f"{where}: {error}") from None
    except OSError:
        raise SpecError(f"{where}: {file_name} can't be read; put it beside the spec") from None
    types = column_types(spec)
    if absent := [name for name in types if name not in raw.column_names]:
        raise SpecError(
            f"{where}: {file_name} has no column {', '.join(map(repr, absent))}; "
            f"it has {', '.join(map(repr, raw.column_names[:40]))}"
        )
    typed, problems = coerce_table(raw, types, nullable_columns(spec))
    del raw  # as large as what was made of it
    if problems:
        raise SpecError(f"{where}: {file_name}: " + " ".join(p.message for p in problems))
    present = set(typed.column(spec.target).unique().to_pylist())
    if unknown := sorted(present - set(spec.labels)):
        raise SpecError(
            f"{folder / SPEC_FILE}: labels: {file_name} also holds {unknown[:5]}; "
            f"allowed are {list(spec.labels)}"
        )
    try:
        hashed, _ = pseudonymise(
            typed,
            policies=privacy_policies(spec),
            key=key,
            protected=(spec.target,),
            recognisers=recognisers_for(spec),
        )
    except PrivacyError as error:
        raise SpecError(f"{folder / SPEC_FILE}: columns: {error}") from None
    except RecogniserError as error:
        raise SpecError(f"{folder / SPEC_FILE}: privacy.recognisers: {error}") from None
    return hashed


def find_benchmarks(root: Path) -> Iterator[Path]:
    """Yield the benchmark folders under a root, ascending by id."""
    if root.is_dir():
        # A leading dot marks a folder that is being made, or was when its maker died.
        found = (path.parent for path in root.glob(f"*/{SPEC_FILE}"))
        yield from sorted(folder for folder in found if not folder.name.startswith("."))
