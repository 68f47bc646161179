"""Points a coder at what the conventions cannot decide: Excludes1 pairs and sides that were left open."""

from __future__ import annotations

from detect_icd.stages.conventions.draft import Draft
from detect_icd.stages.conventions.patterns import excludes1, title_words

_SIDED = frozenset({"left", "right", "bilateral"})


def conflicts(draft: Draft) -> None:
    """Excludes1 (I.A.12.a) is an alert: unrelated conditions may stand together."""
    seen = set()
    for entry in draft:
        excluded = excludes1(draft.release, entry.code)
        for other in draft:
            pair = frozenset((entry.code, other.code))
            if other is not entry and pair not in seen and other.code.startswith(excluded):
                seen.add(pair)
                message = f"{entry.code} excludes {other.code} (Excludes1): report both only if they are unrelated"
                draft.alert("EXCLUDES1", message, [entry, other], "guideline-I.A.12.a")


def open_sides(draft: Draft) -> None:
    """An unspecified side where a sided code exists (I.B.13) is worth a look."""
    for entry in draft:
        parent = draft.release.parent(entry.code)
        own = title_words(draft.release, entry.code)
        if parent is None or "unspecified" not in own or own & _SIDED:
            continue
        siblings = [title_words(draft.release, code) for code in draft.release.children(parent)]
        if any("left" in words for words in siblings) and any("right" in words for words in siblings):
            message = f"{entry.code} leaves the side open although sided codes exist: the note does not name it"
            draft.alert("UNSPECIFIED_LATERALITY", message, [entry], "guideline-I.B.13")
