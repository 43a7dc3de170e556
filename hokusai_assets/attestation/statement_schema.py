"""The form of a statement as JSON Schema (Draft 2020-12), and as a table for people.

The schema is made from `StatementForm` and kept beside this module, so that whoever has no Python
can read it; a test holds both to be the same. What JSON Schema can't say: numbers are written as
integers (RFC 8785 writes 1.0 as 1, so a canonical payload has no other form), and the relations
between fields, which `hokusai verify` checks.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hokusai_assets.attestation.statement_form import StatementForm

SCHEMA_ID = "https://hokus.ai/attestations/metric-delta/v1/statement.schema.json"
SCHEMAS_FOLDER = Path(__file__).parent / "schemas"
STATEMENT_SCHEMA_FILE = SCHEMAS_FOLDER / "statement.schema.json"
STATEMENT_EXAMPLE_FILE = SCHEMAS_FOLDER / "statement.example.json"


def statement_schema() -> dict[str, Any]:
    """Return the JSON Schema of a statement."""
    schema = StatementForm.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **_without_titles(schema),
    }


def _without_titles(node: Any) -> Any:
    """Leave out pydantic's titles, which repeat the names of keys."""
    if isinstance(node, dict):
        return {
            key: _without_titles(item)
            for key, item in node.items()
            if key != "title" or not isinstance(item, str)
        }
    return [_without_titles(item) for item in node] if isinstance(node, list) else node


def described_fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield path, type and meaning of every field of a schema, in order.

    A path has ``[]`` for an item of a list and ``<name>`` for a key that is data; a form that
    stands in several places is described at the first.
    """
    seen: set[str] = set()

    def walk(node: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
        for name, field in node.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            kind, nested, ending = _kind(field)
            # Pydantic leaves a field's words out where they are those of its form.
            own = schema["$defs"].get(nested or "", {}).get("description", "")
            yield place, kind, field.get("description", own)
            if nested and nested not in seen:
                seen.add(nested)
                yield from walk(schema["$defs"][nested], place + ending)

    yield from walk(schema, "")


def _kind(field: dict[str, Any]) -> tuple[str, str | None, str]:
    """Return a field's type in words, the form it holds if any, and what its path goes on with."""
    if "$ref" in field:
        return "object", field["$ref"].rpartition("/")[2], ""
    if "anyOf" in field:
        kinds = [_kind(part) for part in field["anyOf"]]
        nested = next((form for _, form, _ in kinds if form), None)
        return " or ".join(kind for kind, _, _ in kinds), nested, ""
    if field.get("type") == "array":
        items = field.get("items", {})
        kind, nested, ending = _kind(items) if items else ("array", None, "")
        return f"list of {kind}", nested, f"[]{ending}"
    if field.get("type") == "object":
        inner: dict[str, Any] = field.get("additionalProperties") or next(
            iter(field.get("patternProperties", {}).values()), {}
        )
        kind, nested, ending = _kind(inner)
        return f"object of {kind}", nested, f".<name>{ending}"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"]), None, ""
    if "prefixItems" in field:
        return "list", None, ""
    words = {"pattern": "", "minimum": " >= {}", "exclusiveMinimum": " > {}", "maximum": " <= {}"}
    limits = "".join(
        word.format(field[key]) for key, word in words.items() if key in field and word
    )
    text = {r"^[0-9a-f]{64}$": "64 hex digits"}.get(field.get("pattern", ""), field.get("type", ""))
    return f"{text}{limits}", None, ""


def field_table() -> str:
    """Return a Markdown table of all fields."""
    lines = ["| field | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{path}` | {kind} | {meaning} |"
        for path, kind, meaning in described_fields(statement_schema())
    ]
    return "\n".join(lines)


def schema_text() -> str:
    """Return the schema as it is kept in the package."""
    return json.dumps(statement_schema(), indent=2, ensure_ascii=False) + "\n"
