"""Sides of the body: of a diagnosis by its official title, of a line by its modifiers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from detect_icd.codeset import Release
from detect_icd.text import normalize_phrase

LEFT, RIGHT = "left", "right"
_SIDE_WORDS = frozenset({LEFT, RIGHT, "bilateral", "unspecified", "side"})
BOTH = frozenset({LEFT, RIGHT})
_BY_MODIFIER = {
    "LT": frozenset({LEFT}),
    "RT": frozenset({RIGHT}),
    "50": BOTH,
    **dict.fromkeys(
        ("FA", "F1", "F2", "F3", "F4", "TA", "T1", "T2", "T3", "T4", "E1", "E2", "LC", "LD"), frozenset({LEFT})
    ),
    **dict.fromkeys(("F5", "F6", "F7", "F8", "F9", "T5", "T6", "T7", "T8", "T9", "E3", "E4"), frozenset({RIGHT})),
}


@lru_cache(maxsize=8192)
def side_of_code(release: Release, code: str) -> frozenset[str]:
    """The sides the code names; empty where it names none, or is none."""
    if code not in release:
        return frozenset()
    words = normalize_phrase(release.wording(code))
    if "bilateral" in words:
        return BOTH
    return frozenset(side for side in (LEFT, RIGHT) if side in words)


def side_of_modifiers(modifiers: Iterable[str]) -> frozenset[str]:
    """The sides the modifiers name; empty where they name none."""
    return frozenset().union(*(_BY_MODIFIER.get(modifier, frozenset()) for modifier in modifiers))


@lru_cache(maxsize=4096)
def sided_siblings(release: Release, code: str) -> tuple[str, ...]:
    """Billable siblings of the same title that name a side, where `code` leaves it open; else nothing."""
    if code not in release:
        return ()
    if "unspecified" not in normalize_phrase(release.wording(code)) or side_of_code(release, code):
        return ()
    extended = release.codeset.table.is_extension(code)
    parent = release.parent((release.parent(code) or code) if extended else code)
    if parent is None:
        return ()
    same = _sideless(release, code)
    return tuple(
        leaf
        for leaf in release.leaves(parent)
        if side_of_code(release, leaf) and (not extended or leaf[-1] == code[-1]) and _sideless(release, leaf) == same
    )


def _sideless(release: Release, code: str) -> frozenset[str]:
    """The words of a title apart from its side."""
    words = normalize_phrase(release.wording(code))
    return frozenset(word.rstrip("s") for word in words if word not in _SIDE_WORDS)
