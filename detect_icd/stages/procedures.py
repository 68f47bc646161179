"""Links each assignment to the procedures it is an indication for (never a coverage verdict).

Rows of `procedures/links.tsv`. Where a code alone does not say where the pain is, the row names the
words that must stand in a sentence of its mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from detect_icd.lexicon import Row, phrases_of
from detect_icd.model import Assignment, Mention, ProcedureLink
from detect_icd.stages.senses import contains
from detect_icd.text import NormalizedText, normalize_phrase

_REACH = 12
"""Words around a mention in which the needed words may stand."""


@dataclass(frozen=True, slots=True)
class _Link:
    prefixes: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    link: ProcedureLink


class ProcedureLinker:
    """The small table of links, ready to apply."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._links = [
            _Link(
                tuple(row["codes"].split("/")),
                tuple(normalize_phrase(term) for term in phrases_of(row["needs"])),
                ProcedureLink(row["procedure"], row["name"], row["source"], row["why"]),
            )
            for row in rows
        ]

    def link(
        self, assignments: Sequence[Assignment], mentions: Sequence[Mention], text: NormalizedText
    ) -> list[Assignment]:
        """The assignments, each with its procedures in table order, one link a procedure."""
        by_id = {mention.id: mention for mention in mentions}
        linked = []
        for assignment in assignments:
            links: dict[str, ProcedureLink] = {}
            for link in self._links:
                if assignment.code.startswith(link.prefixes) and (
                    not link.needs or any(_near(by_id[m], link.needs, text) for m in assignment.mention_ids)
                ):
                    links.setdefault(link.link.procedure, link.link)
            linked.append(replace(assignment, procedure_links=tuple(links.values())) if links else assignment)
        return linked


def _near(mention: Mention, terms: Sequence[tuple[str, ...]], text: NormalizedText) -> bool:
    first = max(text.token_at(mention.span.start) - _REACH, 0)
    last = min(text.token_at(mention.span.end - 1) + 1 + _REACH, len(text.words))
    return any(contains(text.words, term, first, last) for term in terms)
