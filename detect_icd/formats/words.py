"""How an answer reads to people: the few words that the table and the page share."""

from __future__ import annotations

from detect_icd.model import Assertion, Certainty, Experiencer, Mention, Presence, Temporality


def assertion_words(assertion: Assertion) -> str:
    """What the text says in words: "present", or "absent", "family (mother), historical" ..."""
    parts = []
    if assertion.presence is Presence.ABSENT:
        parts.append("absent")
    if assertion.certainty is Certainty.UNCERTAIN:
        parts.append("uncertain")
    if assertion.experiencer is Experiencer.FAMILY:
        parts.append(f"family ({assertion.relative})" if assertion.relative else "family")
    if assertion.experiencer is Experiencer.OTHER:
        parts.append("other person")
    if assertion.temporality is not Temporality.CURRENT:
        parts.append(assertion.temporality.lower())
    return ", ".join(parts) or "present"


def assertion_class(assertion: Assertion) -> str:
    """The one word that decides how a mention is coloured."""
    if assertion.experiencer is not Experiencer.PATIENT:
        return "family"
    if assertion.presence is Presence.ABSENT:
        return "absent"
    if assertion.certainty is Certainty.UNCERTAIN:
        return "uncertain"
    return "present" if assertion.temporality is Temporality.CURRENT else "historical"


def reason_words(mention: Mention) -> str:
    """Why a mention is not reportable, "" where it is."""
    reason = mention.not_reportable_reason
    return "" if reason is None else reason.lower().replace("_", " ")


def one_line(text: str) -> str:
    """White space, line ends included, as single spaces."""
    return " ".join(text.split())
