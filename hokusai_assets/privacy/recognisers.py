"""The table of entities that this version knows, the more specific before the less."""

from __future__ import annotations

from collections.abc import Sequence

from hokusai_assets.privacy import phone_plans
from hokusai_assets.privacy.birth_dates import DOB
from hokusai_assets.privacy.identity_numbers import LICENCE, PASSPORT, SSN
from hokusai_assets.privacy.internet import EMAIL, IP, USERINFO
from hokusai_assets.privacy.payment_numbers import CARD, IBAN
from hokusai_assets.privacy.person_names import names
from hokusai_assets.privacy.phones import phones
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.street_addresses import ADDRESS
from hokusai_assets.privacy.wallet_addresses import BITCOIN, ETHEREUM

# Found by a form or a checksum of their own. Functions of a deployment come after these, and
# before the rest, which would take a national identity number for a phone.
SPECIFIC = (USERINFO, EMAIL, ETHEREUM, BITCOIN, IBAN, IP, CARD, SSN, PASSPORT, LICENCE, DOB)
ENTITIES = (*(row.entity for row in SPECIFIC), "PHONE", "ADDRESS", "NAME")


def default_recognisers(
    phone_regions: Sequence[str] = phone_plans.DEFAULT_REGIONS, *, names_in_text: bool = False
) -> tuple[Recogniser, ...]:
    """Return the recognisers of ENTITIES, in order.

    Of overlapping candidates the earlier row wins: a card is no phone. `phone_regions` are
    ISO 3166 codes whose national number forms are known; of several that would take a number
    the first one does. `+` forms count everywhere. An unknown code raises ValueError.
    """
    return (*SPECIFIC, *unspecific_recognisers(phone_regions, names_in_text=names_in_text))


def unspecific_recognisers(
    phone_regions: Sequence[str] = phone_plans.DEFAULT_REGIONS, *, names_in_text: bool = False
) -> tuple[Recogniser, ...]:
    """Return the recognisers of phones, addresses and names; see `default_recognisers`."""
    return (phones(tuple(phone_regions)), ADDRESS, names(in_text=names_in_text))
