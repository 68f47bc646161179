"""The coverage layer: what each policy says of a line, and which of them decides.

Precedence in Medicare: national over local over notice; within a level the stricter. "No policy found" is an answer
of its own and never a denial; what a policy leaves unresolved goes to review, never stricter or looser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from detect_icd.necessity.jurisdiction import Business, Jurisdictions, Scope
from detect_icd.necessity.model import Determination, Finding, Notice, PolicyKind
from detect_icd.necessity.policies import Policy, Role, Rule, Statement
from detect_icd.necessity.reasons import Reasons

_LEVELS = {
    PolicyKind.NCD: 0,
    PolicyKind.LCD: 1,
    PolicyKind.ARTICLE: 1,
    PolicyKind.PAYER: 1,
    PolicyKind.NOTICE: 2,
}
STRICTNESS = {
    Determination.NO_POLICY: 0,
    Determination.SUPPORTED: 1,
    Determination.SUPPORTED_WITH_CONDITIONS: 2,
    Determination.MANUAL_REVIEW: 3,
    Determination.NOT_SUPPORTED: 4,
    Determination.NOT_COVERED: 5,
    Determination.INVALID_REQUEST: 6,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One line as policies see it: `linked` in pointer order, `usable` those of them that can support."""

    procedure: str
    day: date
    linked: tuple[str, ...]
    usable: tuple[str, ...]
    on_claim: tuple[str, ...]
    same_day: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the policies say together; `deciding` are those behind the determination."""

    determination: Determination
    findings: tuple[Finding, ...]
    notices: tuple[Notice, ...]
    deciding: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    reason: str
    rule: Rule | None = None
    diagnosis: str = ""
    message: str = ""


class Coverage:
    """Policies applied to lines."""

    def __init__(self, jurisdictions: Jurisdictions, reasons: Reasons) -> None:
        self._jurisdictions = jurisdictions
        self._reasons = reasons

    def answer(self, policies: Sequence[Policy], scope: Scope, question: Question) -> Answer:
        """The determination of one line, from all policies that name its procedure."""
        binding = self._binding(policies, scope)
        findings: list[tuple[Finding, Policy | None]] = []
        notices: list[Notice] = []
        for policy in binding:
            notices += [
                Notice("POLICY_ADVICE", rule.message, policy.id)
                for rule in policy.rules
                if rule.statement is Statement.ADVICE and policy.in_effect(question.day)
            ]
            if all(rule.statement is Statement.ADVICE for rule in policy.rules) and policy.rules:
                continue
            said = says(policy, question) if policy.in_effect(question.day) else _out_of_effect(policy)
            findings.append((self._finding(policy, said), policy))
        if not findings:
            who = scope.payer_name or "Medicare"
            message = f"no policy loaded governs {question.procedure} for {who}" + (
                f" in {scope.state}" if scope.state else ""
            )
            findings.append((self._finding(None, _Said("NO_POLICY_LOADED", message=message)), None))
        chosen = _decide(findings)
        deciding = tuple(policy for n, (_, policy) in enumerate(findings) if n in chosen and policy is not None)
        determination = findings[min(chosen)][0].outcome
        ordered = [replace(findings[n][0], decisive=True) for n in sorted(chosen)]
        ordered += [finding for n, (finding, _) in enumerate(findings) if n not in chosen]
        return Answer(determination, tuple(ordered), tuple(notices), deciding)

    def binding(self, policies: Sequence[Policy], scope: Scope) -> list[Policy]:
        """The policies that bind this payer and place, whatever the date."""
        return self._binding(policies, scope)

    def _binding(self, policies: Sequence[Policy], scope: Scope) -> list[Policy]:
        own = [p for p in policies if self._jurisdictions.binds(p, scope, as_medicare=False)]
        if scope.medicare or (scope.business is Business.MEDICARE_ADVANTAGE and not own):
            return [p for p in policies if self._jurisdictions.binds(p, scope, as_medicare=True)]
        return own

    def _finding(self, policy: Policy | None, said: _Said) -> Finding:
        reason = self._reasons[said.reason]
        assert reason.outcome is not None
        kind = policy.kind if policy else None
        return Finding(
            policy_id=policy.id if policy else "",
            policy_version=policy.version if policy else "",
            kind=kind,
            publisher=policy.publisher if policy else "",
            title=policy.title if policy else "",
            link=policy.link if policy else "",
            effective_from=policy.effective_from if policy else None,
            effective_until=policy.effective_until if policy else None,
            reason=said.reason,
            meaning=reason.meaning,
            outcome=reason.outcome,
            decisive=False,
            group=said.rule.group if said.rule else "",
            role=said.rule.role.value if said.rule and said.rule.diagnoses.page("", 1) else "",
            diagnosis=said.diagnosis,
            message=said.message or (said.rule.message if said.rule else ""),
            provenance=said.rule.provenance if said.rule else policy.provenance if policy else None,
            adjustments=reason.adjustments(kind),
        )


def _decide(findings: Sequence[tuple[Finding, Policy | None]]) -> frozenset[int]:
    """Which findings decide: the highest level that speaks, and within it the strictest."""
    speaking = [n for n, (f, _) in enumerate(findings) if f.outcome is not Determination.NO_POLICY]
    if not speaking:
        return frozenset(range(len(findings)))
    # Since 2019 a local determination leaves its codes to its articles: without a list it says nothing against theirs.
    loud = [n for n in speaking if not (findings[n][0].kind is PolicyKind.LCD and _silent(findings[n][0]))]
    speaking = loud or speaking
    level = min(_level(findings[n][0]) for n in speaking)
    at_level = [n for n in speaking if _level(findings[n][0]) == level]
    strictest = max(STRICTNESS[findings[n][0].outcome] for n in at_level)
    return frozenset(n for n in at_level if STRICTNESS[findings[n][0].outcome] == strictest)


def _level(finding: Finding) -> int:
    return _LEVELS[finding.kind] if finding.kind else len(_LEVELS)


def _silent(finding: Finding) -> bool:
    return finding.reason == "POLICY_HAS_NO_DX_LIST"


def _out_of_effect(policy: Policy) -> _Said:
    start = policy.effective_from or "the beginning"
    end = f" to {policy.effective_until}" if policy.effective_until else " on"
    return _Said("POLICY_OUT_OF_EFFECT", message=f"in effect from {start}{end} only")


def says(policy: Policy, question: Question) -> _Said:
    """What one policy says of the line."""
    rules = [rule for rule in policy.rules if not rule.only_with or rule.only_with & question.same_day]
    for step in (_refused, _excluded, _supported, _stated):
        said = step(rules, question)
        if said is not None:
            return said
    return _Said("POLICY_HAS_NO_DX_LIST")


def _of(rules: Iterable[Rule], *statements: Statement) -> list[Rule]:
    return [rule for rule in rules if rule.statement in statements]


def _refused(rules: Sequence[Rule], question: Question) -> _Said | None:
    """Non-covered or investigational: for all, or for the conditions listed."""
    for rule in _of(rules, Statement.NON_COVERED):
        return _Said("PROCEDURE_NON_COVERED", rule)
    for rule in _of(rules, Statement.INVESTIGATIONAL):
        if not rule.diagnoses.page("", 1):
            return _Said("PROCEDURE_INVESTIGATIONAL", rule)
        listed = rule.diagnoses.find(question.linked)
        if listed:
            return _Said("PROCEDURE_INVESTIGATIONAL", rule, min(listed, key=question.linked.index))
        return _Said("PROSE_PAIRING_UNRESOLVED", rule)
    return None


def _excluded(rules: Sequence[Rule], question: Question) -> _Said | None:
    for rule in _of(rules, Statement.EXCLUDES):
        listed = rule.diagnoses.find(question.linked)
        if not listed:
            continue
        first = min(listed, key=question.linked.index)
        other = next((d for d in question.usable if rule.unless and d.startswith(rule.unless)), "")
        if other:
            return _Said("CASE_BY_CASE", rule, other, f"{first} is excluded alone, {other} beside it goes to review")
        if rule.provenance == "UNRESOLVED":
            return _Said("PROSE_PAIRING_UNRESOLVED", rule, first)
        return _Said("DX_EXPLICITLY_NON_COVERED", rule, first)
    return None


def _supported(rules: Sequence[Rule], question: Question) -> _Said | None:
    supports = _of(rules, Statement.SUPPORTS)
    resolved = [rule for rule in supports if rule.provenance != "UNRESOLVED"]
    if supports and not resolved:
        return _Said("PROSE_PAIRING_UNRESOLVED", supports[0])
    by_role: dict[Role, list[Rule]] = {}
    for rule in resolved:
        by_role.setdefault(rule.role, []).append(rule)
    best: _Said | None = None
    for rule in by_role.get(Role.ANY, ()):
        listed = rule.diagnoses.find(question.usable)
        for code, marked in sorted(listed.items(), key=lambda item: question.usable.index(item[0])):
            if not marked:
                return _Said("DX_LISTED", rule, code)
            message = "the instruction behind the asterisk is not loaded: read the policy"
            best = best or _Said("DX_ASTERISKED", rule, code, rule.message or message)
    if best is not None:
        return best
    for first, second in ((Role.PRIMARY, Role.SECONDARY), (Role.ON_CLAIM, Role.COMPANION)):
        if first in by_role:
            return _pair(by_role[first], by_role.get(second, []), question, on_claim=first is Role.ON_CLAIM)
    if not supports:
        return None
    if len(resolved) < len(supports):
        return _Said("PROSE_PAIRING_UNRESOLVED", next(rule for rule in supports if rule not in resolved))
    if any(rule.closed for rule in resolved):
        return _Said("DX_NOT_LISTED", resolved[0], message=_not_listed(question))
    return _Said("CASE_BY_CASE", resolved[0], message="the list is not limiting: other diagnoses go to review")


def _pair(firsts: Sequence[Rule], seconds: Sequence[Rule], question: Question, *, on_claim: bool) -> _Said:
    """A required pair: one diagnosis first (or on the claim), one beside it."""
    where = tuple(code for code in question.on_claim if code in question.usable or code not in question.linked)
    pool = where if on_claim else question.usable
    first = _listed(firsts, pool)
    second = _listed(seconds, tuple(code for code in pool if code != (first[1] if first else "")))
    linked = [found for found in (first, second) if found and found[1] in question.usable]
    if on_claim and not linked:
        first = second = None
    if first and (second or not seconds):
        if not on_claim and question.linked and question.linked[0] not in firsts[0].diagnoses.find(question.linked):
            return _Said("DX_WRONG_POSITION", first[0], first[1])
        beside = f" with {second[1]}" if second else ""
        if first[2] or (second and second[2]):
            message = "the instruction behind the asterisk is not loaded: read the policy"
            return _Said("DX_ASTERISKED", first[0], first[1], message)
        return _Said("DX_LISTED", first[0], first[1], f"{first[1]}{beside}, as the policy requires")
    if first:
        return _Said("SECONDARY_DX_REQUIRED", seconds[0], first[1], seconds[0].message)
    if second:
        return _Said("PRIMARY_DX_REQUIRED", firsts[0], second[1], firsts[0].message)
    return _Said("DX_NOT_LISTED", firsts[0], message=_not_listed(question))


def _listed(rules: Sequence[Rule], codes: Sequence[str]) -> tuple[Rule, str, bool] | None:
    for rule in rules:
        listed = rule.diagnoses.find(codes)
        if listed:
            code = min(listed, key=lambda c: (listed[c], codes.index(c)))
            return rule, code, listed[code]
    return None


def _not_listed(question: Question) -> str:
    return f"not listed: {', '.join(question.usable)}" if question.usable else "no diagnosis that can support is linked"


def _stated(rules: Sequence[Rule], question: Question) -> _Said | None:
    """Statements about the procedure alone."""
    del question
    for statement, reason in (
        (Statement.NO_LIMIT, "NO_DX_LIMIT"),
        (Statement.UNRESOLVED, "PROSE_PAIRING_UNRESOLVED"),
        (Statement.CASE_BY_CASE, "CASE_BY_CASE"),
        (Statement.NO_LIST, "POLICY_HAS_NO_DX_LIST"),
        (Statement.NOT_NAMED, "NO_POLICY_LOADED"),
    ):
        for rule in _of(rules, statement):
            return _Said(reason, rule)
    return None
