"""Writing the sidecar of a file: who contributed, with which wallets and weights."""

import os
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from hokusai_assets.contributions.identity import kind_of
from hokusai_assets.contributions.manifest import (
    SIDECAR_SUFFIX,
    TOTAL_BASIS_POINTS,
    parse_manifest,
)
from hokusai_assets.tables.problems import UnreadableFile

_HEADER = """\
Sent with the file of the same name: put this one there first. Ids and the licence are published.
A weight is a share in basis points; all together make 10000. docs/PIPELINE_README.md, "Drops".
"""


def write_sidecar(
    file: Path,
    ids: tuple[str, ...],
    wallets: tuple[str, ...],
    weights: tuple[int, ...],
    licence: str,
) -> None:
    """Write ``<file>.contribution.yaml`` from options, or from what is asked for on the terminal.

    Raises:
        click.UsageError: the options do not fit together, the sidecar would not be valid, or
            there is one; or the file is none that can be contributed.
        click.ClickException: it can't be written.
    """
    try:
        kind_of(file, file.name)
    except UnreadableFile as error:
        raise click.UsageError(str(error)) from None
    target = file.with_name(file.name + SIDECAR_SUFFIX)
    if os.path.lexists(target):
        raise click.UsageError(f"{target} exists; edit it, or remove it first")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        # Said before anything is asked.
        raise _unwritable(target, "permission denied")
    if ids:
        contributors = _from_options(ids, wallets, weights)
    elif wallets or weights:
        raise click.UsageError("--wallet and --weight go with a --contributor each")
    else:
        contributors, licence = _asked(licence)
    document: dict[str, Any] = {"contributors": contributors}
    if licence:
        document["licence"] = licence
    manifest, problems = parse_manifest(_yaml(document).encode(), name=target.name)
    if problems:
        raise click.UsageError("; ".join(problem.message for problem in problems))
    # As the sidecar will be read: with the checksummed form of a wallet.
    text = _yaml(manifest.model_dump(exclude_defaults=True, mode="json"))
    try:
        _create(target, text)
    except OSError as error:
        raise _unwritable(target, error.strerror) from None
    click.echo(f"Written: {target}")


def _create(target: Path, text: str) -> None:
    """Write a new file, whole or not at all."""
    with target.open("x", encoding="utf-8") as stream:
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            target.unlink(missing_ok=True)
            raise


def _unwritable(target: Path, why: str) -> click.ClickException:
    return click.ClickException(
        f"{target} can't be written: {why}; copy the data file to a folder of your own first"
    )


def _from_options(
    ids: tuple[str, ...], wallets: tuple[str, ...], weights: tuple[int, ...]
) -> list[dict[str, Any]]:
    if not weights and len(ids) == 1:
        weights = (TOTAL_BASIS_POINTS,)
    if len(weights) != len(ids):
        raise click.UsageError("give one --weight per --contributor; they sum to 10000")
    if wallets and len(wallets) != len(ids):
        raise click.UsageError("give one --wallet per --contributor, or none at all")
    given = wallets or ("",) * len(ids)
    return [_entry(*parts) for parts in zip(ids, given, weights, strict=True)]


def _entry(contributor: str, wallet: str, weight: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": contributor}
    if wallet:
        entry["wallet"] = wallet
    return entry | {"weight_bps": weight}


def _asked(licence: str) -> tuple[list[dict[str, Any]], str]:
    contributors: list[dict[str, Any]] = []
    left = TOTAL_BASIS_POINTS
    while left > 0:
        who = click.prompt(
            f"Contributor {len(contributors) + 1}: id (published, no name or address)",
            value_proc=lambda text: _valid("id", text),
        )
        wallet = click.prompt(
            "  wallet (0x and 40 hex digits, empty for none)",
            default="",
            show_default=False,
            value_proc=lambda text: _valid("wallet", text) if text else "",
        )
        weight = click.prompt(
            f"  weight in basis points, of {left} left", default=left, type=click.IntRange(1, left)
        )
        contributors.append(_entry(who, wallet, weight))
        left -= weight
    licence = licence or click.prompt("Licence of the data", default="", show_default=False)
    return contributors, licence


def _valid(key: str, text: str) -> str:
    """Return a valid answer; click asks again on an error."""
    contributor = {"id": "a", "weight_bps": TOTAL_BASIS_POINTS} | {key: text}
    _, problems = parse_manifest(_yaml({"contributors": [contributor]}).encode(), name="answer")
    if problems:
        raise click.UsageError(problems[0].message)
    return text


def _yaml(document: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    stream = StringIO()
    yaml.dump(document, stream)
    header = "".join(f"# {line}\n" for line in _HEADER.splitlines())
    return header + str(stream.getvalue())
