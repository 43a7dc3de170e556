"""Finding and hashing personal data, Parquet to Parquet, beside Microsoft Presidio.

Throughput is rows per CPU-second of the work alone, after imports and a first look at other rows
of the same kind (which builds the automata and loads the numbering plans); the best of three runs,
since other processes slow a CPU down. The peer looks for the same entities as far as
it has pattern recognisers for them, on a spaCy pipeline that only cuts words, and each value that
it finds is replaced by the same keyed token; reading and writing files is left out for it.
"""

from __future__ import annotations

import importlib
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perf.fresh_process import in_fresh_process

BATCH_ROWS = 65_536
SHORT_ROWS = 1_000_000
DENSE_ROWS = 100_000
PHONE_ROWS = 100_000
LARGE_ROWS = 10_000_000
PEER_ROWS = 5_000
WARM_UP_ROWS = 1_000
RUNS = 3
PEER_ENTITIES = {
    "EmailRecognizer": "EMAIL_ADDRESS",
    "PhoneRecognizer": "PHONE_NUMBER",
    "UsSsnRecognizer": "US_SSN",
    "CreditCardRecognizer": "CREDIT_CARD",
    "IbanRecognizer": "IBAN_CODE",
    "IpRecognizer": "IP_ADDRESS",
    "CryptoRecognizer": "CRYPTO",
    "UsPassportRecognizer": "US_PASSPORT",
    "UsLicenseRecognizer": "US_DRIVER_LICENSE",
    "DateRecognizer": "DATE_TIME",
}


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure throughput on short, dense and phone-heavy data, and peak memory on large data."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        for what, maker, count in (
            ("short texts, 1% with personal data", "make_short", SHORT_ROWS),
            ("texts that all hold personal data", "make_dense", DENSE_ROWS),
        ):
            path = str(Path(folder) / f"{maker}.parquet")
            size = max(1000, round(count * scale))
            in_fresh_process(f"perf.bench_privacy:{maker}", path, size)
            peer_rows = max(200, round(PEER_ROWS * min(1.0, scale)))
            ours, peer = 0.0, 0.0
            for _ in range(RUNS):
                ours = max(ours, _result("hash_file", path))
                peer = max(peer, _result("hash_by_presidio", path, peer_rows))
            rows.append(_row(f"hash {size:,} {what}", ours, "rows per CPU-second", peer))
        phones = str(Path(folder) / "phones.parquet")
        size = max(1000, round(PHONE_ROWS * scale))
        in_fresh_process("perf.bench_privacy:make_phones", phones, size)
        ours = max(_result("hash_file", phones) for _ in range(RUNS))
        rows.append(_row(f"hash a column of {size:,} phones", ours, "rows per CPU-second", None))
        large = str(Path(folder) / "large.parquet")
        size = max(10_000, round(LARGE_ROWS * scale))
        in_fresh_process("perf.bench_privacy:make_large", large, size)
        peak = in_fresh_process("perf.bench_privacy:hash_file", large).peak_bytes / 2**20
        rows.append(_row(f"peak memory of hashing {size:,} rows", peak, "MiB", None))
    return rows


def _result(function: str, *arguments: Any) -> float:
    return float(in_fresh_process(f"perf.bench_privacy:{function}", *arguments).result)


def _row(what: str, figure: float, unit: str, peer: float | None) -> dict[str, Any]:
    return {
        "what": what,
        "figure": figure,
        "unit": unit,
        "peer": None if peer is None else "Presidio",
        "peer_figure": peer,
        "ratio": None if peer is None else figure / peer,
    }


# Data -------------------------------------------------------------------------------------------


def make_short(path: str, rows: int) -> None:
    """Write short English texts, one in a hundred with personal data, beside typed columns."""
    _write(path, _short_tables(rows))


