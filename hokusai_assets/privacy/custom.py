"""Recognisers by configuration: the `privacy` section of a benchmark's spec, checked and built."""

from __future__ import annotations

import importlib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import re2  # type: ignore[import-untyped]
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from hokusai_assets.privacy.columns import header_words
from hokusai_assets.privacy.payment_numbers import luhn_valid, mod97_valid
from hokusai_assets.privacy.phones import PhoneBook
from hokusai_assets.privacy.recognisers import ENTITIES, SPECIFIC, unspecific_recognisers
from hokusai_assets.privacy.recognition import Recogniser, Span
from hokusai_assets.privacy.spans import BatchRecogniser, fold

CONTEXT_REACH = 40
CHUNK_TEXTS = 1024
_FUNCTION = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*"
_CHECKS = ("luhn", "mod97")
_Words = tuple[Annotated[str, StringConstraints(min_length=1, max_length=80)], ...]
_FunctionPath = Annotated[str, StringConstraints(pattern=f"^{_FUNCTION}$")]


class RecogniserError(RuntimeError):
    """A configured function can't be imported, failed, or gave spans that are none.

    The deployment's fault, not a contribution's. Names the function and never holds a text.
    """


class RecogniserSpec(BaseModel):
    """One entity of the deployment's own, found by a pattern or by a function.

    Attributes:
        entity: 2 to 16 capital letters A-Z, none of the built-in entities.
        pattern: RE2, matched on folded text; leftmost matches without overlap are candidates.
        callable: `package.module:function`, takes texts, returns per text its (start, end)
            spans in code points, in order and without overlap. It must judge each text alone.
        validator: what a pattern's candidate must pass: luhn (ISO/IEC 7812-1 over its digits),
            mod97 (ISO 7064 MOD 97-10 over its letters and digits) or `package.module:function`,
            text -> bool.
        context: words of which one must stand, whole, within 40 characters before a candidate.
        header: column names, whole words, that make every value of a column this entity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,16}$")]
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    callable: _FunctionPath | None = None
    validator: Annotated[str, StringConstraints(pattern=rf"^(luhn|mod97|{_FUNCTION})$")] | None = (
        None
    )
    context: _Words = ()
    header: _Words = ()

    @field_validator("entity")
    @classmethod
    def _is_new(cls, entity: str) -> str:
        if entity in ENTITIES:
            raise ValueError(f"{entity} is a built-in entity: choose another name")
        return entity

    @field_validator("pattern")
    @classmethod
    def _is_safe(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            _check_pattern(pattern)
        return pattern

    @field_validator("context", "header")
    @classmethod
    def _has_words(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        if not all(header_words(phrase) for phrase in phrases):
            raise ValueError("context and header hold words with letters")
        return phrases

    @model_validator(mode="after")
    def _is_one_kind(self) -> RecogniserSpec:
        if (self.pattern is None) == (self.callable is None):
            raise ValueError(f"{self.entity}: give either a pattern or a callable")
        if self.callable is not None and (self.validator or self.context):
            raise ValueError(f"{self.entity}: validator and context belong to a pattern")
        # Its own tokens too, whose name is known only here.
        if self.pattern is not None and _pattern(self.pattern).search(f"<{self.entity}>"):
            raise ValueError(f"{self.entity}: the pattern matches the token <{self.entity}:...>")
        return self


class PrivacySpec(BaseModel):
    """How personal data is found beyond the columns' policies.

    Attributes:
        phone_regions: ISO 3166 codes whose national forms count as phones; None for the default.
        names_in_text: whether person names are searched for in running text, by best effort.
        recognisers: the deployment's own entities, each named once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    phone_regions: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    names_in_text: bool = False
    recognisers: tuple[RecogniserSpec, ...] = ()

    @field_validator("phone_regions")
    @classmethod
    def _are_regions(cls, regions: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if regions is not None:
            PhoneBook(regions)
        return regions

    @field_validator("recognisers")
    @classmethod
    def _are_unique(cls, given: tuple[RecogniserSpec, ...]) -> tuple[RecogniserSpec, ...]:
        names = [row.entity for row in given]
        if len(names) != len(set(names)):
            raise ValueError("each entity has one recogniser: join patterns of one entity by |")
        return given


@lru_cache(maxsize=32)
def recognisers_of(spec: PrivacySpec) -> tuple[Recogniser, ...]:
    """Return the recognisers that a spec asks for, of overlapping values the earlier wins.

    In order: its patterns, the built-in entities that have a form of their own, its functions,
    and last phones, addresses and names, so that a function sees a national identity number
    before it is taken for a phone. Raises RecogniserError where a function can't be imported.
    """
    options = {} if spec.phone_regions is None else {"phone_regions": spec.phone_regions}
    patterns = [_by_pattern(row) for row in spec.recognisers if row.pattern is not None]
    functions = [_by_function(row) for row in spec.recognisers if row.callable is not None]
    rest = unspecific_recognisers(names_in_text=spec.names_in_text, **options)
    return (*patterns, *SPECIFIC, *functions, *rest)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _check_pattern(pattern: str) -> None:
    try:
        compiled = _pattern(pattern)
    except re2.error as error:
        reason = error.args[0]
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"not an RE2 pattern ({shown}): RE2 has neither look-around nor back-references"
        ) from None
    for text in ("", "a", "0", "a b", "-"):
        if any(match.start() == match.end() for match in compiled.finditer(text)):
            raise ValueError("the pattern matches the empty string: ask for a character at least")
    for entity in ENTITIES:
        for letters in ("a" * 40, "abcdefghijklmnop" * 2 + "ponmlkji"):
            if compiled.search(f"<{entity}:kabcdef:{letters}>"):
                raise ValueError(
                    f"the pattern matches tokens such as <{entity}:kabcdef:...>: ask for a digit "
                    "or a fixed prefix"
                )


