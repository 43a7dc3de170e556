"""What the Dagster UI and MLflow show of a value: small tables and plain numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.orchestration.experiment_note import PAGES
from hokusai_assets.tables.problems import Problem

_PPM = 1_000_000


def share(ppm: int) -> float:
    """Return parts per million as a fraction."""
    return ppm / _PPM


def schema_of(schema: pa.Schema) -> dg.MetadataValue:
    """Return columns as Dagster shows them."""
    columns = [dg.TableColumn(field.name, str(field.type)) for field in schema if field.name]
    return dg.MetadataValue.table_schema(dg.TableSchema(columns=columns))


def metrics_table(metrics_ppm: Mapping[str, int]) -> dg.MetadataValue:
    """Return one model's metrics as a Markdown table."""
    lines = ["| metric | value |", "|---|---|"]
    lines += [f"| {name} | {share(value):.6f} |" for name, value in metrics_ppm.items()]
    return dg.MetadataValue.md("\n".join(lines))


def deltas_table(metrics: Mapping[str, Mapping[str, Any]]) -> dg.MetadataValue:
    """Return baseline, new, delta and interval per metric as a Markdown table."""
    lines = [
        "| metric | baseline | new | delta | interval of the delta | at | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, delta in metrics.items():
        lines.append(
            f"| {name} | {share(delta['baseline_ppm']):.4f} | {share(delta['new_ppm']):.4f} "
            f"| {share(delta['delta_ppm']):+.4f} "
            f"| {share(delta['low_ppm']):+.4f} … {share(delta['high_ppm']):+.4f} "
            f"| {100 * share(delta['confidence_ppm']):.6g}% "
            f"| {_p_value(delta['p_value_ppm'])} |"
        )
    return dg.MetadataValue.md("\n".join(lines))


def _p_value(ppm: int) -> str:
    # Rounded to 0 it would look impossible.
    return f"{share(ppm):.4f}" if ppm >= 50 else "< 0.0001"


def groups_table(groups: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Return what changed for each class and slice as a Markdown table."""
    lines = [
        "| of | group | rows | metric | baseline | new | delta | interval of the delta |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in groups:
        start = f"| {row['kind']} | {row['group']} | {row['rows']:,} | {row['metric']} "
        if row["delta_ppm"] is None:
            lines.append(f"{start}| | | | {row['undefined']} |")
            continue
        interval = ""
        if row["low_ppm"] is not None:
            interval = f"{share(row['low_ppm']):+.4f} … {share(row['high_ppm']):+.4f}"
        lines.append(
            f"{start}| {share(row['baseline_ppm']):.4f} | {share(row['new_ppm']):.4f} "
            f"| {share(row['delta_ppm']):+.4f} | {interval} |"
        )
    return dg.MetadataValue.md("\n".join(lines))


def problems_text(problems: Sequence[Problem]) -> str:
    """Return what is wrong, or doubtful, one line per rule."""
    return "\n".join(
        f"- **{problem.rule}**: {problem.message} *Fix:* {problem.fix}" for problem in problems
    )


def leakage_table(report: IntakeReport) -> dg.MetadataValue:
    """Return what a contribution shares with the test set, by measure, as a Markdown table."""
    lines = ["| measure | copies | of rows | share | usual | limit |", "|---|---|---|---|---|---|"]
    for found in report.leakage.get("measures", ()):
        lines.append(
            f"| {found['name']} | {found['matched']} | {found['rows']} "
            f"| {share(found['share_ppm']):.2%} | {share(found['natural_ppm']):.2%} "
            f"| {share(found['limit_ppm']):.2%} |"
        )
    return dg.MetadataValue.md("\n".join(lines))


def values_table(contributions: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Return valued contributions as a Markdown table, in basis points."""
    lines = ["| contribution | rows | value (bps) | ± error | share |", "|---|---|---|---|---|"]
    for entry in contributions:
        error, part = entry["error_ppm"], entry["share_ppm"]
        lines.append(
            f"| {entry['contribution']} | {entry['rows']} | {entry['value_ppm'] / 100:+.2f} "
            f"| {'' if error is None else f'{error / 100:.2f}'} "
            f"| {'' if part is None else f'{share(part):.1%}'} |"
        )
    return dg.MetadataValue.md("\n".join(lines))


def conditions_table(conditions: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """Return the conditions of a verdict as a Markdown table."""
    lines = ["| condition | holds | found | required |", "|---|---|---|---|"]
    lines += [
        f"| {row['name']} | {'yes' if row['passed'] else '**no**'} | {row['found']} "
        f"| {row['required']} |"
        for row in conditions
    ]
    return dg.MetadataValue.md("\n".join(lines))


def mlflow_run(url: str, experiment_id: str | None, run_id: str | None) -> dg.MetadataValue:
    """Return the link to an MLflow run; where no address of MLflow's UI is known, its id."""
    if run_id is None:
        return dg.MetadataValue.text("(MLflow was not reachable)")
    if not url:
        return dg.MetadataValue.text(run_id)
    return dg.MetadataValue.url(f"{_run_page(url, experiment_id, run_id)}?{PAGES}")


def report_place(url: str, experiment_id: str | None, run_id: str | None, again: str) -> Any:
    """Return where a contribution's page is: MLflow's copy where that can be seen, and a command.

    Args:
        url: of MLflow's UI, empty where none is known.
        experiment_id, run_id: of the MLflow run that holds it.
        again: the command that makes the page anew.
    """
    told = f"`{again}`"
    if url and run_id:
        page = _run_page(url, experiment_id, run_id)
        told = f"[report.html in MLflow]({page}/artifacts/report.html?{PAGES}), or {told}"
    return dg.MetadataValue.md(told)


def _run_page(url: str, experiment_id: str | None, run_id: str) -> str:
    return f"{url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def json_text(document: object) -> str:
    """Return a document as people read it in MLflow."""
    return json.dumps(document, indent=2, sort_keys=True)
