"""The sidecar `<file>.contribution.yaml`: who contributed, with which weights and licence."""

from typing import Annotated

import pyarrow as pa
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hokusai_assets.privacy.pseudonymise import residual_personal_data
from hokusai_assets.privacy.wallet_addresses import ZERO_ADDRESS, eip55_checksummed
from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.problems import Problem

SIDECAR_SUFFIX = ".contribution.yaml"
TOTAL_BASIS_POINTS = 10_000
MAX_BYTES = 65_536
# No "@" and no spaces: an id is signed and published, so it can't be an address or a name.
CONTRIBUTOR_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_MAX_LICENCE, _MAX_NOTE = 200, 2000
# What a key must hold, for people who have never heard of the types that it is checked by.
_EXPECTED = {
    "contributors": "a list of {id, wallet, weight_bps}",
    "id": "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or a digit, "
    'and in quotes ("...") if it is all digits',
    "wallet": '0x and 40 hex digits (0 to 9, a to f), in quotes ("0x...")',
    "weight_bps": f"a whole number from 1 to {TOTAL_BASIS_POINTS}",
    "licence": f"text of at most {_MAX_LICENCE} characters",
    "note": f"text of at most {_MAX_NOTE} characters",
    "format": "{delimiter, encoding, decimal}, each optional",
    "delimiter": "text in quotes",
    "encoding": "text",
    "decimal": "text in quotes",
}
_FIX = (
    "Write contributors as a list of {id, wallet (0x and 40 hex digits, optional), weight_bps}; "
    "ids are 1 to 64 letters, digits, dots, dashes or underscores, unique, and the weights sum "
    "to 10000. `hokusai check --init FILE` writes one."
)


class FormatDeclaration(BaseModel):
    """How a CSV file is written, where its sender says so; None means: find out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None

    @model_validator(mode="after")
    def _is_known(self) -> "FormatDeclaration":
        self.declared()
        return self

    def declared(self) -> DeclaredFormat:
        """Return what reading takes."""
        return DeclaredFormat(self.delimiter, self.encoding, self.decimal)


class Contributor(BaseModel):
    """One contributor and their share of whatever the contribution earns.

    A wallet is held in the mixed case of EIP-55. One given in mixed case must have that one, since
    it shows a mistyped digit; one in a single case carries no such proof and is taken as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=CONTRIBUTOR_ID)]
    wallet: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = None
    weight_bps: Annotated[int, Field(strict=True, ge=1, le=TOTAL_BASIS_POINTS)]

    @field_validator("wallet")
    @classmethod
    def _has_its_checksum(cls, wallet: str | None) -> str | None:
        if wallet is None:
            return None
        if wallet == ZERO_ADDRESS:
            raise ValueError("the zero address is nobody's")
        checksummed = eip55_checksummed(wallet)
        digits = wallet[2:]
        if digits not in (digits.lower(), digits.upper(), checksummed[2:]):
            raise ValueError("the address fails its EIP-55 checksum: a digit or a case is mistyped")
        return checksummed


class Manifest(BaseModel):
    """What the sidecar says. Without a sidecar nobody is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contributors: tuple[Contributor, ...] = ()
    licence: Annotated[str, StringConstraints(max_length=_MAX_LICENCE)] = ""
    note: Annotated[str, StringConstraints(max_length=_MAX_NOTE)] = ""
    format: FormatDeclaration = FormatDeclaration()

    @model_validator(mode="after")
    def _shares_the_whole(self) -> "Manifest":
        ids = [contributor.id for contributor in self.contributors]
        if len(set(ids)) != len(ids):
            raise ValueError("a contributor id stands twice")
        total = sum(contributor.weight_bps for contributor in self.contributors)
        if self.contributors and total != TOTAL_BASIS_POINTS:
            raise ValueError(f"the weights sum to {total}, not {TOTAL_BASIS_POINTS}")
        return self


def parse_manifest(
    data: bytes | None, *, name: str = "the sidecar"
) -> tuple[Manifest, list[Problem]]:
    """Parse a sidecar's bytes; None gives the empty manifest.

    Args:
        data: the bytes.
        name: what messages call the sidecar.

    Returns:
        The manifest (empty where the sidecar is wrong) and the problems found, which name
        keys but no values.
    """
    if data is None:
        return Manifest(), []
    if len(data) > MAX_BYTES:
        return Manifest(), [_problem(name, f"it is longer than {MAX_BYTES} bytes")]
    try:
        raw = YAML(typ="safe", pure=True).load(data.decode("utf-8"))
    except (YAMLError, RecursionError, ValueError, TypeError, LookupError, ArithmeticError):
        # Besides its own errors, ruamel.yaml passes on those of int(), datetime() and the like.
        return Manifest(), [_problem(name, "it is not valid UTF-8 YAML")]
    if raw is None:
        return Manifest(), []
    if not isinstance(raw, dict):
        return Manifest(), [_problem(name, "it must hold keys and their values")]
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        return Manifest(), [_problem(name, _without_value(item)) for item in error.errors()]
    problems = _personal_data_problems(manifest, name)
    return (Manifest() if problems else manifest), problems


def _personal_data_problems(manifest: Manifest, name: str) -> list[Problem]:
    # Ids and the licence are signed and published, the note is shown and logged.
    texts = {"licence": manifest.licence, "note": manifest.note}
    texts |= {
        _place(("contributors", i, "id")): who.id for i, who in enumerate(manifest.contributors)
    }
    return [
        _problem(name, f"{key}: it holds personal data ({', '.join(sorted(kinds))}); take it out")
        for key, text in texts.items()
        if (kinds := {f.entity for f in residual_personal_data(_one_cell(text), policies={})})
    ]


def _one_cell(text: str) -> pa.Table:
    return pa.table({"sidecar": [text]})


def _without_value(item: object) -> str:
    """Say in words what is wrong with a key, given pydantic's error."""
    assert isinstance(item, dict)
    place = tuple(item["loc"])
    if item["type"] == "value_error":
        message = str(item["msg"]).removeprefix("Value error, ")
        return f"{_place(place)}: {message}" if place else message
    if item["type"] == "missing":
        return f"{_place(place)}: it is missing; write {_EXPECTED[place[-1]]}"
    if item["type"] == "extra_forbidden" or _UNKNOWN in _place(place):
        return f"{_place(place)}: take it out, or spell it as one of {_known_beside(place)}"
    if isinstance(place[-1], int):
        return f"{_place(place)}: it must be {{id, wallet, weight_bps}}"
    return f"{_place(place)}: it must be {_EXPECTED[place[-1]]}"


_UNKNOWN = "(unknown key)"


def _place(parts: tuple[str | int, ...]) -> str:
    """Say where a key stands: ``contributor 2, wallet``."""
    if len(parts) > 1 and parts[0] == "contributors" and isinstance(parts[1], int):
        who = f"contributor {parts[1] + 1}"
        return ", ".join([who, *map(_shown, parts[2:])])
    return ", ".join(map(_shown, parts))


def _shown(part: str | int) -> str:
    # Keys that are not ours are the sender's, and may hold anything.
    return part if isinstance(part, str) and part in _EXPECTED else _UNKNOWN


def _known_beside(place: tuple[str | int, ...]) -> str:
    model: type[BaseModel] = Manifest
    if len(place) > 1:
        model = Contributor if place[0] == "contributors" else FormatDeclaration
    return ", ".join(model.model_fields)


def _problem(name: str, what: str) -> Problem:
    return Problem("bad-manifest", f"{name}: {what}.", _FIX)