def make_large(path: str, rows: int) -> None:
    """Write the same million rows as often as it takes."""
    million = list(_short_tables(min(rows, SHORT_ROWS)))
    times = max(1, rows // SHORT_ROWS)
    _write(path, (table for _ in range(times) for table in million))


def make_dense(path: str, rows: int) -> None:
    """Write texts that all hold personal data, of ten locales."""
    from hokusai_assets_tests.privacy.labelled_corpus import examples

    texts = [example.text for example in examples(rows, 1)]
    random.Random(1).shuffle(texts)
    _write(path, [pa.table({"text": texts})])


def make_phones(path: str, rows: int) -> None:
    """Write a column of telephone numbers under a name that says so."""
    from faker import Faker

    from hokusai_assets_tests.privacy.corpus_templates import LOCALES

    fakes = [Faker(locale) for locale in LOCALES]
    for seed, fake in enumerate(fakes):
        fake.seed_instance(seed)
    numbers = [fakes[row % len(fakes)].phone_number() for row in range(rows)]
    _write(path, [pa.table({"phone": numbers})])


def _short_tables(rows: int) -> Iterator[pa.Table]:
    from faker import Faker

    from hokusai_assets_tests.privacy.labelled_corpus import distractors, examples

    fake = Faker("en_US")
    fake.seed_instance(1)
    words = sorted({fake.word() for _ in range(5000)})
    drawn = random.Random(1)
    personal = iter([example.text for example in examples(rows // 100 + 1, 2)])
    numbers = distractors(max(1, rows // 100), 2)
    random_numbers = np.random.default_rng(1)
    for start in range(0, rows, BATCH_ROWS):
        size = min(BATCH_ROWS, rows - start)
        texts = [" ".join(drawn.choices(words, k=drawn.randrange(4, 13))) for _ in range(size)]
        for row in range(size):
            chance = drawn.random()
            if (start + row) % 100 == 50:
                texts[row] = next(personal)
            elif chance < 0.01:
                # Order numbers, dates, versions and the like.
                texts[row] += " " + drawn.choice(numbers)
            elif chance < 0.1:
                # Prices, counts and years.
                texts[row] += f" {drawn.choice((drawn.randrange(3000), drawn.random() * 100)):.4g}"
        yield pa.table(
            {
                "text": texts,
                "amount": random_numbers.uniform(0, 1e4, size),
                "quantity": random_numbers.integers(0, 100, size),
                "order": random_numbers.integers(2 * 10**9, 10**10, size),
                "when": pa.array(random_numbers.integers(0, 2 * 10**9, size), pa.timestamp("s")),
            }
        )


def _write(path: str, tables: Iterator[pa.Table] | Sequence[pa.Table]) -> None:
    writer: pq.ParquetWriter | None = None
    for table in tables:
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


# Work -------------------------------------------------------------------------------------------


def hash_file(path: str) -> float:
    """Hash a Parquet file to another one beside it; return rows per CPU-second."""
    from hokusai_assets.privacy.keys import PrivacyKey
    from hokusai_assets.privacy.pseudonymise import Pseudonymiser, pseudonymise

    key = PrivacyKey.from_secret(bytes(range(32)))
    # Buffering ahead keeps the whole file in memory.
    source = pq.ParquetFile(path, pre_buffer=False)
    pseudonymise(next(_batches(source)).slice(0, WARM_UP_ROWS), policies={}, key=key)
    target = Path(path).with_suffix(".hashed.parquet")
    started = time.process_time()
    worker = Pseudonymiser(policies={}, key=key)
    for batch in _batches(source):
        worker.survey(batch)
    writer: pq.ParquetWriter | None = None
    for batch in _batches(source):
        done = worker.replace(batch)
        writer = writer or pq.ParquetWriter(target, done.schema, use_dictionary=False)
        writer.write_table(done)
    assert writer is not None
    writer.close()
    used = time.process_time() - started
    target.unlink()
    assert worker.report.rows_hashed > 0
    return float(source.metadata.num_rows / used)


def _batches(source: pq.ParquetFile) -> Iterator[pa.Table]:
    for batch in source.iter_batches(BATCH_ROWS, use_threads=False):
        yield pa.Table.from_batches([batch])


def hash_by_presidio(path: str, rows: int) -> float:
    """Replace what Presidio finds in a sample of a file's texts; return rows per CPU-second."""
    from hokusai_assets.privacy.keys import PrivacyKey
    from hokusai_assets.privacy.tokens import token

    key = PrivacyKey.from_secret(bytes(range(32)))
    column = pq.read_table(path, columns=["text"])["text"]
    places = random.Random(3).sample(range(len(column)), min(rows, len(column)))
    texts = column.take(pa.array(sorted(places))).to_pylist()
    engine = _presidio()
    entities = list(PEER_ENTITIES.values())
    for text in column.slice(0, WARM_UP_ROWS).to_pylist():
        engine.analyze(text, language="en", entities=entities)
    started = time.process_time()
    for text in texts:
        found = engine.analyze(text, language="en", entities=entities)
        for result in sorted(found, key=lambda item: -item.start):
            value = text[result.start : result.end]
            text = text[: result.start] + token("PII", value, key) + text[result.end :]
    return len(texts) / (time.process_time() - started)


def _presidio() -> Any:
    from hokusai_assets.privacy.presidio import _words_only

    presidio = importlib.import_module("presidio_analyzer")
    tldextract = importlib.import_module("tldextract")
    # The list of top-level domains that comes with it, so that nothing is downloaded.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    registry = presidio.RecognizerRegistry(supported_languages=["en"])
    for name in PEER_ENTITIES:
        registry.add_recognizer(getattr(presidio.predefined_recognizers, name)())
    return presidio.AnalyzerEngine(
        registry=registry,
        nlp_engine=_words_only(importlib.import_module("spacy")),
        supported_languages=["en"],
    )