def _luhn(text: str) -> bool:
    digits = re.sub("[^0-9]", "", text)
    return len(digits) > 1 and luhn_valid(digits)


def _mod97(text: str) -> bool:
    return mod97_valid(re.sub("[ -]", "", text))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _without_separators(text: str) -> str:
    return re.sub(r"[\s-]", "", text).casefold()


def _header_phrases(spec: RecogniserSpec) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(header_words(phrase)) for phrase in spec.header)


def _by_pattern(spec: RecogniserSpec) -> BatchRecogniser:
    assert spec.pattern is not None
    accepts: Callable[[str], bool] | None = None
    if spec.validator is not None:
        known: dict[str, Callable[[str], bool]] = {"luhn": _luhn, "mod97": _mod97}
        accepts = known.get(spec.validator) or _Validator(
            spec.entity, spec.validator, _imported(spec.entity, spec.validator)
        )
    context = None
    if spec.context:
        words = "|".join(re.escape(_plain(fold(word))) for word in spec.context)
        context = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    return BatchRecogniser(
        entity=spec.entity,
        pattern=spec.pattern,
        validator=_unused,
        canonicalise=_without_separators if spec.validator in _CHECKS else _plain,
        header_words=_header_phrases(spec),
        trigger=spec.pattern,
        # The header is the configuration's word, so any value bears it out.
        header_evidence=r"\S",
        spans_of=_PatternSpans(_pattern(spec.pattern), accepts, context),
    )


def _by_function(spec: RecogniserSpec) -> BatchRecogniser:
    assert spec.callable is not None
    return BatchRecogniser(
        entity=spec.entity,
        pattern="",
        validator=_unused,
        canonicalise=_plain,
        header_words=_header_phrases(spec),
        trigger="",
        header_evidence=r"\S",
        spans_of=_FunctionSpans(spec.entity, spec.callable, _imported(spec.entity, spec.callable)),
        decides_columns=False,
    )


