"""Look-ups beside the check: all about a procedure, and which diagnoses support it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from detect_icd.codeset import CodeSet, Release
from detect_icd.errors import InvalidRequestError, NotFoundError
from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.jurisdiction import Business
from detect_icd.necessity.model import (
    ClaimType,
    Payer,
    PolicySummary,
    ProcedureRecord,
    SupportingDiagnoses,
    SupportingDiagnosis,
    UnitsLimit,
)
from detect_icd.necessity.policies import Policy, PrefixList, Statement

DEFAULT_PAGE, MAX_PAGE = 100, 1000
_MOST_PAIRS = 200
_STEP = 1000
_MEDICARE = Payer(line_of_business=Business.MEDICARE_FFS.value)


def day_in_force(checker: NecessityChecker, codeset: CodeSet, asked: date | None) -> date:
    """The day asked for, else today, at most the last known day."""
    return asked or min(checker.today(), codeset.windows[-1].effective_until)


def procedure_record(checker: NecessityChecker, codeset: CodeSet, written: str, asked: date | None) -> ProcedureRecord:
    """All that is known of one procedure; NotFoundError where that is nothing."""
    procedure, day = written.strip().upper(), day_in_force(checker, codeset, asked)
    facts = checker.facts
    in_force = facts.facts(procedure, day)
    history = [f for f in facts.shipped.history(procedure) if in_force.get(f.name) != f]
    policies = facts.naming(procedure)
    limits = [limit for kind in ClaimType if (limit := facts.units(procedure, kind, day))]
    pairs = facts.pairs(procedure, day)[:_MOST_PAIRS]
    known = procedure in checker.indications.by_procedure or facts.name(procedure)
    if not (known or in_force or history or policies or limits or pairs):
        raise NotFoundError(f"nothing is known of {procedure}: check the code, or import the official files")
    return ProcedureRecord(
        procedure=procedure,
        name=facts.name(procedure),
        facts=tuple(sorted([*in_force.values(), *history], key=lambda f: (f.name, str(f.effective_from or "")))),
        modifiers=facts.modifiers(procedure, in_force),
        units_limits=tuple(_once(limits)),
        code_pairs=tuple(pairs),
        related=facts.shipped.related.get(procedure, ()),
        requirements=checker.requirements.expected(procedure),
        policies=tuple(_summary(policy) for policy in policies),
        data_releases=facts.releases(day),
    )


def _once(limits: list[UnitsLimit]) -> list[UnitsLimit]:
    return list(dict.fromkeys(limits))


def _summary(policy: Policy) -> PolicySummary:
    message = "; ".join(dict.fromkeys(rule.message for rule in policy.rules if rule.message))
    return PolicySummary(
        policy.id, policy.version, policy.kind, policy.publisher, policy.title, policy.link,
        policy.effective_from, policy.effective_until, tuple(sorted(policy.states)), message,
    )  # fmt: skip


def supporting_diagnoses(
    checker: NecessityChecker,
    codeset: CodeSet,
    written: str,
    asked: date | None,
    *,
    state: str = "",
    page_size: int = 0,
    page_token: str = "",
) -> SupportingDiagnoses:
    """One page; NotFoundError for a procedure nothing is known of."""
    procedure, day = written.strip().upper(), day_in_force(checker, codeset, asked)
    release = codeset.on(day)
    if not 0 <= page_size <= MAX_PAGE:
        raise InvalidRequestError(f"page_size must be 1 to {MAX_PAGE}", field="page_size", reason="OUT_OF_RANGE")
    if page_token and not (page_token.isascii() and page_token.isdigit()):
        raise InvalidRequestError("page_token is not one of this list", field="page_token", reason="PAGE_TOKEN_INVALID")
    policies = [p for p in checker.facts.naming(procedure) if p.in_effect(day)]
    if state:
        where = checker.jurisdictions.scope(_MEDICARE, "", state)
        policies = [p for p in policies if checker.jurisdictions.binds(p, where, as_medicare=True)]
    known = procedure in checker.indications.by_procedure or checker.facts.naming(procedure)
    if not known:
        raise NotFoundError(f"no diagnoses are known for {procedure}: check the code, or import policies")
    start, size = int(page_token or 0), page_size or DEFAULT_PAGE
    found = list(islice(_listed(checker, procedure, policies, release), start, start + size + 1))
    token = str(start + size) if len(found) > size else ""
    assumptions = () if asked else (f"date_of_service {day.isoformat()}: none was given",)
    return SupportingDiagnoses(tuple(found[:size]), token, assumptions)


def _listed(
    checker: NecessityChecker, procedure: str, policies: list[Policy], release: Release
) -> Iterator[SupportingDiagnosis]:
    for row in checker.indications.by_procedure.get(procedure, ()):
        for prefix in row.prefixes:
            condition = f"the note has words about: {row.needed}" if row.needed else ""
            if row.seventh:
                condition = f"7th character {' or '.join(row.seventh)}"
            yield SupportingDiagnosis(
                prefix, _title(release, prefix), not release.is_billable(prefix), "INDICATION", row.link.source,
                "SECONDARY" if row.secondary else "ANY", "SUPPORTS", condition,
            )  # fmt: skip
    for policy in policies:
        for rule in policy.rules:
            if rule.statement not in (Statement.SUPPORTS, Statement.EXCLUDES):
                continue
            condition = f"with {', '.join(sorted(rule.only_with))}" if rule.only_with else ""
            after = ""
            while page := rule.diagnoses.page(after, _STEP):
                after = page[-1]
                for code in page:
                    prefix_of = isinstance(rule.diagnoses, PrefixList) and not release.is_billable(code)
                    yield SupportingDiagnosis(
                        code, _title(release, code), prefix_of, "POLICY", policy.id, rule.role.value,
                        rule.statement.value, condition,
                    )  # fmt: skip


def _title(release: Release, code: str) -> str:
    return release.title(code) if code in release else ""
