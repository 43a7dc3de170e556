"""Makes a labelled corpus: texts with personal data by Faker, and texts with other numbers.

`python -m hokusai_assets_tests.privacy.labelled_corpus` prints what the recognisers find in it.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from Crypto.Hash import keccak
from faker import Faker

from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import Finding, dissect_all, fold
from hokusai_assets_tests.privacy.corpus_templates import (
    DISTRACTORS,
    LOCALES,
    OTHER_DISTRACTORS,
    OTHER_LOCALES,
    OTHER_TEMPLATES,
    TEMPLATES,
)


@dataclass(frozen=True)
class Example:
    """A text and where its personal data stands: (start, end, entity)."""

    text: str
    labels: tuple[tuple[int, int, str], ...] = ()


_FIELD = re.compile(r"\{([A-Za-z]+)\}")


def examples(
    count: int,
    seed: int,
    locales: Sequence[str] = LOCALES,
    templates: dict[str, tuple[str, ...]] = TEMPLATES,
) -> list[Example]:
    """Make texts with personal data, as many of each locale."""
    made: list[Example] = []
    for position, locale in enumerate(locales):
        fake = Faker(locale)
        fake.seed_instance(seed * 1000 + position)
        drawn = random.Random(f"{seed} {locale}")
        # English is written everywhere.
        usable = [
            text
            for language, texts in templates.items()
            if language in ("en", locale, locale[:2])
            for text in texts
            # Half of them in the locale's own words where it has some.
            for _ in range(1 if language == "en" else 3)
        ]
        share = count // len(locales) + (position < count % len(locales))
        made += [_filled(drawn.choice(usable), fake, drawn) for _ in range(share)]
    return made


def _filled(template: str, fake: Faker, drawn: random.Random) -> Example:
    text, labels, done = "", [], 0
    for field in _FIELD.finditer(template):
        text += template[done : field.start()]
        value = _VALUES[field[1]](fake, drawn)
        if field[1].isupper():
            labels.append((len(text), len(text) + len(value), field[1]))
        text, done = text + value, field.end()
    return Example(text + template[done:], tuple(labels))


def _iban(fake: Faker, drawn: random.Random) -> str:
    value = str(fake.iban())
    if value.startswith("GB") and len(value) != 22:
        # Faker writes British IBANs of a wrong length for locales without IBANs.
        value = str(Faker("de_DE").iban())
    if drawn.random() < 0.4:
        value = " ".join(value[i : i + 4] for i in range(0, len(value), 4))
    return value


def _card(fake: Faker, drawn: random.Random) -> str:
    value = str(fake.credit_card_number())
    if len(value) == 16 and drawn.random() < 0.4:
        value = drawn.choice(" -").join(value[i : i + 4] for i in range(0, 16, 4))
    return value


def _ip(fake: Faker, drawn: random.Random) -> str:
    return str(fake.ipv6() if drawn.random() < 0.25 else fake.ipv4())


def _ethereum(fake: Faker, drawn: random.Random) -> str:
    body = f"{drawn.getrandbits(160):040x}"
    if drawn.random() < 0.5:
        return "0x" + body
    digest = keccak.new(digest_bits=256, data=body.encode()).hexdigest()
    return "0x" + "".join(c.upper() if d > "7" else c for c, d in zip(body, digest, strict=False))


def _base58check(payload: bytes) -> str:
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = alphabet[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _bech32(version: int, program: bytes) -> str:
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    values = [version, *(int(bits[i : i + 5], 2) for i in range(0, len(bits), 5))]
    checked = [3, 3, 0, 2, 3, *values, *[0] * 6]
    state = 1
    for value in checked:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= part if top >> bit & 1 else 0
    state ^= 1 if version == 0 else 0x2BC830A3
    checksum = [state >> 5 * (5 - i) & 31 for i in range(6)]
    return "bc1" + "".join(alphabet[value] for value in (*values, *checksum))


def _bitcoin(fake: Faker, drawn: random.Random) -> str:
    body = drawn.randbytes(20)
    return drawn.choice(
        [
            _base58check(b"\0" + body),
            _base58check(b"\5" + body),
            _bech32(0, body),
            _bech32(1, drawn.randbytes(32)),
        ]
    )


_VALUES: dict[str, Callable[[Faker, random.Random], str]] = {
    "PHONE": lambda fake, drawn: str(fake.phone_number()),
    "EMAIL": lambda fake, drawn: str(fake.email() if drawn.random() < 0.5 else fake.free_email()),
    "SSN": lambda fake, drawn: str(fake.ssn()),
    "IBAN": _iban,
    "CARD": _card,
    "IP": _ip,
    "ETHEREUM": _ethereum,
    "BITCOIN": _bitcoin,
    "name": lambda fake, drawn: str(fake.name()),
    "company": lambda fake, drawn: str(fake.company()),
    "word": lambda fake, drawn: str(fake.word()),
    "city": lambda fake, drawn: str(fake.city()),
    "address": lambda fake, drawn: str(fake.address()).replace("\n", ", "),
}


def distractors(count: int, seed: int, templates: Sequence[str] = DISTRACTORS) -> list[str]:
    """Make texts with numbers and dates that are nobody's."""
    drawn = random.Random(f"distractors {seed}")
    fake = Faker("en_US")
    fake.seed_instance(seed)
    return [
        _FIELD_OR_COUNT.sub(lambda field: _number(field[1], drawn, fake), drawn.choice(templates))
        for _ in range(count)
    ]


