"""What a coder would report for the whole document, from its mentions, by the Official Guidelines.

Each convention is a pass over a draft; a pass adds, replaces or removes codes and leaves its rule
id. Nothing leaves the draft silently: it is either assigned or stands in `removed` with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon
from detect_icd.model import (
    Alert,
    Assignment,
    Certainty,
    DetectRequest,
    Experiencer,
    Mention,
    NotReportableReason,
    Presence,
    Removed,
    Setting,
    Temporality,
)
from detect_icd.text import NormalizedText

SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
"""The FHIR identifier of ICD-10-CM."""


@dataclass(slots=True)
class Entry:
    """A code on its way to the answer, with the mentions that speak for it."""

    code: str
    mentions: list[str]
    score: float
    position: int
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """The document's codes while the conventions work on them."""

    entries: dict[str, Entry] = field(default_factory=dict)
    removed: list[Removed] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def add(self, code: str, mentions: Iterable[str], score: float, position: int, rule: str = "") -> Entry:
        """Put `code` in, or strengthen what stands there."""
        entry = self.entries.get(code)
        if entry is None:
            entry = self.entries[code] = Entry(code, [], score, position)
        entry.mentions.extend(m for m in mentions if m not in entry.mentions)
        entry.score = max(entry.score, score)
        entry.position = min(entry.position, position)
        if rule and rule not in entry.rules:
            entry.rules.append(rule)
        return entry


def reporting(mention: Mention, setting: Setting) -> NotReportableReason | None:
    """Why this mention cannot be reported as a condition of the patient; None where it can.

    Source: Official Guidelines IV.H (uncertain diagnoses, outpatient), II.H (inpatient), IV.J (resolved).
    """
    said = mention.assertion
    if not mention.codes:
        return NotReportableReason.NOT_A_DIAGNOSIS
    if said.presence is Presence.ABSENT:
        return NotReportableReason.NEGATED
    if said.temporality in (Temporality.HYPOTHETICAL, Temporality.FUTURE):
        return NotReportableReason.HYPOTHETICAL
    if said.experiencer is Experiencer.OTHER:
        return NotReportableReason.OTHER_PERSON
    if said.certainty is Certainty.UNCERTAIN and setting is Setting.OUTPATIENT:
        return NotReportableReason.UNCERTAIN
    return None


_EXPLANATIONS = {
    NotReportableReason.NEGATED: "the text says it is absent",
    NotReportableReason.HYPOTHETICAL: "the text speaks of what might be, not of what is",
    NotReportableReason.FAMILY: "the text says it of a relative, and family history of it has no code",
    NotReportableReason.OTHER_PERSON: "the text says it of another person",
    NotReportableReason.UNCERTAIN: "outpatient coding reports no uncertain diagnosis",
    NotReportableReason.RESOLVED: "it is over, and a past episode of it has no code",
    NotReportableReason.NOT_A_DIAGNOSIS: "no billable code follows from these words",
}
_GUIDELINE = {
    NotReportableReason.UNCERTAIN: "guideline-IV.H",
    NotReportableReason.RESOLVED: "guideline-IV.J",
}


@dataclass(frozen=True, slots=True)
class _Combination:
    rule: str
    components: tuple[tuple[str, ...], ...]
    result: str
    drops: frozenset[int]
    guideline: str


