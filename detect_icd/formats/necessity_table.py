"""Answers about medical necessity as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from detect_icd.formats.words import one_line
from detect_icd.necessity.model import (
    Adjustment,
    Determination,
    LineVerdict,
    NecessityVerdict,
    NoteSupport,
    ProcedureRecord,
    Quote,
    RequirementStatus,
    SupportedProcedures,
    SupportingDiagnoses,
)

_STYLES = {
    Determination.SUPPORTED: "bold green",
    Determination.SUPPORTED_WITH_CONDITIONS: "green",
    Determination.NOT_SUPPORTED: "bold red",
    Determination.NOT_COVERED: "bold red",
    Determination.INVALID_REQUEST: "bold red",
    Determination.MANUAL_REVIEW: "yellow",
    Determination.NO_POLICY: "cyan",
}
_MARKS = {
    RequirementStatus.MET: "yes",
    RequirementStatus.NOT_FOUND: "not found",
    RequirementStatus.CONTRADICTED: "contradicted",
    RequirementStatus.NOT_CHECKED: "-",
}


def verdict_table(verdict: NecessityVerdict) -> RenderableType:
    """One block a line, then diagnoses, assumptions and data."""
    parts: list[RenderableType] = []
    for line in verdict.lines:
        parts += [*_line(line), ""]
    if verdict.diagnoses:
        table = _table("Diagnoses", "#", "Code", "Title", "Note", "Words")
        for diagnosis in verdict.diagnoses:
            said = "" if diagnosis.note_support is NoteSupport.NOT_CHECKED else diagnosis.note_support.value
            table.add_row(
                str(diagnosis.position), diagnosis.code, escape(diagnosis.description),
                escape(" ".join(p for p in (said, diagnosis.message) if p)), escape(_quoted(diagnosis.quotes)),
            )  # fmt: skip
        parts += [table, ""]
    parts += [Text(f"assumed: {assumption}", "dim") for assumption in verdict.assumptions]
    parts += [
        Text(f"data: {data.name} {data.release} ({data.origin}), {data.age_days} days old", "dim")
        for data in verdict.data_releases
    ]
    return Group(*parts)


def _line(line: LineVerdict) -> list[RenderableType]:
    name = f" ({line.name})" if line.name else ""
    parts: list[RenderableType] = [
        Text.assemble(
            (f"Line {line.line_number}  {line.procedure}{name}  ", "bold"),
            (line.determination.value, _STYLES[line.determination]),
        ),
        Text(f"  {line.summary}"),
        Text(f"  indication: {line.indication.status.value}: {line.indication.message}"),
    ]
    for finding in line.findings:
        who = " ".join(part for part in (finding.policy_id, finding.policy_version) if part) or "no policy"
        codes = _codes(finding.adjustments)
        parts.append(Text(f"  policy: {who}: {finding.reason}: {finding.meaning}" + (f" [{codes}]" if codes else "")))
    for edit in line.line_edits:
        codes = _codes(edit.adjustments)
        way = f"; way out: {', '.join(edit.bypass_modifiers)}" if edit.bypass_modifiers else ""
        parts.append(
            Text(
                f"  edit: {edit.severity.value} {edit.kind}: {edit.message}{way}" + (f" [{codes}]" if codes else ""),
                "red" if edit.severity == "DENY" else "yellow",
            )
        )
    parts += [Text(f"  notice: {notice.message}", "dim") for notice in line.notices]
    if any(r.status is not RequirementStatus.NOT_CHECKED for r in line.requirements):
        table = _table("", "Expected", "In the note", "Words")
        for requirement in line.requirements:
            table.add_row(
                escape(requirement.description),
                f"{_MARKS[requirement.status]}: {escape(requirement.message)}",
                escape(_quoted(requirement.quotes)),
            )
        parts.append(table)
    elif line.requirements:
        parts.append(Text("  expected in the note: " + "; ".join(r.description for r in line.requirements), "dim"))
    for other in line.alternatives:
        missing = f", if the note says: {', '.join(other.missing)}" if other.missing else ", which the note supports"
        parts.append(Text(f"  instead: {other.code} {other.description}{missing}"))
    return parts


def procedure_table(record: ProcedureRecord) -> RenderableType:
    """Facts, modifiers, limits, pairs and policies of one procedure."""
    facts = _table(f"{record.procedure} {escape(record.name)}", "Fact", "Value", "Meaning", "From", "Until", "Source")
    for fact in record.facts:
        facts.add_row(
            fact.name, fact.value, escape(fact.meaning), str(fact.effective_from or ""), str(fact.effective_until or ""),
            escape(fact.source),
        )  # fmt: skip
    parts: list[RenderableType] = [facts]
    if record.modifiers:
        table = _table("Modifiers", "Modifier", "Meaning", "Allowed", "Why")
        for modifier in record.modifiers:
            table.add_row(
                modifier.modifier, modifier.meaning, "yes" if modifier.allowed else "no", escape(modifier.note)
            )
        parts += ["", table]
    parts += [
        Text(f"units: at most {x.units} ({x.claim_type.value}, indicator {x.indicator}, {x.source})")
        for x in record.units_limits
    ]
    parts += [
        Text(f"pair: {p.column2} is part of {p.column1} (indicator {p.indicator}, {p.source})")
        for p in record.code_pairs
    ]
    parts += [Text(f"expected: {r.description} ({r.source})") for r in record.requirements]
    for policy in record.policies:
        dates = f"{policy.effective_from or '...'} to {policy.effective_until or '...'}"
        parts.append(Text(f"policy: {policy.policy_id} {policy.title} ({policy.publisher}, {dates}) {policy.message}"))
    if record.related:
        parts.append(Text(f"related: {', '.join(record.related)}"))
    return Group(*parts)


def diagnoses_table(found: SupportingDiagnoses) -> RenderableType:
    """The diagnoses of one procedure."""
    table = _table("Diagnoses", "Code", "Title", "Layer", "Source", "Role", "Says", "Where")
    for item in found.diagnoses:
        code = f"{item.code}-" if item.is_prefix else item.code
        table.add_row(
            code,
            escape(item.description),
            item.layer,
            escape(item.source),
            item.role,
            item.polarity,
            escape(item.condition),
        )
    return table if not found.next_page_token else Group(table, Text("there are more: raise --limit", "dim"))


def procedures_table(found: SupportedProcedures) -> RenderableType:
    """The procedures that diagnoses indicate."""
    table = _table("Procedures indicated (not a coverage verdict)", "Procedure", "Name", "Status", "By")
    for item in found.procedures:
        by = ", ".join(dict.fromkeys(support.diagnosis for support in item.supported_by))
        table.add_row(item.procedure, escape(item.name), item.status.value, by)
    denied = [Text(f"cannot support: {x.diagnosis}: {x.message}", "dim") for x in found.not_supporting]
    return Group(table, *denied)


def _codes(adjustments: Iterable[Adjustment]) -> str:
    return ", ".join(f"{a.kind} {a.number} predicted" for a in adjustments)


def _quoted(quotes: Iterable[Quote]) -> str:
    return "; ".join(f'"{one_line(quote.text)}"' for quote in quotes)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
