"""MLflow's dataset inputs: where rows came from, their content hash and columns; never the rows."""

import json
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark

Context = Literal["base", "contribution", "test"]
# MLflow takes no longer digest; the whole root is in the input's tag and profile.
_DIGEST_LENGTH = 36


def dataset_input(
    context: Context, name: str, *, root: str, rows: int, schema: pa.Schema, source: Path
) -> Any:
    """Return a dataset input of MLflow's.

    Args:
        context: what the rows are for.
        name: of the set.
        root: Merkle root (hex) of the rows.
        rows: how many.
        schema: their columns.
        source: the file or folder they were read from or are kept in.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=root[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": str(source)}),
        schema=json.dumps({"mlflow_colspec": [_column(field) for field in schema]}),
        profile=json.dumps({"num_rows": rows, "merkle_root": root}),
    )
    tags = [InputTag("mlflow.data.context", context), InputTag("merkle_root", root)]
    return DatasetInput(dataset=dataset, tags=tags)


def benchmark_inputs(benchmark: Benchmark, folder: Path) -> list[Any]:
    """Return the base set and the test set of a benchmark, whose files are in a folder."""
    spec = benchmark.spec
    train = [spec.data.train] if isinstance(spec.data.train, str) else list(spec.data.train)
    # Of several files their folder.
    base = folder / train[0] if len(train) == 1 else folder
    sets = (("base", benchmark.base, base), ("test", benchmark.test, folder / spec.data.test))
    return [
        dataset_input(
            context,
            f"{spec.id} {context}",
            root=rows.root,
            rows=rows.count,
            schema=rows.table.schema,
            source=source,
        )
        for context, rows, source in sets
    ]


def _column(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, "type": _mlflow_type(field.type), "required": not field.nullable}


def _mlflow_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "long"
    if pa.types.is_floating(kind):
        return "double"
    return "datetime" if pa.types.is_timestamp(kind) else "string"
