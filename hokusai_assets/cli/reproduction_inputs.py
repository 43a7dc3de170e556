"""Where `hokusai verify --reproduce` finds what a run was made from."""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from hokusai_assets.attestation.envelope import NoEnvelope, open_envelope
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.reproduction import Inputs
from hokusai_assets.contributions.identity import (
    Contribution,
    UnknownContribution,
    load,
    unregistered,
)
from hokusai_assets.contributions.manifest import SIDECAR_SUFFIX
from hokusai_assets.contributions.row_index import RowIndex, RowIndexError
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.settings import Settings
from hokusai_assets.tables.formats import format_of
from hokusai_assets.tables.problems import UnreadableFile


@contextmanager
def inputs_of(
    envelope: bytes,
    settings: Settings,
    data: Path,
    folders: Sequence[Path],
    history: Path | None,
) -> Iterator[Inputs]:
    """Yield the inputs of an attestation's run, with a scratch folder that is removed.

    Files are looked for in the folders given, else in this home's store. What came before is read
    from the history file, else from this home's own record.

    Raises:
        click.UsageError: the attestation or the record can't be read.
    """
    try:
        _, statement = open_envelope(envelope)
        benchmark_id = str(statement["predicate"]["claim"]["result"]["benchmark"]["id"])
        earlier = (
            history.read_text(encoding="utf-8").split()
            if history
            else RowIndex(settings.row_index(benchmark_id)).recorded()
        )
    except (NoEnvelope, KeyError, TypeError) as error:
        raise click.UsageError(f"--reproduce: {error}") from None
    except (RowIndexError, OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--reproduce, history: {error}") from None
    store = settings.contributions(benchmark_id)
    sent = _sent(folders)

    def find(key: str) -> Contribution:
        if key in sent:
            return sent[key]
        try:
            return load(store, key)
        except UnknownContribution:
            places = ", ".join(map(str, [*folders, store]))
            raise Broken(f"{key}: no such contribution in {places}; --contributions DIR") from None

    with tempfile.TemporaryDirectory(prefix="hokusai-reproduce-") as scratch:
        key = PrivacyKey.from_secret(secrets.token_bytes(32))
        yield Inputs(data, find, earlier, key, Path(scratch))


def _sent(folders: Sequence[Path]) -> dict[str, Contribution]:
    """Return the contributions that files in some folders are, by key."""
    found: dict[str, Contribution] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.name.endswith(SIDECAR_SUFFIX) or format_of(path.name) is None:
                continue
            try:
                contribution = unregistered(path)
            except (UnreadableFile, OSError):
                continue
            found[contribution.key] = contribution
    return found
