"""Turns the cues that reach a mention, and the defaults of its section, into one assertion with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from detect_icd.model import Assertion, Certainty, Cue, CueCategory, Experiencer, Presence, Temporality
from detect_icd.spans import Span
from detect_icd.stages.cues import Act
from detect_icd.stages.scopes import Reached
from detect_icd.stages.sections import NO_DEFAULTS, Section
from detect_icd.text import NormalizedText

_PERSONS = {CueCategory.FAMILY: Experiencer.FAMILY, CueCategory.OTHER_PERSON: Experiencer.OTHER}
_IN_QUESTION = frozenset({CueCategory.HYPOTHETICAL, CueCategory.UNCERTAINTY, CueCategory.FUTURE})


class Judgement(NamedTuple):
    """What the text asserts of one mention, and the words that say so, in order of place."""

    assertion: Assertion
    cues: tuple[Cue, ...]
    sought: bool = False
    """Whether nothing but words of looking into it call it in question: what they say of a disease they do not of a symptom."""


NOTHING_SAID = Judgement(Assertion(), ())


def judge(text: NormalizedText, section: Section, reached: Sequence[Reached], mention: Span) -> Judgement:
    """The assertion of one mention (by token); what its sentence says goes before what its section implies."""
    if not reached and section.defaults == NO_DEFAULTS:
        return NOTHING_SAID
    categories = {one.rule.category for one in reached}
    if Act.CURRENT in categories:
        categories.discard(CueCategory.HISTORY)
    defaults = section.defaults
    if Act.PATIENT in categories:
        defaults = replace(defaults, experiencer=Experiencer.PATIENT)
    cues = [
        Cue(span, span.of(text.source), one.rule.category)
        for one in reached
        if isinstance(one.rule.category, CueCategory) and one.rule.category in categories
        for span in (Span(text.starts[one.span.start], text.ends[one.span.end - 1]),)
    ]
    presence = Presence.ABSENT if CueCategory.NEGATION in categories else defaults.presence
    certainty = Certainty.UNCERTAIN if CueCategory.UNCERTAINTY in categories else defaults.certainty
    temporality = _temporality(categories, defaults.temporality)
    experiencer, relative = _experiencer(reached, mention, defaults.experiencer)
    by_section: list[CueCategory] = []
    if section.defaults != NO_DEFAULTS:
        by_section = [
            category
            for category, implied in (
                (CueCategory.NEGATION, defaults.presence is Presence.ABSENT),
                (CueCategory.UNCERTAINTY, defaults.certainty is Certainty.UNCERTAIN),
                (CueCategory.HISTORY, defaults.temporality is temporality is Temporality.HISTORICAL),
                (CueCategory.HYPOTHETICAL, defaults.temporality is temporality is Temporality.HYPOTHETICAL),
                (CueCategory.FUTURE, defaults.temporality is temporality is Temporality.FUTURE),
                (CueCategory.FAMILY, defaults.experiencer is experiencer is Experiencer.FAMILY),
                (CueCategory.OTHER_PERSON, defaults.experiencer is experiencer is Experiencer.OTHER),
            )
            if implied and category not in categories
        ]
        cues += [Cue(section.header, section.header.of(text.source), category) for category in by_section]
    if len(cues) > 1:
        cues.sort(key=lambda cue: (cue.span, cue.category))
    assertion = Assertion(presence, certainty, temporality, experiencer, relative)
    sought = Act.SOUGHT in categories and _only_sought(reached) and not by_section
    return Judgement(assertion, tuple(dict.fromkeys(cues)), sought)


def _only_sought(reached: Sequence[Reached]) -> bool:
    """Whether all that calls the mention in question are words that stand for looking into it."""
    looking = {one.span for one in reached if one.rule.category is Act.SOUGHT}
    return all(one.span in looking for one in reached if one.rule.category in _IN_QUESTION)


def _temporality(categories: set[CueCategory | Act], default: Temporality) -> Temporality:
    if CueCategory.HYPOTHETICAL in categories:
        return Temporality.HYPOTHETICAL
    if CueCategory.HISTORY in categories or CueCategory.RESOLVED in categories:
        return Temporality.HISTORICAL
    if CueCategory.FUTURE in categories:
        return Temporality.FUTURE
    if Act.CURRENT in categories and default is Temporality.HISTORICAL:
        return Temporality.CURRENT
    return default


def _experiencer(reached: Sequence[Reached], mention: Span, default: Experiencer) -> tuple[Experiencer, str]:
    """Whose condition it is: the nearest person named, one with a name rather than "family"; else the section's."""
    persons = [one for one in reached if one.rule.category in _PERSONS]
    if not persons:
        return default, ""

    def rank(one: Reached) -> tuple[bool, int]:
        gap = mention.start - one.span.end if one.span.before(mention) else one.span.start - mention.end
        return (not one.rule.relative, gap)

    nearest = min(persons, key=rank)
    return _PERSONS[CueCategory(nearest.rule.category)], nearest.rule.relative
