"""The records of the keys that a home signs or signed with: their public halves and their fate.

Kept in ``<home>/keys/records.json``, replaced whole under a lock (flock). No private key is in it.
Dates are days of UTC, for people and for trust policies; nothing that is hashed holds one.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.public_keys import (
    SHORT_ID,
    PublicKeyError,
    load_public_key,
    parse_public_key,
    public_pem,
)
from hokusai_assets.drafts import replace_file

RECORDS_FILE = "records.json"
DEVELOPMENT_FILE = "signing.ed25519.pem"
DEVELOPMENT_PUBLIC_FILE = "signing.ed25519.pub.pem"
Status = Literal["active", "retired", "revoked"]
Origin = Literal["development", "home", "given", "kms"]
_FORM = 1
_LEAST_PREFIX = 8


class KeyRecordError(ValueError):
    """A key can't be found or changed so; the message says why."""


class DamagedRecords(KeyRecordError):
    """The records can't be read; the message names the file and the remedy."""


@dataclass(frozen=True)
class KeyRecord:
    """One key.

    Attributes:
        id: 64 hex digits, as envelopes name it.
        public_key: SubjectPublicKeyInfo PEM.
        origin: ``development`` (made at first use), ``home`` (made by `hokusai keys`, kept here),
            ``given`` (by a variable or a file) or ``kms``.
        source: the variable, file name or key service's name that it was found by.
        created: when it was made here or first used here.
        status: only an ``active`` key signs; what a ``retired`` one signed before stands, what a
            ``revoked`` one signed does not.
        retired, revoked: since when; None if it is not.
        reason: why it was revoked.
    """

    id: str
    public_key: str
    origin: Origin
    source: str
    created: date
    status: Status = "active"
    retired: date | None = None
    revoked: date | None = None
    reason: str = ""

    @property
    def key(self) -> SSlibKey:
        """The public key."""
        return parse_public_key(self.public_key.encode("ascii"))

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes by name, dates as ISO 8601."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
        }


def record_of(key: SSlibKey, origin: Origin, source: str, today: date) -> KeyRecord:
    """Return the record of a key that is active from today."""
    return KeyRecord(key.keyid, public_pem(key).decode("ascii"), origin, source, today)


def read_records(folder: Path) -> tuple[KeyRecord, ...]:
    """Return a keys folder's records in the order they were made; none where there is no folder.

    Raises:
        DamagedRecords: the file is damaged.
    """
    path = folder / RECORDS_FILE
    try:
        document = json.loads(path.read_bytes())
        if document["form"] != _FORM:
            raise DamagedRecords(f"{path} is of form {document['form']!r}, not {_FORM}")
        return tuple(_parsed(entry) for entry in document["keys"])
    except FileNotFoundError:
        return _before_records(folder)
    except DamagedRecords:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedRecords(
            f"{path} can't be read ({type(error).__name__}): bring it back from a copy, so that "
            "no key that was revoked counts again"
        ) from None


def find_record(records: tuple[KeyRecord, ...], key_id: str) -> KeyRecord | None:
    """Return the record of a key's full id, None where there is none."""
    return next((record for record in records if record.id == key_id), None)


def remember(folder: Path, record: KeyRecord) -> None:
    """Enter a key, unless it is known already."""
    # Every run asks, and only the first has something to write.
    if (folder / RECORDS_FILE).exists() and find_record(read_records(folder), record.id):
        return
    _change(folder, lambda known: _with(known, record))


def succeed(folder: Path, record: KeyRecord, today: date) -> None:
    """Enter a key and retire every other active one: what they signed before stands."""

    def change(known: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
        return tuple(
            replace(other, status="retired", retired=today)
            if other.id != record.id and other.status == "active"
            else other
            for other in _with(known, record)
        )

    _change(folder, change)


def revoke(folder: Path, prefix: str, reason: str, today: date) -> KeyRecord:
    """Mark a key as revoked, for good: nothing that it signed stands.

    Args:
        folder: the keys folder.
        prefix: the id, or its first 8 or more digits.
        reason: why, for whoever reads the policy; one line that is not empty.
        today: the date that is told with it.

    Raises:
        KeyRecordError: no key, or several, have that prefix, or it is revoked already.
    """
    if not reason.strip() or len(reason.splitlines()) > 1:
        raise KeyRecordError("a revoked key needs a reason, in one line")
    changed: list[KeyRecord] = []

    def mark(known: tuple[KeyRecord, ...]) -> tuple[KeyRecord, ...]:
        found = _one(known, prefix)
        if found.status == "revoked":
            raise KeyRecordError(f"{found.id[:SHORT_ID]} is revoked already, since {found.revoked}")
        changed.append(replace(found, status="revoked", revoked=today, reason=reason.strip()))
        return tuple(changed[0] if record is found else record for record in known)

    _change(folder, mark)
    return changed[0]


def _one(records: tuple[KeyRecord, ...], prefix: str) -> KeyRecord:
    found = [record for record in records if record.id.startswith(prefix)]
    if len(prefix) < _LEAST_PREFIX or not found:
        listed = ", ".join(record.id[:SHORT_ID] for record in records) or "none"
        raise KeyRecordError(
            f"no key {prefix!r}; give {_LEAST_PREFIX} or more digits of one of: {listed}"
        )
    if len(found) > 1:
        raise KeyRecordError(f"{len(found)} keys begin with {prefix!r}; give more digits")
    return found[0]


def _with(known: tuple[KeyRecord, ...], record: KeyRecord) -> tuple[KeyRecord, ...]:
    return known if find_record(known, record.id) else (*known, record)


def _change(folder: Path, change: Callable[[tuple[KeyRecord, ...]], tuple[KeyRecord, ...]]) -> None:
    with _locked(folder):
        records = change(read_records(folder))
        document = {"form": _FORM, "keys": [record.to_dict() for record in records]}
        data = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        replace_file(folder / RECORDS_FILE, data.encode(), mode=0o600)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A file of its own: the records are replaced, and a lock on the old file would hold nobody.
    with open(folder / f".{RECORDS_FILE}.lock", "ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _parsed(entry: dict[str, Any]) -> KeyRecord:
    dated = {
        name: date.fromisoformat(entry[name])
        for name in ("created", "retired", "revoked")
        if entry[name] is not None
    }
    record = KeyRecord(**(entry | dated))
    if not all(isinstance(text, str) for text in (record.source, record.reason)):
        raise TypeError("a text is needed")
    if not isinstance(record.created, date):
        raise TypeError("a date is needed")
    if record.status not in get_args(Status) or record.origin not in get_args(Origin):
        raise ValueError("an unknown status or origin")
    # A record under another key's id would let a revoked key through.
    if record.key.keyid != record.id:
        raise ValueError("the id is not the key's")
    return record


def _before_records(folder: Path) -> tuple[KeyRecord, ...]:
    """Return the key of a home that is older than its records."""
    try:
        key = load_public_key(folder / DEVELOPMENT_PUBLIC_FILE)
        seconds = (folder / DEVELOPMENT_FILE).stat().st_mtime
    except (OSError, PublicKeyError):
        return ()
    made = datetime.fromtimestamp(seconds, UTC).date()
    return (record_of(key, "development", DEVELOPMENT_FILE, made),)