_FIELD_OR_COUNT = re.compile(r"\{([a-z]+[0-9]*)\}")


def _number(kind: str, drawn: random.Random, fake: Faker) -> str:
    if re.fullmatch("n[0-9]+", kind):
        size = int(kind[1:])
        return str(drawn.randrange(10 ** (size - 1) if size > 1 else 0, 10**size))
    if re.fullmatch("ver[0-9]", kind):
        sizes = drawn.choice([(3, 10, 30, 10), (20, 10, 10000, 200), (130, 1, 7000, 200)])
        return ".".join(str(drawn.randrange(size)) for size in sizes[: int(kind[3:])])
    return _NUMBERS[kind](drawn, fake)


def _isbn13(drawn: random.Random, fake: Faker) -> str:
    return str(fake.isbn13(separator=drawn.choice(["-", ""])))


_NUMBERS: dict[str, Callable[[random.Random, Faker], str]] = {
    "price": lambda drawn, fake: f"{drawn.uniform(1, 5000):,.2f}",
    "dec": lambda drawn, fake: f"{drawn.uniform(0, 1000):.{drawn.randrange(1, 7)}f}",
    "pct": lambda drawn, fake: f"{drawn.uniform(0, 100):.{drawn.randrange(3)}f}%",
    "lat": lambda drawn, fake: f"{drawn.uniform(-90, 90):.{drawn.randrange(3, 8)}f}",
    "lon": lambda drawn, fake: f"{drawn.uniform(-180, 180):.{drawn.randrange(3, 8)}f}",
    "iso": lambda drawn, fake: str(fake.date()),
    "eudate": lambda drawn, fake: str(fake.date(pattern="%d.%m.%Y")),
    "usdate": lambda drawn, fake: str(fake.date(pattern="%m/%d/%Y")),
    "time": lambda drawn, fake: str(fake.time()),
    "hm": lambda drawn, fake: str(fake.time(pattern="%H:%M")),
    "unix": lambda drawn, fake: str(drawn.randrange(10**9, 2 * 10**9)),
    "unixms": lambda drawn, fake: str(drawn.randrange(10**12, 2 * 10**12)),
    "year": lambda drawn, fake: str(drawn.randrange(1900, 2030)),
    "isbn": _isbn13,
    "isbn10": lambda drawn, fake: str(fake.isbn10(separator=drawn.choice(["-", ""]))),
    "code": lambda drawn, fake: str(fake.bothify("??-####", letters="ABCDEFGHJKLMNPQRSTUVWXYZ")),
    "thousands": lambda drawn, fake: f"{drawn.randrange(10**4, 10**9):,}".replace(
        ",", drawn.choice(",. ")
    ),
    "hex": lambda drawn, fake: f"{drawn.getrandbits(256):064x}",
    "uuid": lambda drawn, fake: str(fake.uuid4()),
    "word": lambda drawn, fake: str(fake.word()),
}