def _unused(text: str, start: int, end: int, alone: bool) -> Span | None:
    raise AssertionError("a batch recogniser's spans are valid as they come")


def _imported(entity: str, path: str) -> Callable[..., Any]:
    module_name, _, name = path.partition(":")
    found: Any = None
    try:
        found = getattr(importlib.import_module(module_name), name)
    except Exception as error:
        raise RecogniserError(
            f"recogniser {entity}: cannot import {path} ({type(error).__name__}: {error}): "
            "install its package where Hokusai runs, or correct the name"
        ) from error
    if not callable(found):
        raise RecogniserError(f"recogniser {entity}: {path} is not a function")
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _PatternSpans:
    """Finds a pattern's valid values; linear in the text, as RE2 is."""

    pattern: Any
    accepts: Callable[[str], bool] | None
    context: re.Pattern[str] | None

    def __call__(self, texts: Sequence[str]) -> list[list[Span]]:
        return [self._spans(text) for text in texts]

    def _spans(self, text: str) -> list[Span]:
        return [
            (start, end)
            for start, end in (match.span() for match in self.pattern.finditer(text))
            if start < end
            and (self.context is None or self._in_context(text, start))
            and (self.accepts is None or self.accepts(text[start:end]))
        ]

    def _in_context(self, text: str, start: int) -> bool:
        assert self.context is not None
        # One character more, so that the end of a longer word is not taken for a word.
        first = max(0, start - CONTEXT_REACH - 1)
        reach = max(0, start - CONTEXT_REACH) - first
        return self.context.search(text[first:start].casefold(), reach) is not None


def _failure(entity: str, path: str, what: str) -> RecogniserError:
    return RecogniserError(f"recogniser {entity}: {path} {what}")


@dataclass(frozen=True)
class _Validator:
    """A configured text -> bool that can't leak its text by an error."""

    entity: str
    path: str
    function: Callable[[str], Any]

    def __call__(self, text: str) -> bool:
        try:
            return bool(self.function(text))
        except Exception as error:
            kind = type(error).__name__
        # Outside the handler: the error it raised may quote the text, and would come along.
        raise _failure(self.entity, self.path, f"raised {kind}; its message is withheld")


@dataclass(frozen=True)
class _FunctionSpans:
    """A configured batch function, called in chunks, its answers checked."""

    entity: str
    path: str
    function: Callable[[Sequence[str]], Iterable[Iterable[Any]]]

    def __call__(self, texts: Sequence[str]) -> list[list[Span]]:
        found: list[list[Span]] = []
        for first in range(0, len(texts), CHUNK_TEXTS):
            found += self._chunk(list(texts[first : first + CHUNK_TEXTS]))
        return found

    def _chunk(self, texts: list[str]) -> list[list[Span]]:
        kind = ""
        answers: list[list[Span]] = []
        try:
            for spans in self.function(list(texts)):
                pairs = [tuple(map(operator.index, span)) for span in spans]
                answers.append([(start, end) for start, end in pairs])
        except RecogniserError:
            raise  # What a function of ours says about itself, such as how to install it.
        except Exception as error:
            kind = type(error).__name__
        if kind:
            raise _failure(
                self.entity,
                self.path,
                f"raised {kind}, or its spans are no pairs of whole numbers; the message is "
                "withheld, since it may quote data",
            )
        if len(answers) != len(texts):
            raise _failure(
                self.entity,
                self.path,
                f"gave {len(answers)} lists of spans for {len(texts)} texts: give one per text",
            )
        for text, spans in zip(texts, answers, strict=True):
            done = 0
            for start, end in spans:
                if not done <= start < end <= len(text):
                    raise _failure(
                        self.entity,
                        self.path,
                        f"gave the span ({start}, {end}) after {done} in a text of {len(text)} "
                        "characters: spans are in order, not empty and without overlap",
                    )
                done = end
        return answers
