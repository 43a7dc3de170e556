"""National identity numbers by Microsoft Presidio's pattern recognisers, as an optional extra.

For a benchmark's `privacy: recognisers:`, as `{entity: NATIONALID, callable:
"hokusai_assets.privacy.presidio:national_ids"}`. Patterns and checksums only, on a blank English
spaCy pipeline: no model is needed, and nothing is downloaded.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hokusai_assets.privacy.custom import RecogniserError

INSTALL = "pip install 'hokusai-assets[presidio]'"
MIN_SCORE = 0.5
# Numbers whose countries make them checkable; what Hokusai finds itself is left to it.
NATIONAL_IDS = (
    "EsNifRecognizer",
    "EsNieRecognizer",
    "FiPersonalIdentityCodeRecognizer",
    "InAadhaarRecognizer",
    "InPanRecognizer",
    "ItFiscalCodeRecognizer",
    "KrRrnRecognizer",
    "PlPeselRecognizer",
    "SgFinRecognizer",
    "NhsRecognizer",
    "UkNinoRecognizer",
    "AuTfnRecognizer",
    "AuMedicareRecognizer",
    "UsItinRecognizer",
)


def national_ids(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Return per text the spans of national identity numbers, merged where they overlap.

    A number of digits alone needs one of its recogniser's context words near it, since one in
    ten random numbers passes a check digit; other forms need Presidio's score 0.5. Raises
    RecogniserError, with the line that installs it, where Presidio is missing.
    """
    engine = _engine()
    return [_spans(engine, text) for text in texts]


def _spans(engine: Any, text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    results = engine.analyze(
        text, language="en", score_threshold=MIN_SCORE, return_decision_process=True
    )
    for result in sorted(results, key=lambda item: (item.start, -item.end)):
        value = text[result.start : result.end]
        explained = result.analysis_explanation
        in_context = bool(explained and explained.supportive_context_word)
        if not in_context and not any(character.isalpha() for character in value):
            continue
        if found and result.start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], result.end))
        else:
            found.append((result.start, result.end))
    return found


def is_pesel(number: str) -> bool:
    """Check the last digit of a Polish PESEL number of 11 digits.

    Weights 1 3 7 9 as the Polish act on population registration of 2010 gives them; the digit
    makes the sum a multiple of ten.
    """
    weighted = zip(map(int, number), (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True)
    return sum(digit * weight for digit, weight in weighted) % 10 == 0


@lru_cache(maxsize=1)
def _engine() -> Any:
    """Build the analyser once; the import takes about two seconds."""
    if not all(importlib.util.find_spec(name) for name in ("presidio_analyzer", "spacy")):
        raise RecogniserError(f"the recogniser needs Presidio, which is not installed: {INSTALL}")
    presidio = importlib.import_module("presidio_analyzer")
    spacy = importlib.import_module("spacy")
    registry = presidio.RecognizerRegistry(supported_languages=["en"])
    for name in NATIONAL_IDS:
        kind = getattr(presidio.predefined_recognizers, name)
        # Those of other languages too: their numbers stand in English text as well.
        recogniser = kind(supported_language="en")
        if name == "PlPeselRecognizer":
            # Presidio 2.2.362 compares the last digit with the weighted sum, not its complement.
            recogniser.validate_result = is_pesel
        registry.add_recognizer(recogniser)
    return presidio.AnalyzerEngine(
        registry=registry, nlp_engine=_words_only(spacy), supported_languages=["en"]
    )


def _words_only(spacy: Any) -> Any:
    """Make the NLP engine that cuts a text into words and takes lower case for their lemmas."""
    nlp = importlib.import_module("presidio_analyzer.nlp_engine")
    pipeline = spacy.blank("en")

    class WordsOnly(nlp.NlpEngine):  # type: ignore[misc, name-defined]
        def load(self) -> None:
            return None

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> Any:
            # The tokeniser alone, which has no limit on a text's length.
            words = pipeline.tokenizer(text)
            return nlp.NlpArtifacts(
                entities=[],
                tokens=words,
                tokens_indices=[word.idx for word in words],
                lemmas=[word.lower_ for word in words],
                nlp_engine=self,
                language=language,
            )

        def process_batch(self, texts: Any, language: str, *_: Any, **__: Any) -> Any:
            for text in texts:
                yield text, self.process_text(text, language)

        def is_stopword(self, word: str, language: str) -> bool:
            return bool(pipeline.vocab[word].is_stop)

        def is_punct(self, word: str, language: str) -> bool:
            return bool(pipeline.vocab[word].is_punct)

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["en"]

    return WordsOnly()
