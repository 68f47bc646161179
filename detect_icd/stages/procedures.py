"""Links each assignment to the procedures it is an indication for (never a coverage verdict).

Rows of `procedures/indications.tsv`. Where a code alone does not say where the pain is, or that a nerve carries it,
the row names the words that must stand near one of its mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from detect_icd.lexicon import Row, phrases_of
from detect_icd.model import Assignment, Mention, ProcedureLink
from detect_icd.stages.senses import contains
from detect_icd.text import NormalizedText, normalize_phrase

_REACH = 12
"""Words around a mention in which the needed words may stand."""
_CATEGORY = 3
_FULL_LENGTH = 8
"""Characters of a code with a 7th character, its dot counted."""

Terms = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class IndicationRow:
    """One row, ready to apply: `needs` holds groups of words of which each must be there."""

    procedure: str
    prefixes: tuple[str, ...]
    excluded: tuple[str, ...]
    seventh: str
    secondary: bool
    needs: tuple[Terms, ...]
    needed: str
    link: ProcedureLink

    def covers(self, code: str) -> bool:
        """Whether the row speaks of `code`, words aside."""
        if self.seventh and (len(code) < _FULL_LENGTH or code[-1] not in self.seventh):
            return False
        return code.startswith(self.prefixes) and not (self.excluded and code.startswith(self.excluded))


class Indications:
    """The rows by procedure and by the beginning of a code."""

    def __init__(self, rows: Iterable[Row], procedures: Iterable[Row], places: Iterable[Row]) -> None:
        self.names = {row["procedure"]: row["name"] for row in procedures}
        words = {row["place"]: row["words"] for row in places}
        self.by_procedure: dict[str, list[IndicationRow]] = {}
        self._by_prefix: dict[str, list[tuple[int, IndicationRow]]] = {}
        for number, row in enumerate(rows):
            made = _row(row, self.names.get(row["procedure"], ""), words)
            self.by_procedure.setdefault(made.procedure, []).append(made)
            for prefix in made.prefixes:
                self._by_prefix.setdefault(prefix, []).append((number, made))

    def of(self, code: str) -> list[IndicationRow]:
        """The rows that speak of `code`, in table order."""
        found = {
            number: row
            for length in range(_CATEGORY, len(code) + 1)
            for number, row in self._by_prefix.get(code[:length], ())
            if row.covers(code)
        }
        return [found[number] for number in sorted(found)]


def _row(row: Row, name: str, words: Mapping[str, str]) -> IndicationRow:
    groups = [part.strip() for part in row["needs"].split(" + ") if part.strip()]
    needs = tuple(
        tuple(
            normalize_phrase(term)
            for part in phrases_of(group)
            for term in (phrases_of(words[part[1:]]) if part.startswith("@") else [part])
        )
        for group in groups
    )
    return IndicationRow(
        procedure=row["procedure"],
        prefixes=tuple(row["codes"].split("/")),
        excluded=tuple(part for part in row["except"].split("/") if part),
        seventh=row["seventh"],
        secondary=row["role"] == "SECONDARY",
        needs=needs,
        needed=" and ".join(group.replace("@", "").replace("_", " ").replace(" | ", " or ") for group in groups),
        link=ProcedureLink(row["procedure"], name, row["source"], row["why"]),
    )


class ProcedureLinker:
    """Indications applied to a document's assignments."""

    def __init__(self, indications: Indications) -> None:
        self._indications = indications

    def link(
        self, assignments: Sequence[Assignment], mentions: Sequence[Mention], text: NormalizedText
    ) -> list[Assignment]:
        """The assignments, each with its procedures in table order, one link a procedure."""
        by_id: dict[str, Mention] | None = None
        linked = []
        for assignment in assignments:
            links: dict[str, ProcedureLink] = {}
            for row in self._indications.of(assignment.code):
                if row.procedure in links:
                    continue
                if row.needs:
                    if by_id is None:
                        by_id = {mention.id: mention for mention in mentions}
                    if not any(near(by_id[m], row.needs, text) for m in assignment.mention_ids):
                        continue
                links[row.procedure] = row.link
            linked.append(replace(assignment, procedure_links=tuple(links.values())) if links else assignment)
        return linked


def near(mention: Mention, needs: Sequence[Terms], text: NormalizedText) -> bool:
    """Whether every group of words has one within reach of the mention (its span in code points)."""
    first = max(text.token_at(mention.span.start) - _REACH, 0)
    last = min(text.token_at(mention.span.end - 1) + 1 + _REACH, len(text.words))
    window = text.words[first:last]
    present = set(window)
    return all(any(term[0] in present and contains(window, term, 0, len(window)) for term in terms) for terms in needs)
