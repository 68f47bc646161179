"""Reads a site's own words: a TSV of phrases (`phrase`, `code`) or of abbreviations (`short`, `expansion`).

Further columns are for the site's own use. Lines that are empty or begin with # are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import Facts, ImportedPhrase, ImportRefusedError

_PHRASES, _SHORTS = ("phrase", "code"), ("short", "expansion")


def is_site(text: str) -> bool:
    """Whether the first line is one of the headers."""
    return _header(text) in (_PHRASES, _SHORTS)


def _header(text: str) -> tuple[str, ...]:
    return tuple(cell.strip().lower() for cell in text.split("\n", 1)[0].split("\t")[:2])


def read_site(name: str, text: str, codeset: CodeSet) -> Facts:
    """Every row, or the file is refused with the line that is wrong."""
    if not text.endswith("\n"):
        raise ImportRefusedError(f"{name} ends within a line: truncated, or its last line lacks a line end")
    rows = list(_rows(name, text))
    if not rows:
        raise ImportRefusedError(f"{name} has a header and no row")
    if _header(text) == _SHORTS:
        return Facts("site abbreviations", "", shorts=tuple((short, expansion) for _, short, expansion in rows))
    phrases = []
    for number, phrase, written in rows:
        code = codeset.normalize_code(written)
        if code is None:
            raise ImportRefusedError(f"{name}, line {number}: {written!r} is no ICD-10-CM code of a release known")
        phrases.append(ImportedPhrase(code, phrase, detect=True))
    return Facts("site phrases", "", phrases=tuple(phrases))


def _rows(name: str, text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.split("\n")[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise ImportRefusedError(f"{name}, line {number}: expected two cells with a tab between")
        yield number, cells[0], cells[1]
