"""Diagnoses that would support a line if the documentation supports them: offered, never added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from detect_icd.codeset import Release
from detect_icd.necessity.coverage import Answer, Question
from detect_icd.necessity.model import Alternative, Determination, Indication, IndicationStatus
from detect_icd.necessity.notes import ReadNote, quotes
from detect_icd.necessity.policies import Policy, Role, Statement
from detect_icd.stages.procedures import Indications
from detect_icd.text import normalize_phrase

_MOST = 10
_CATEGORY = 3
_EMPTY_WORDS = frozenset(
    ["of", "and", "or", "the", "in", "with", "without", "to", "unspecified", "other", ",", "-", "(", ")"]
)


def alternatives(
    question: Question,
    answer: Answer,
    indication: Indication,
    indications: Indications,
    note: ReadNote | None,
    release: Release,
) -> tuple[Alternative, ...]:
    """What the note supports and the claim lacks first, then listed siblings of what was billed."""
    settled = answer.determination in (Determination.SUPPORTED, Determination.SUPPORTED_WITH_CONDITIONS)
    found: dict[str, Alternative] = {}
    for alternative in (
        *_from_note(question, answer, indications, note, release),
        *(() if settled else _siblings(question, answer, release)),
        *(
            _indicated(question, indications, release)
            if indication.status in (IndicationStatus.NOT_SUPPORTED, IndicationStatus.NEEDS_DOCUMENTATION)
            else ()
        ),
    ):
        if alternative.code not in question.linked:
            found.setdefault(alternative.code, alternative)
    return tuple(found.values())[:_MOST]


def _from_note(
    question: Question, answer: Answer, indications: Indications, note: ReadNote | None, release: Release
) -> Iterator[Alternative]:
    if note is None:
        return
    rows = indications.by_procedure.get(question.procedure, ())
    for assignment in note.detection.assignments:
        code = assignment.code
        if code in question.on_claim:
            continue
        listing = next((p.id for p in answer.deciding if _lists(p, code)), "")
        if listing or any(row.covers(code) and not row.needs and not row.secondary for row in rows):
            said = quotes(note.mentions_of(assignment))
            yield Alternative(code, release.title(code), listing, "", (), said)


def _lists(policy: Policy, code: str, *, any_role: bool = False) -> bool:
    return any(
        rule.statement is Statement.SUPPORTS and (any_role or rule.role in (Role.ANY, Role.PRIMARY, Role.ON_CLAIM))
        and rule.diagnoses.find([code])
        for rule in policy.rules
    )  # fmt: skip


def _siblings(question: Question, answer: Answer, release: Release) -> Iterator[Alternative]:
    """Listed codes under the nearest header of a billed one that is not listed itself."""
    for code in question.usable:
        if code not in release or any(_lists(policy, code, any_role=True) for policy in answer.deciding):
            continue
        for header in (*release.ancestors(code), code[:_CATEGORY]):
            if len(header) < _CATEGORY:
                continue
            listed = [
                (policy.id, sibling)
                for policy in answer.deciding
                for rule in policy.rules
                if rule.statement is Statement.SUPPORTS
                for sibling in rule.diagnoses.under(header, _MOST)
                if release.is_billable(sibling) and sibling != code
            ]
            for policy_id, sibling in listed:
                missing = _missing(release, code, sibling)
                if missing:
                    yield Alternative(sibling, release.title(sibling), policy_id, code, missing)
            if listed:
                break


def _indicated(question: Question, indications: Indications, release: Release) -> Iterator[Alternative]:
    """Siblings of a billed code that the clinical layer knows."""
    rows = [r for r in indications.by_procedure.get(question.procedure, ()) if not r.needs and not r.secondary]
    for code in question.usable:
        parent = release.parent(code) if code in release else None
        if parent is None:
            continue
        for sibling in release.leaves(parent):
            missing = _missing(release, code, sibling)
            if sibling != code and missing and any(row.covers(sibling) for row in rows):
                yield Alternative(sibling, release.title(sibling), "", code, missing)


@lru_cache(maxsize=4096)
def _missing(release: Release, code: str, sibling: str) -> tuple[str, ...]:
    """The words of the sibling's title that the billed code's title lacks."""
    have: Sequence[str] = normalize_phrase(release.title(code))
    return tuple(
        dict.fromkeys(w for w in normalize_phrase(release.title(sibling)) if w not in have and w not in _EMPTY_WORDS)
    )
