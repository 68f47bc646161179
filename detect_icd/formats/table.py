"""A detection as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from detect_icd.formats.words import assertion_class, assertion_words, one_line, reason_words
from detect_icd.model import Assignment, Detection, Mention

_STYLES = {"present": "", "absent": "red", "uncertain": "yellow", "historical": "cyan", "family": "magenta"}
_LISTED_CODES = 3


def detection_table(detection: Detection) -> RenderableType:
    """Assignments, mentions, what was left out, what to look at, and what produced it."""
    parts: list[RenderableType] = [_assignments(detection.assignments), "", mentions_table(detection.mentions)]
    if detection.removed:
        parts += ["", _removed(detection)]
    parts += [Text(f"alert: {alert.message} [{', '.join(alert.codes)}]", "yellow") for alert in detection.alerts]
    versions = detection.versions
    parts += [
        "",
        Text(
            f"ICD-10-CM {versions.code_set} ({versions.code_set_effective_from} to {versions.code_set_effective_until}), "
            f"detect-icd {versions.service}, lexicon {versions.lexicon}",
            "dim",
        ),
    ]
    parts += [Text(f"assumed: {assumption}", "dim") for assumption in detection.assumptions]
    return Group(*parts)


def _assignments(assignments: Iterable[Assignment]) -> Table:
    table = _table("Assigned codes", "#", "Code", "Description", "Score", "From", "Supports")
    for assignment in assignments:
        table.add_row(
            str(assignment.sequence),
            Text(assignment.code, "bold green"),
            escape(assignment.description),
            f"{assignment.score:.2f}",
            escape(", ".join(assignment.mention_ids)),
            escape(", ".join(link.procedure for link in assignment.procedure_links)),
        )
    return table


def mentions_table(mentions: Iterable[Mention]) -> Table:
    """The mentions of a whole or of the settled part of a text."""
    table = _table("Mentions", "Id", "Words", "Assertion", "Codes, best first", "Not reported")
    for mention in mentions:
        style = _STYLES[assertion_class(mention.assertion)]
        codes = [candidate.code for candidate in mention.codes]
        table.add_row(
            mention.id,
            Text(one_line(mention.text), f"bold {style}"),
            Text(assertion_words(mention.assertion), style),
            ", ".join(codes[:_LISTED_CODES]) + (" ..." if codes[_LISTED_CODES:] else ""),
            reason_words(mention),
        )
    return table


def _removed(detection: Detection) -> Table:
    table = _table("Left out", "Code", "Description", "From", "Why")
    for removed in detection.removed:
        table.add_row(
            removed.code,
            escape(removed.description),
            escape(", ".join(removed.mention_ids)),
            escape(removed.explanation),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
