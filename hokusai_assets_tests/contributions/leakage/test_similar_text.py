"""Similar texts: all pairs that plain set arithmetic finds, and no others."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions.leakage import similar_text
from hokusai_assets.contributions.leakage.match_keys import normalised_text
from hokusai_assets.contributions.leakage.similar_text import SimilarTexts
from hokusai_assets.contributions.leakage.text_skeletons import (
    NormalisedTexts,
    Skeletons,
    skeletons_of,
)

WORDS = (
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "seven"),
    *("wizards", "brew", "strong", "potions", "near", "misty", "harbour", "towns", "every"),
)


def skeletons(texts: list[str]) -> Skeletons:
    return skeletons_of(normalised_text(pa.array(texts, pa.string())))


def skeleton(text: str) -> str:
    found = skeletons([text])
    return found.content.tobytes().decode()


def is_similar(mine: str, theirs: str) -> bool:
    first, second = skeleton(mine), skeleton(theirs)
    if min(len(first), len(second)) < similar_text.SHORTEST_SKELETON:
        return False
    a, b = ({text[i : i + 4] for i in range(len(text) - 3)} for text in (first, second))
    shared = len(a & b)
    contained = len(b) >= similar_text.SHORTEST_CONTAINED - 3 and shared >= 0.8 * len(b)
    return shared >= 0.7 * len(a | b) or contained


def pairs(mine: list[str], theirs: list[str]) -> set[tuple[int, int]]:
    left, right = SimilarTexts(skeletons(theirs)).pairs(skeletons(mine))
    return set(zip(left.tolist(), right.tolist(), strict=True))


SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A text and the same with letters changed, words taken out, or words put around it."""
    text = draw(SENTENCES)
    letters = list(text)
    for _ in range(draw(st.integers(0, 5))):
        position = draw(st.integers(0, len(letters) - 1))
        letters[position] = draw(st.sampled_from("xyzqj"))
    changed = "".join(letters)[draw(st.integers(0, 4)) :]
    around = draw(st.sampled_from(["{}", "{} " + "padding " * 9, "abcdefgh" * 3 + " {}"]))
    return text, around.format(changed)


@settings(max_examples=150, deadline=None)
@given(st.lists(edited(), min_size=1, max_size=4))
def test_it_finds_what_plain_set_arithmetic_finds(rows: list[tuple[str, str]]) -> None:
    theirs, mine = [row[0] for row in rows], [row[1] for row in rows]
    expected = {
        (i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs) if is_similar(a, b)
    }
    assert pairs(mine, theirs) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(edited(), min_size=2, max_size=6), st.integers(1, 40))
def test_small_steps_change_nothing(rows: list[tuple[str, str]], step: int) -> None:
    theirs, mine = [row[0] for row in rows], [row[1] for row in rows]
    expected = pairs(mine, theirs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similar_text, "_STEP", step)
        assert pairs(mine, theirs) == expected


TEXT = "Congratulations! You have won a free ticket to the final, call us before Monday."


@pytest.mark.parametrize(
    "copy",
    [
        TEXT.upper().replace(" ", ""),
        TEXT.replace("a", "\u0430").replace("o", "0").replace("i", "1"),  # Cyrillic a, digits.
        " ".join(letter + "\u0301" for letter in TEXT),
        TEXT.replace("Monday", "Sunday"),
        TEXT + " " + "haha " * 200,
        "Forwarded from my neighbour, who wants to know if it is true. " * 3 + TEXT,
    ],
    ids=["joined", "look-alikes", "accents", "words", "padded", "quoted"],
)
def test_a_disguised_copy_is_found(copy: str) -> None:
    assert pairs([copy, "something else entirely, of the same length or so"], [TEXT]) == {(0, 0)}


def test_a_text_is_not_similar_to_itself_where_it_does_not_count() -> None:
    texts = skeletons([TEXT, TEXT + " Bye.", "no relation to any other text in here"])
    left, right = SimilarTexts(texts).pairs(texts, other_than=np.arange(3))
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == {(0, 1), (1, 0)}


def test_a_test_set_of_one_template_is_bounded() -> None:
    texts = [f"Your parcel number {n} is waiting at the usual place" for n in range(2000)]
    left, _ = SimilarTexts(skeletons(texts)).pairs(skeletons(texts[:500]))
    assert len(set(left.tolist())) == 500
    assert len(left) <= 500 * 4


def test_words_that_only_the_filter_knows_are_no_matches() -> None:
    index = SimilarTexts(skeletons([TEXT]))
    index._bitmap[:] = True
    left, right = index.pairs(skeletons(["bitte ruf mich morgen an", "und dann noch einmal"]))
    assert left.tolist() == right.tolist() == []


@pytest.mark.parametrize("texts", [[], [""], ["short"], ["ok", "ok"]])
def test_short_texts_and_none_at_all_are_no_error(texts: list[str]) -> None:
    assert pairs(texts, [TEXT]) == pairs([TEXT], texts) == pairs(texts, texts) == set()


def test_skeletons_keep_letters_and_digits_of_every_script() -> None:
    assert skeleton("Héllo, Wörld! 10") == "hellowor1dlo".replace("1", "l")
    assert skeleton("日本 語!") == "日本語"


def test_skeleton_codes_are_equal_for_equal_skeletons_only() -> None:
    values = normalised_text(pa.array(["Free!!", "free", "fre e", "freed", "?!", "!!", "a"]))
    codes = NormalisedTexts(values).skeleton_codes.tolist()
    assert codes[0] == codes[1] == codes[2] != codes[3]
    # Without letters a text stands for itself.
    assert codes[4] != codes[5]
