"""Lists of numbers: rows of digit groups that are too long, or too even, for a telephone number."""

from __future__ import annotations

import re
from functools import lru_cache

# A number has 8 groups at most. From 7 digits on, a group can be a whole number by itself.
_MOST_AT_ONCE = 60
_GROUP = "[0-9]{1,6}(?![0-9])"
_SEPARATORS = r"[ \t./-]{1,4}"
_ONE_SEPARATOR = re.compile(
    rf"{_GROUP}({_SEPARATORS}){_GROUP}(?:\1{_GROUP}){{7,{_MOST_AT_ONCE - 2}}}"
)
# Numbers beside each other have one separator inside them and another between them; so many of
# groups as long as each other are a list even so.
_ANY_SEPARATOR = re.compile(rf"{_GROUP}(?:{_SEPARATORS}{_GROUP}){{24,{_MOST_AT_ONCE - 1}}}")
_DIGITS = re.compile("[0-9]+")
_GOES_ON = re.compile(r"[ \t./()-]{1,4}[0-9]")
# What may belong to a number that begins in the list's last groups, and how many those are.
_LAST_GROUPS = 3
_NEXT_LIST = 9
_PAIRS = 5
_REACH = 90


def list_end(text: str, start: int) -> int:
    """Return where to look for numbers next if a list of more than 8 groups begins at `start`.

    That is its end, or a group in it that may begin a number; `start` where there is no list.
    """
    match = _ONE_SEPARATOR.match(text, start)
    if match is None:
        match = _ANY_SEPARATOR.match(text, start)
        if match is None or len({len(group) for group in _DIGITS.findall(match[0])}) > 1:
            return start
    groups = list(_DIGITS.finditer(text, start, match.end()))
    even = len({len(group[0]) for group in groups}) == 1
    if _is_numbers([group[0] for group in groups]) or (not even and _dials_abroad(groups[0][0])):
        return start
    if not _GOES_ON.match(text, match.end()):
        end = match.end()
    elif len(groups) == _MOST_AT_ONCE:
        # What is left must still be seen to be a list.
        end = groups[-_NEXT_LIST].start()
    else:
        end = groups[-_LAST_GROUPS].start()
    if not even:
        for group in groups[1:]:
            if group.start() < end and _dials_abroad(group[0]):
                return group.start()
    return end


def _dials_abroad(group: str) -> bool:
    return group.startswith(("00", "011"))


def _is_numbers(groups: list[str]) -> bool:
    """Tell numbers of one grouping beside each other: 415 555 2671 415 555 2672 ..."""
    shape = list(map(len, groups))
    if set(shape) == {2}:
        heads = groups[::_PAIRS]
        return len(groups) % _PAIRS == 0 and all(_is_french_head(head) for head in heads)
    return any(
        len(shape) % size == 0
        and len(set(shape[:size])) > 1
        and sum(shape[:size]) >= 7
        and 1 not in shape[1:size]
        and shape == shape[:size] * (len(shape) // size)
        for size in (3, 4, 5)
    )


def _is_french_head(group: str) -> bool:
    return group[0] == "0" != group[1]


def is_of_even_list(text: str, start: int, stop: int) -> bool:
    """Tell whether text[start:stop] is groups of one size, and more of that size stand beside it.

    French numbers beside each other, ten pairs or more, are no list.
    """
    groups = _DIGITS.findall(text[start:stop])
    size = len(groups[0])
    if len(groups) < 2 or any(len(group) != size for group in groups[1:]):
        return False
    separator = text[start + size : start + size + 5]
    separator = separator[: len(separator) - len(separator.lstrip(" \t./-"))]
    if not separator or text[start:stop] != separator.join(groups):
        return False
    before, after = _beside(size, separator)
    left = before.search(text[max(0, start - _REACH) : start])
    right = after.match(text[stop : stop + _REACH])
    row = (left[0] if left else "") + text[start:stop] + (right[0] if right else "")
    if len(row) == stop - start:
        return False
    return size != 2 or not _is_numbers(row.split(separator))


@lru_cache(maxsize=64)
def _beside(size: int, separator: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    group, between = f"(?<![0-9])[0-9]{{{size}}}(?![0-9])", re.escape(separator)
    return re.compile(f"(?:{group}{between})+$"), re.compile(f"(?:{between}{group})+")
