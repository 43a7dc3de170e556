"""Options and look-ups that several verbs share."""

import json
import os
from pathlib import Path
from typing import Any

import click

from hokusai_assets.benchmarks.loading import find_benchmarks
from hokusai_assets.settings import Settings, SettingsError

REJECTED = 3
PLATFORM_FAULT = 1

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

benchmark_option = click.option(
    "--benchmark",
    "-b",
    "benchmark_id",
    metavar="ID",
    help="Which benchmark; `hokusai benchmarks` lists them.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")


def current_settings() -> Settings:
    """Return the settings of the environment; a wrong one is wrong usage."""
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def benchmark_folder(settings: Settings, benchmark_id: str | None) -> Path:
    """Return a benchmark's folder; an unknown id is wrong usage and names the known ones."""
    known = {folder.name: folder for folder in find_benchmarks(settings.benchmarks)}
    if benchmark_id in known:
        return known[benchmark_id]
    listed = ", ".join(known) or f"none in {settings.benchmarks}"
    if benchmark_id is None:
        raise click.UsageError(f"--benchmark ID is needed; known are: {listed}")
    raise click.UsageError(f"no benchmark {benchmark_id!r}; known are: {listed}")


def write_or_print(text: str, output: Path | None) -> None:
    """Write a text to a file, or print it on standard output where none is named."""
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def printable(text: str) -> str:
    """Return a text with its control characters escaped, so that it can't steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
