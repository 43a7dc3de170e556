"""Telephone numbering plans, as the phonenumbers library has them, prepared for fast matching."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import phonenumbers
import re2  # type: ignore[import-untyped]
from phonenumbers import PhoneMetadata

# ISO 3166; where several could take a national form the first one does. Permissive plans, which
# take nearly any digits, stand last.
DEFAULT_REGIONS = (
    "US", "GB", "FR", "IN", "AU", "CA", "MX", "IE", "BE", "NL", "LU", "CH", "ES", "PT", "GR", "SE",
    "NO", "DK", "PL", "CZ", "SK", "HU", "RO", "BG", "HR", "SI", "RS", "UA", "RU", "TR", "IL", "AE",
    "SA", "EG", "PK", "BD", "NP", "PH", "TH", "VN", "SG", "TW", "CN", "JP", "KR", "NZ", "ZA", "NG",
    "KE", "GH", "BR", "AR", "CL", "CO", "PE", "IT", "FI", "ID", "AT", "DE",
)  # fmt: skip
_KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip",
    "pager", "uan", "voicemail",
)  # fmt: skip
# The sets of all regions need about 10 MB of automaton; RE2 gives up where it has too little.
_AUTOMATON_BYTES = 256 << 20
MAX_DIGITS = 15  # ITU-T E.164, calling code included.


@dataclass(frozen=True)
class Plan:
    """One region's plan: calling code, trunk prefix, and RE2 for its national numbers."""

    region: str
    calling_code: str
    trunk: str
    trunk_optional: bool
    any_number: str
    mobile: str
    lengths: tuple[int, ...]


@lru_cache(maxsize=300)
def plan(region: str) -> Plan:
    """Return the plan of an ISO 3166 region; ValueError where the library knows none."""
    metadata: Any = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.country_code is None:
        raise ValueError("phone regions are two-letter ISO 3166 codes known to phonenumbers")
    patterns = [
        description.national_number_pattern
        for kind in _KINDS
        if (description := getattr(metadata, kind)) and description.national_number_pattern
    ]
    trunk = metadata.national_prefix or ""
    optional = trunk in ("", "1") or any(
        form.national_prefix_optional_when_formatting for form in metadata.number_format
    )
    mobile = metadata.mobile.national_number_pattern if metadata.mobile else None
    return Plan(
        region,
        str(metadata.country_code),
        trunk,
        optional,
        "|".join(patterns),
        mobile or "",
        tuple(metadata.general_desc.possible_length),
    )


@lru_cache(maxsize=1)
def _calling_codes() -> dict[str, str]:
    """Return calling code -> the region whose plan stands for it."""
    return {
        str(code): regions[0] for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    }


@lru_cache(maxsize=65_536)
def international(digits: str) -> tuple[str, bool] | None:
    """Split digits that begin with a calling code: (E.164, whether of a length its plan has).

    None where no calling code is assigned or E.164's 15 digits are exceeded.
    """
    codes = _calling_codes()
    code = next((digits[:size] for size in (1, 2, 3) if digits[:size] in codes), None)
    if code is None:
        return None
    region = codes[code]
    national = digits[len(code) :]
    if region == "001":  # Numbers of no country, such as +800.
        return (f"+{digits}", True) if 6 <= len(national) <= 12 else None
    known = plan(region)
    # `+49 (0)30 ...`: the trunk prefix is written, but not dialled. Some plans have leading zeros.
    if known.trunk == "0" and national.startswith("0") and not _possible(known, national):
        national = national.lstrip("0")
    possible = len(national) in known.lengths
    if len(code) + len(national) > MAX_DIGITS or not (possible or len(national) >= 6):
        return None
    return f"+{code}{national}", possible


def _possible(known: Plan, national: str) -> bool:
    return _general(known.region).fullmatch(national) is not None


@lru_cache(maxsize=300)
def _general(region: str) -> re.Pattern[str]:
    return re.compile(f"(?:{plan(region).any_number})")


@dataclass(frozen=True)
class PlanBook:
    """Matches digits against the national forms of some regions, all in one pass.

    region_codes: ISO 3166; the earlier one wins where several would take a number.
    """

    region_codes: tuple[str, ...]

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """The regions' plans, in order; ValueError for an unknown region."""
        return tuple(plan(code) for code in self.region_codes)

    @cached_property
    def _dialled(self) -> _NumberSet:
        return _NumberSet(self.plans, as_dialled=True)

    @cached_property
    def _bare(self) -> _NumberSet:
        return _NumberSet(self.plans, as_dialled=False)

    def dialled(self, digits: str, *, mobile: bool = False) -> str | None:
        """Return E.164 of digits as they are dialled within the first region that has them."""
        return self._dialled.e164(digits, mobile)

    def mobile_from_abroad(self, digits: str) -> bool:
        """Tell a region's mobile number with its calling code before it."""
        return bool(self._from_abroad.Match(digits))

    @cached_property
    def _from_abroad(self) -> Any:
        numbers = re2.Set.FullMatchSet(_options())
        for known in self.plans:
            # North America has no mobile numbers of their own; China's are found as they are.
            if known.mobile and known.calling_code != "1":
                numbers.Add(f"{known.calling_code}(?:{known.mobile})")
        numbers.Add(r"\z[0-9]")  # A set must not be empty.
        numbers.Compile()
        return numbers

    def without_trunk(self, digits: str) -> str | None:
        """Return E.164 of a national number that has lost its trunk prefix, such as a zero."""
        return self._bare.e164(digits, False)


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _AUTOMATON_BYTES
    return options


class _NumberSet:
    """All regions' number patterns as one automaton (RE2's Set)."""

    def __init__(self, plans: Sequence[Plan], *, as_dialled: bool) -> None:
        self._plans = plans
        self._as_dialled = as_dialled
        self._any = re2.Set.FullMatchSet(_options())
        self._mobile = re2.Set.FullMatchSet(_options())
        for known in plans:
            # A pattern must be added for each, so that positions agree; \z\d matches nothing.
            self._any.Add(self._form(known, known.any_number))
            self._mobile.Add(self._form(known, known.mobile or r"\z[0-9]"))
        self._any.Compile()
        self._mobile.Compile()

    def _form(self, known: Plan, numbers: str) -> str:
        if not self._as_dialled or not known.trunk:
            return f"(?:{numbers})"
        return f"(?:{known.trunk}){'?' if known.trunk_optional else ''}(?:{numbers})"

    def e164(self, digits: str, mobile: bool) -> str | None:
        found = (self._mobile if mobile else self._any).Match(digits)
        if not found:
            return None
        known = self._plans[min(found)]
        if self._as_dialled and known.trunk and digits.startswith(known.trunk):
            rest = digits[len(known.trunk) :]
            if not known.trunk_optional or _possible(known, rest):
                digits = rest
        spelled = f"+{known.calling_code}{digits}"
        return spelled if len(spelled) <= MAX_DIGITS + 1 else None
