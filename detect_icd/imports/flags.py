"""Reads lists of codes with an edit or an indicator, as JSON: Medicare Code Editor lists, AHRQ chronic conditions."""

from __future__ import annotations

import json
import re
from typing import Any

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import Facts, ImportRefusedError, dotted

_EDITS = {
    "manifestation_not_pdx": "manifestation",
    "unacceptable_pdx": "unacceptable",
    "age_newborn": "newborn",
    "age_pediatric": "pediatric",
    "age_maternity": "maternity",
    "age_adult": "adult",
}
_CHRONIC, _NOT_CHRONIC, _UNDECIDED = 1, 0, 9


def is_flags(text: str) -> bool:
    """Whether the text begins as a JSON object that describes itself."""
    return re.match(r'\s*\{\s*"(metadata|description)"\s*:', text) is not None


def read_flags(name: str, text: str, codeset: CodeSet) -> Facts:
    """Flag -> codes; a list without a code that is known is refused."""
    try:
        plain = json.loads(text)
        codes = plain["codes"]
        lists = _edits(codes) if _EDITS.keys() & codes.keys() else {"chronic": _chronic(codes)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ImportRefusedError(
            f"{name}: expected complete JSON with codes, either lists by edit (manifestation_not_pdx ...) or an indicator "
            "0, 1 or 9 for each code"
        ) from None
    known: dict[str, list[str]] = {}
    left_out = 0
    for flag, written in lists.items():
        found = [code for item in written if codeset.table.find(code := dotted(item)) is not None]
        left_out += len(written) - len(found)
        known[flag] = sorted(found)
    if not any(known.values()):
        raise ImportRefusedError(f"{name} lists no code of a release known")
    kind = "chronic conditions" if "chronic" in known else "code edits"
    release = str(plain.get("metadata", plain).get("source_file") or plain.get("retrieved") or "")
    return Facts(kind, release, flags=known, left_out=left_out)


def _edits(codes: dict[str, Any]) -> dict[str, list[str]]:
    return {flag: [row["code"] for row in codes.get(name, [])] for name, flag in _EDITS.items()}


def _chronic(codes: dict[str, Any]) -> list[str]:
    if not codes or set(codes.values()) - {_CHRONIC, _NOT_CHRONIC, _UNDECIDED}:
        raise ValueError("no chronic indicator")
    return [code for code, indicator in codes.items() if indicator == _CHRONIC]
