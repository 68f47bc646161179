"""Finds codes written in the text ("ICD-10: G57.92") and the mention each stands beside.

A number is not a diagnostic statement (Coding Clinic 1Q 2012), so a written code never makes an assignment
alone: it backs the words beside it, and where the two disagree the words win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from detect_icd.codeset import Release
from detect_icd.spans import Span
from detect_icd.stages.mentions import Finding
from detect_icd.stages.sentences import Sentence

# A code by its dot: without one, "B12" is a vitamin and "L5" a vertebra. The code table has the last word.
_CODE = re.compile(r"[A-Z](?<![\w.].)[0-9A-Z][0-9A-Z]\.[0-9A-Z]{1,4}(?![\w])")


def written_codes(
    source: str, sentences: Sequence[Sentence], findings: Sequence[Finding], release: Release
) -> dict[int, str]:
    """Index of a finding -> the code written beside it in its sentence: behind it, or else before it."""
    beside: dict[int, str] = {}
    if not _CODE.search(source):
        return beside
    by_sentence: dict[int, list[int]] = {}
    for n, finding in enumerate(findings):
        by_sentence.setdefault(finding.sentence, []).append(n)
    for number, numbers in by_sentence.items():
        for code, span in _codes_in(source, sentences[number], release):
            before = [n for n in numbers if findings[n].span.before(span)]
            beside.setdefault(before[-1] if before else numbers[0], code)
    return beside


def _codes_in(source: str, within: Sentence, release: Release) -> Iterable[tuple[str, Span]]:
    for found in _CODE.finditer(source, within.start, within.end):
        if found.group() in release:
            yield found.group(), Span(found.start(), found.end())