def numeric_columns(rows: int, seed: int) -> pa.Table:
    """Make columns of numbers, and of texts that are numbers, under names that say so."""
    drawn = random.Random(f"columns {seed}")
    fake = Faker("en_US")
    fake.seed_instance(seed)

    def texts(kind: str) -> list[str]:
        return [_number(kind, drawn, fake) for _ in range(rows)]

    return pa.table(
        {
            # As long as phones, cards and social security numbers.
            "order": pa.array([drawn.randrange(2 * 10**9, 10**10) for _ in range(rows)]),
            "parcel": pa.array([drawn.randrange(4 * 10**15, 5 * 10**15) for _ in range(rows)]),
            "amount": pa.array([drawn.randrange(10**9) for _ in range(rows)]),
            "measured": pa.array([drawn.uniform(-1e10, 1e10) for _ in range(rows)]),
            "whole": pa.array([float(drawn.randrange(2 * 10**9, 10**10)) for _ in range(rows)]),
            "clock": pa.array([drawn.randrange(2 * 10**9) for _ in range(rows)], pa.timestamp("s")),
            "order_text": texts("n10"),
            "decimal_text": texts("dec"),
            "thousands_text": texts("thousands"),
            "unix_text": texts("unix"),
            "iso_text": texts("iso"),
            "share_text": texts("pct"),
            "latitude_text": texts("lat"),
        }
    )


@dataclass(frozen=True)
class Score:
    """Of one entity: how many were there, found, and found rightly (counts)."""

    there: int
    found: int
    right: int
    recalled: int

    @property
    def recall(self) -> float:
        return self.recalled / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


def findings(
    texts: Sequence[str], recognisers: Sequence[Recogniser]
) -> list[list[tuple[int, int, str]]]:
    """Return per text the spans that are found in it."""
    dissected = dissect_all(texts, recognisers, lambda _: True)
    return [
        [] if pieces is None else _spans(fold(text), pieces)
        for text, pieces in zip(texts, dissected, strict=True)
    ]


def _spans(text: str, pieces: Sequence[str | Finding]) -> list[tuple[int, int, str]]:
    pattern = "".join(re.escape(p) if isinstance(p, str) else "(.+?)" for p in pieces)
    match = re.fullmatch(pattern, text, re.DOTALL)
    assert match is not None
    entities = [piece.entity for piece in pieces if isinstance(piece, Finding)]
    return [(*match.span(group), entity) for group, entity in enumerate(entities, 1)]


def score(
    made: Sequence[Example], found: Iterable[Sequence[tuple[int, int, str]]]
) -> dict[str, Score]:
    """Compare findings with labels.

    A value is recalled if one finding of its entity covers all of its letters and digits; a
    finding is right if it overlaps a value of its entity.
    """
    there: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    recalled: Counter[str] = Counter()
    for example, spans in zip(made, found, strict=True):
        for start, end, entity in example.labels:
            there[entity] += 1
            recalled[entity] += any(
                kind == entity and not re.search(r"\w", example.text[start : max(first, start)])
                and not re.search(r"\w", example.text[min(last, end) : end])
                for first, last, kind in spans
            )  # fmt: skip
        for first, last, kind in spans:
            counts[kind] += 1
            right[kind] += any(
                kind == entity and first < end and start < last
                for start, end, entity in example.labels
            )
    return {
        entity: Score(there[entity], counts[entity], right[entity], recalled[entity])
        for entity in sorted(there | counts)
    }


def main() -> None:
    """Print the scores."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=4000)
    options.add_argument("--other", action="store_true", help="locales no rule was written by")
    options.add_argument("--show", default="", help="an entity whose errors are shown")
    given = options.parse_args()
    recognisers = default_recognisers()
    locales, templates = (OTHER_LOCALES, OTHER_TEMPLATES) if given.other else (LOCALES, TEMPLATES)
    made = examples(given.count, given.seed, locales, templates)
    found = findings([example.text for example in made], recognisers)
    for entity, row in score(made, found).items():
        print(f"{entity:10} n={row.there:5} recall={row.recall:.4f} precision={row.precision:.4f}")
    others = distractors(
        given.count * 3 // 4, given.seed, OTHER_DISTRACTORS if given.other else DISTRACTORS
    )
    hits = findings(others, recognisers)
    print(f"distractors n={len(others)} hit={sum(map(bool, hits)) / len(others):.4f}")
    if given.show:
        _show(given.show, made, found, others, hits)


def _show(
    entity: str,
    made: Sequence[Example],
    found: Sequence[Sequence[tuple[int, int, str]]],
    others: Sequence[str],
    hits: Sequence[Sequence[tuple[int, int, str]]],
) -> None:
    for example, spans in zip(made, found, strict=True):
        missed = score([example], [spans]).get(entity)
        if missed and (missed.recall < 1 or missed.precision < 1):
            print("WRONG", repr(example.text), [(example.text[a:b], e) for a, b, e in spans])
    for text, spans in zip(others, hits, strict=True):
        if any(kind == entity for _, _, kind in spans):
            print("HIT  ", repr(text), [(text[a:b], e) for a, b, e in spans])


if __name__ == "__main__":
    main()
