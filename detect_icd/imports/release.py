"""Adds a release that is newer than any packaged one, from its order file, to the code set's member."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import NewRelease

_FIRST_PATTERN = 48
_FULL_LENGTH = 8
"""Characters of a code with a 7th one, its dot included."""


def add_release(codes: dict[str, Any], release: NewRelease, titles: Mapping[str, str]) -> None:
    """Change the member so that it knows the release; codes that are gone stay known for the days before."""
    before = CodeSet.from_member(codes)
    if release.effective_from <= before.windows[-1].effective_from:
        return  # known by now: a newer detect-icd has it
    table = before.table
    bit = 1 << len(before.windows)
    billable = frozenset(release.billable)
    names = sorted({*table.codes, *titles})
    lines = dict(zip(table.codes, codes["titles"].split("\n"), strict=True))
    kinds = dict(zip(table.codes, codes["kinds"], strict=True))
    masks = dict(zip(table.codes, (table.patterns[pattern] for pattern in table.pattern_of), strict=True))
    pairs = []
    for code in names:
        if code not in lines:
            lines[code], kinds[code] = titles[code], _kind(code, titles)
        was_billable, was_header = masks.get(code, (0, 0))
        here = code in titles
        pairs.append((was_billable | bit * (code in billable), was_header | bit * (here and code not in billable)))
    patterns = sorted(set(pairs))
    number = {pair: chr(_FIRST_PATTERN + index) for index, pair in enumerate(patterns)}
    first, last = release.effective_from, release.effective_until
    windows = [*codes["windows"]]
    windows[-1] = {**windows[-1], "effective_until": (first - timedelta(days=1)).isoformat()}
    windows.append(
        {
            "name": release.name,
            "fiscal_year": str(release.fiscal_year),
            "effective_from": first.isoformat(),
            "effective_until": last.isoformat(),
            "guidelines": release.name,
        }
    )
    codes.update(
        codes="\n".join(names),
        titles="\n".join(lines[code] for code in names),
        kinds="".join(kinds[code] for code in names),
        patterns=[list(pair) for pair in patterns],
        pattern_of="".join(number[pair] for pair in pairs),
        windows=windows,
        changes=[*codes["changes"], *_changes(before, names, billable, first)],
    )


def _kind(code: str, titles: Mapping[str, str]) -> str:
    """`X` for a code that is another one with a 7th character, `t` for any other."""
    base = code[:-1].rstrip("X.")
    while len(base) > 2 and base not in titles:
        base = base[:-1].rstrip(".")
    extends = len(code) == _FULL_LENGTH and base in titles and titles[code].startswith(f"{titles[base]}, ")
    return "X" if extends else "t"


def _changes(before: CodeSet, names: list[str], billable: frozenset[str], day: date) -> list[list[str]]:
    """A code that is no longer billable is followed by the codes under it."""
    old = before.on(before.last_day)
    found = []
    for code in old.codes():
        if old.is_billable(code) and code not in billable:
            under = names[bisect_left(names, code) + 1 : bisect_left(names, code + "~")]
            found += [[code, other, day.isoformat()] for other in under if other in billable]
    return found
