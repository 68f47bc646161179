"""Says what a vague finding is where words anywhere in the note tell: "reflux" in a report on the kidneys.

A sense (`stages.senses`) is chosen by the words before the phrase, so that a stream can settle its sentence. What
only later words tell stays the vague concept it is, and takes over the code alone: codes belong to the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from detect_icd.lexicon import ConceptEntry, Row, terms_of
from detect_icd.stages.mentions import Finding
from detect_icd.stages.senses import contains
from detect_icd.text import NormalizedText

Terms = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a finding is where one of `needs` stands in the note and none of `unless`."""

    entry: ConceptEntry
    needs: Terms
    unless: Terms


class Meanings:
    """The rows of `meanings.tsv`."""

    def __init__(self, rows: Iterable[Row], concepts: Mapping[str, ConceptEntry]) -> None:
        self._of: dict[str, list[_Meaning]] = {}
        for row in rows:
            meaning = _Meaning(concepts[row["concept"]], terms_of(row["needs"]), terms_of(row["unless"]))
            self._of.setdefault(row["finding"], []).append(meaning)

    def told(self, findings: Sequence[Finding], text: NormalizedText) -> Sequence[Finding]:
        """The findings, those that the note explains with the code of what they are; the same objects otherwise."""
        vague = {finding.entry.concept.id for finding in findings} & self._of.keys()
        if not vague:
            return findings
        meant = {identifier: self._meaning(identifier, text) for identifier in vague}
        return [_as(finding, meant.get(finding.entry.concept.id)) for finding in findings]

    def _meaning(self, identifier: str, text: NormalizedText) -> ConceptEntry | None:
        def stands(terms: Terms) -> bool:
            return any(
                text.distinct.issuperset(term) and (len(term) == 1 or contains(text.words, term, 0, len(text.words)))
                for term in terms
            )

        return next((m.entry for m in self._of[identifier] if stands(m.needs) and not stands(m.unless)), None)


def _as(finding: Finding, meant: ConceptEntry | None) -> Finding:
    if meant is None:
        return finding
    return finding._replace(entry=replace(meant, concept=finding.entry.concept))
