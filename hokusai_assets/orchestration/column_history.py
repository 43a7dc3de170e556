"""What became of a contribution's columns: hashed, dropped, kept or missing; where each is from."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

DROP_ASSET = "drop"
_HASHED_TAG = "hokusai/hashed"


def columns_metadata(
    benchmark_id: str,
    schema: pa.Schema,
    privacy: Mapping[str, Any],
    ignored: int,
    *,
    missing: Collection[str] = (),
) -> dict[str, dg.MetadataValue]:
    """Return schema, lineage and history of the columns of contributed data.

    Args:
        benchmark_id: whose.
        schema: of the rows as they are kept.
        privacy: of the intake report; names columns, never values.
        ignored: how many columns of the file the benchmark does not know; their names are not told.
        missing: columns of the benchmark that the file lacks; no rows of it are kept.
    """
    hashed: dict[str, list[Mapping[str, Any]]] = {}
    for found in privacy.get("columns", ()):
        hashed.setdefault(found["column"], []).append(found)
    sent = [field for field in schema if field.name and field.name not in missing]
    columns = [
        dg.TableColumn(
            field.name,
            str(field.type),
            description=_told(hashed.get(field.name, [])) or None,
            tags={_HASHED_TAG: "-".join(one["entity"] for one in hashed[field.name])[:60]}
            if field.name in hashed
            else None,
        )
        for field in sent
    ]
    drop = dg.AssetKey([benchmark_id, DROP_ASSET])
    lineage = dg.TableColumnLineage(
        {field.name: [dg.TableColumnDep(drop, field.name)] for field in sent}
    )
    return {
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(lineage),
        "columns": dg.MetadataValue.md(_table(schema, hashed, privacy, ignored, missing)),
    }


def _table(
    schema: pa.Schema,
    hashed: Mapping[str, list[Mapping[str, Any]]],
    privacy: Mapping[str, Any],
    ignored: int,
    missing: Collection[str],
) -> str:
    lines = ["| column | type | what was done |", "|---|---|---|"]
    waived = set(privacy.get("waived", ()))
    for field in schema:
        if field.name in missing:
            lines.append(f"| {field.name} | {field.type} | **missing** from the file |")
            continue
        done = _told(hashed.get(field.name, [])) or "kept"
        if field.name in waived:
            done += "; exempt from the search by the spec"
        lines.append(f"| {field.name} | {field.type} | {done} |")
    lines += [f"| {name} | | **dropped** by the spec |" for name in privacy.get("dropped", ())]
    if ignored:
        lines.append(f"| *{ignored:,} more* | | **dropped**: the benchmark does not know them |")
    return "\n".join(lines)


def _told(found: list[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    cells = ", ".join(f"{one['entity']} in {one['cells']:,} cells" for one in found)
    return f"**hashed**: {cells}"