class Assigner:
    """The coding conventions, as the tables state them."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._combinations = [
            _Combination(
                row["rule"],
                tuple(tuple(part.strip().split("/")) for part in row["components"].split(" + ")),
                row["result"],
                frozenset(int(n) - 1 for n in row["drops"].split(",")),
                row["guideline"],
            )
            for row in lexicon.table("combinations")
        ]

    def assign(
        self, mentions: Sequence[Mention], request: DetectRequest, text: NormalizedText, release: Release
    ) -> tuple[list[Assignment], list[Removed], list[Alert]]:
        """Assignments in reporting order, what was left out and why, and what a coder should look at."""
        draft = Draft()
        for mention in mentions:
            self._collect(draft, mention)
        passes: tuple[Callable[[Draft, Release], None], ...] = (self._combine, self._excludes1, self._unsided)
        for convention in passes:
            convention(draft, release)
        ordered = sorted(draft.entries.values(), key=lambda e: e.position)
        assignments = [
            Assignment(
                sequence=n,
                code=entry.code,
                description=release.title(entry.code),
                system=SYSTEM,
                version=release.name,
                mention_ids=tuple(entry.mentions),
                score=entry.score,
                rule_ids=tuple(entry.rules),
            )
            for n, entry in enumerate(ordered, 1)
        ]
        return assignments, draft.removed, draft.alerts

    def _collect(self, draft: Draft, mention: Mention) -> None:
        if mention.reportable:
            best = mention.codes[0]
            draft.add(best.code, [mention.id], best.score, mention.span.start)
        elif mention.codes and mention.not_reportable_reason is not None:
            reason, best = mention.not_reportable_reason, mention.codes[0]
            draft.removed.append(
                Removed(
                    best.code,
                    best.description,
                    (mention.id,),
                    reason,
                    _GUIDELINE.get(reason, f"assertion-{reason.value.lower().replace('_', '-')}"),
                    _EXPLANATIONS.get(reason, "not reportable"),
                )
            )

    def _combine(self, draft: Draft, release: Release) -> None:
        """Combination codes, Official Guidelines I.B.9 and the "with" rule I.A.15."""
        for combination in self._combinations:
            chosen = [_first(draft, prefixes) for prefixes in combination.components]
            if combination.result not in release or any(entry is None for entry in chosen):
                continue
            parts = [entry for entry in chosen if entry is not None]
            made = draft.add(
                combination.result,
                [m for part in parts for m in part.mentions],
                min(part.score for part in parts),
                min(part.position for part in parts),
                combination.rule,
            )
            for n, part in enumerate(parts):
                if n in combination.drops and part is not made:
                    del draft.entries[part.code]
                    draft.removed.append(
                        Removed(
                            part.code,
                            release.title(part.code),
                            tuple(part.mentions),
                            NotReportableReason.SUPERSEDED,
                            combination.rule,
                            f"{combination.result} reports it together with its companion "
                            f"(guideline {combination.guideline})",
                        )
                    )

    def _excludes1(self, draft: Draft, release: Release) -> None:
        """Excludes1 (I.A.12.a) is an alert: unrelated conditions may stand together."""
        codes = list(draft.entries)
        for code in codes:
            excluded = excluded_prefixes(release, code)
            for other in codes:
                if other != code and any(other.startswith(prefix) for prefix in excluded):
                    pair = tuple(sorted((code, other)))
                    if not any(alert.codes == pair for alert in draft.alerts):
                        message = f"{code} excludes {other} (Excludes1): report both only if they are unrelated"
                        ids = tuple(dict.fromkeys(m for c in pair for m in draft.entries[c].mentions))
                        draft.alerts.append(Alert("EXCLUDES1", message, pair, ids, "guideline-I.A.12.a"))

    def _unsided(self, draft: Draft, release: Release) -> None:
        """An unspecified side where a sided code exists (I.B.13) is worth a look."""
        for entry in draft.entries.values():
            parent = release.parent(entry.code)
            own = release.title(entry.code).lower().replace(",", "").split()
            if parent is None or "unspecified" not in own or {"left", "right", "bilateral"} & set(own):
                continue
            siblings = [release.title(c).lower() for c in release.children(parent)]
            if any("left" in t.split() for t in siblings) and any("right" in t.split() for t in siblings):
                message = f"{entry.code} leaves the side open although sided codes exist: the note does not name it"
                draft.alerts.append(
                    Alert("UNSPECIFIED_LATERALITY", message, (entry.code,), tuple(entry.mentions), "guideline-I.B.13")
                )


def _first(draft: Draft, prefixes: tuple[str, ...]) -> Entry | None:
    found = [e for e in draft.entries.values() if e.code.startswith(prefixes)]
    return min(found, key=lambda e: (e.position, e.code), default=None)


def excluded_prefixes(release: Release, code: str) -> list[str]:
    """The codes that the Excludes1 notes of `code` and its headers name, as prefixes."""
    found = []
    for node in (code, *release.ancestors(code)):
        for note in release.notes(node).excludes1:
            found.extend(prefixes_in_note(note))
    return found


def prefixes_in_note(note: str) -> Iterable[str]:
    """Code prefixes in a tabular note: "mononeuropathies (G56-G58)" -> G56, G57, G58."""
    inside = note[note.rfind("(") + 1 : note.rfind(")")] if "(" in note else ""
    for part in inside.replace(";", ",").split(","):
        part = part.strip()
        first, dash, last = part.partition("-")
        if dash and last and first[:1] == last[:1] and first[1:].isdigit() and last[1:].isdigit():
            for n in range(int(first[1:]), int(last[1:]) + 1):
                yield f"{first[0]}{n:0{len(first) - 1}d}"
        elif first[:1].isupper() and first[1:2].isdigit():
            yield first.rstrip(".") if dash else first
