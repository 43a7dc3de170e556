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
from hokusai_assets.privacy.wallet_addresses import eip55_checksummed
from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.problems import Problem

SIDECAR_SUFFIX = ".contribution.yaml"
TOTAL_BASIS_POINTS = 10_000
MAX_BYTES = 65_536
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

    # No "@" and no spaces: the id is signed and published, so it can't be an address or a name.
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    wallet: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = None
    weight_bps: Annotated[int, Field(strict=True, ge=1, le=TOTAL_BASIS_POINTS)]

    @field_validator("wallet")
    @classmethod
    def _has_its_checksum(cls, wallet: str | None) -> str | None:
        if wallet is None:
            return None
        checksummed = eip55_checksummed(wallet)
        digits = wallet[2:]
        if digits not in (digits.lower(), digits.upper(), checksummed[2:]):
            raise ValueError("the address fails its EIP-55 checksum: a digit or a case is mistyped")
        return checksummed


class Manifest(BaseModel):
    """What the sidecar says. Without a sidecar nobody is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contributors: tuple[Contributor, ...] = ()
    licence: Annotated[str, StringConstraints(max_length=200)] = ""
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
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


def parse_manifest(data: bytes | None) -> tuple[Manifest, list[Problem]]:
    """Parse a sidecar's bytes; None gives the empty manifest.

    Returns:
        The manifest (empty where the sidecar is wrong) and the problems found, which name
        keys but no values.
    """
    if data is None:
        return Manifest(), []
    if len(data) > MAX_BYTES:
        return Manifest(), [_problem(f"it is longer than {MAX_BYTES} bytes")]
    try:
        raw = YAML(typ="safe", pure=True).load(data.decode("utf-8"))
    except (YAMLError, RecursionError, ValueError, TypeError, LookupError, ArithmeticError):
        # Besides its own errors, ruamel.yaml passes on those of int(), datetime() and the like.
        return Manifest(), [_problem("it is not valid UTF-8 YAML")]
    if raw is None:
        return Manifest(), []
    if not isinstance(raw, dict):
        return Manifest(), [_problem("it holds no mapping of keys")]
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        return Manifest(), [_problem(_without_value(item)) for item in error.errors()]
    problems = _personal_data_problems(manifest)
    return (Manifest() if problems else manifest), problems


def _personal_data_problems(manifest: Manifest) -> list[Problem]:
    # Ids and the licence are signed and published, the note is shown and logged.
    texts = {"licence": manifest.licence, "note": manifest.note}
    texts |= {f"contributors.{i}.id": who.id for i, who in enumerate(manifest.contributors)}
    return [
        _problem(f"{key}: it holds personal data ({', '.join(sorted(kinds))}); take it out")
        for key, text in texts.items()
        if (kinds := {f.entity for f in residual_personal_data(_one_cell(text), policies={})})
    ]


def _one_cell(text: str) -> pa.Table:
    return pa.table({"sidecar": [text]})


def _without_value(item: object) -> str:
    assert isinstance(item, dict)
    known = {
        *Manifest.model_fields,
        *Contributor.model_fields,
        *FormatDeclaration.model_fields,
    }
    # Only the place in the list of contributors is a number of ours; others are the sender's.
    parts = [
        str(part) if part in known or (isinstance(part, int) and position == 1) else "(unknown key)"
        for position, part in enumerate(item["loc"])
    ]
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(parts)}: {message}" if parts else message


def _problem(what: str) -> Problem:
    return Problem("bad-manifest", f"sidecar {SIDECAR_SUFFIX}: {what}.", _FIX)
