"""Reads roles and scope of an article's diagnosis groups from its paragraphs, where they are plain.

Group numbers do not pair reliably, so they alone decide nothing: a group holds for the codes its paragraph names, for
the code group it names, or, where the article has only one such group, for all its codes. What is not plain stays
unresolved and is answered with a review by hand.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[.;:*])\s+(?=[A-Z(*])")
_PROCEDURE = re.compile(r"\b(?:\d{4}[0-9A-Z]|[A-Z]\d{4})\b")
_RANGE = re.compile(r"\b(\d{5})\s*(?:-|–|through|thru|to)\s*(\d{5})\b")
_DIAGNOSIS = re.compile(r"\b[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b")
_GROUP = re.compile(r"\bgroup\s*(\d+)\b", re.IGNORECASE)
_CODE_GROUP = re.compile(
    r"group\s*(\d+)\s*(?:cpt|hcpcs|procedure)|(?:cpt|hcpcs|procedure)[^.]{0,40}?\bgroup\s*(\d+)", re.IGNORECASE
)
_NON_COVERED = re.compile(r"\b(?:is|are|as|be)\s+(?:considered\s+)?(?:non-?\s?covered|not\s+covered)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:when|unless|except|if|with|for (?:these|the following)|indications?)\b", re.IGNORECASE)
_NO_LIMIT = re.compile(
    r"not\s+have\s+(?:any\s+)?diagnosis\s+(?:code\s+)?(?:limitations?|restrictions?)|"
    r"no\s+diagnosis\s+(?:code\s+)?(?:limitations?|restrictions?|limits?)|"
    r"diagnosis\s+(?:code\s+)?(?:limitations?|restrictions?)\s+(?:do|does|will)\s+not\s+apply",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"not\s+(?:an?\s+)?(?:all[- ]inclusive|exhaustive)|other\s+diagnos[ei]s\s+(?:codes?\s+)?may", re.IGNORECASE
)
_PRIMARY_SECONDARY = re.compile(r"primary[^.]*?group\s*(\d+)[^.]*?secondary[^.]*?group\s*(\d+)", re.IGNORECASE)
_BOTH_GROUPS = re.compile(
    r"(?:from|of|in)\s+group\s*(\d+)[^.]{0,80}?\b(?:and|with|plus|in addition to)\b[^.]{0,80}?(?:from|of|in)\s+group\s*(\d+)[^.]{0,80}?"
    r"(?:must|required|are to be)|(?:must|requires?|both)\b[^.]{0,120}?group\s*(\d+)[^.]{0,80}?\b(?:and|with|plus|in addition to)\b"
    r"[^.]{0,80}?group\s*(\d+)",
    re.IGNORECASE,
)
_ON_CLAIM = re.compile(
    r"([A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)\s+must\s+(?:appear|be\s+(?:reported|present|billed|included))[^.]*?"
    r"in\s+addition\s+to",
    re.IGNORECASE,
)
_DUAL_WORDS = re.compile(r"\b(?:primary|secondary|dual|in addition to|both)\b", re.IGNORECASE)
_DUAL_TITLE = re.compile(r"^\s*(primary|secondary)\s+diagnos[ei]s", re.IGNORECASE)
_BILLED_WITH = re.compile(
    r"(?:billing|billed|reporting|reported)\s+((?:\d{4}[0-9A-Z]|[A-Z]\d{4})(?:[\s,/]*(?:and|or|&)?[\s,/]*(?:\d{4}[0-9A-Z]|[A-Z]\d{4}))*)"
    r"\s+with\s+((?:\d{4}[0-9A-Z]|[A-Z]\d{4})(?:[\s,/]*(?:and/or|and|or|&)?[\s,/]*(?:\d{4}[0-9A-Z]|[A-Z]\d{4}))*)",
    re.IGNORECASE,
)
_INCLUDING = re.compile(r"\bincluding\b([^)]*)", re.IGNORECASE)
_NOT_APPLICABLE = re.compile(r"^\W*(?:n\s*/?\s*a|none|not applicable)?\W*$", re.IGNORECASE)

_MAX_TEXT = 20_000
"""Paragraphs are read up to here; what is cut off counts as not read."""

COVERED, NONCOVERED = "covered", "noncovered"


def plain(paragraph: str) -> str:
    """A paragraph without its two levels of HTML escapes and tags; "" for N/A."""
    text = html.unescape(html.unescape(paragraph or ""))
    text = _SPACE.sub(" ", _TAG.sub(" ", html.unescape(text))).strip()
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    return "" if _NOT_APPLICABLE.match(text) else text


@dataclass(frozen=True, slots=True)
class ArticleGroups:
    """One article's groups; paragraphs are plain. `has(table, group, code)` looks into its lists."""

    codes: Mapping[int, Sequence[str]]
    code_paragraphs: Mapping[int, str]
    covered: Sequence[int]
    covered_paragraphs: Mapping[int, str]
    asterisks: Mapping[int, str]
    noncovered: Sequence[int]
    noncovered_paragraphs: Mapping[int, str]
    has: Callable[[str, int, str], bool]


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule to store. Its diagnoses: those of `groups` (table, number), plus `more`, minus `less`, or only `more`."""

    label: str
    statement: str
    procedures: tuple[str, ...]
    role: str = "ANY"
    groups: tuple[tuple[str, int], ...] = ()
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    closed: bool = True
    message: str = ""
    resolved: bool = True


@dataclass(slots=True)
class _Reading:
    article: ArticleGroups
    rules: list[ParsedRule] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)

    @property
    def all_codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for codes in self.article.codes.values() for code in codes))

    @property
    def open_codes(self) -> tuple[str, ...]:
        return tuple(code for code in self.all_codes if code not in self.settled)


def read_article(article: ArticleGroups) -> list[ParsedRule]:
    """The rules of one article, and for each of its codes at least one."""
    reading = _Reading(article)
    _statements(reading)
    _exclusions(reading)
    _supports(reading)
    told = {code for rule in reading.rules for code in rule.procedures}
    silent = tuple(code for code in reading.all_codes if code not in told)
    if silent:
        reading.rules.append(ParsedRule("", "NO_LIST", silent))
    return reading.rules


def _statements(reading: _Reading) -> None:
    """Code groups that are non-covered or free of limits, by their own paragraphs."""
    for number, codes in sorted(reading.article.codes.items()):
        for sentence in sentences(reading.article.code_paragraphs.get(number, "")):
            named = _named(sentence, codes) or tuple(codes)
            refused = _NON_COVERED.search(sentence)
            if refused:
                conditional = bool(_CONDITION.search(sentence[: refused.start()] + sentence[refused.end() :]))
                statement = "UNRESOLVED" if conditional else "NON_COVERED"
                reading.rules.append(ParsedRule(str(number), statement, named, resolved=not conditional))
                reading.settled.update(() if conditional else named)
            elif _NO_LIMIT.search(sentence):
                every = _named(sentence, reading.all_codes) or tuple(codes)
                reading.rules.append(ParsedRule(str(number), "NO_LIMIT", every))
                reading.settled.update(every)


def _exclusions(reading: _Reading) -> None:
    article = reading.article
    for number in article.noncovered:
        text = article.noncovered_paragraphs.get(number, "")
        table = ((NONCOVERED, number),)
        billed = _BILLED_WITH.search(text)
        if billed:
            scope = _named(billed[1], reading.all_codes)
            beside = tuple(_PROCEDURE.findall(billed[2]))
            more = tuple(code for part in _INCLUDING.findall(text) for code in _DIAGNOSIS.findall(part))
            more = tuple(code for code in dict.fromkeys(more) if code not in reading.all_codes)
            if scope:
                reading.rules.append(
                    ParsedRule(str(number), "EXCLUDES", scope, groups=table, more=more, only_with=beside)
                )
                continue
        scope, resolved = _scope(reading, text, len(article.noncovered))
        conditional = bool(re.search(r"\b(?:unless|except|only when|billed with)\b", text, re.IGNORECASE))
        if scope:
            reading.rules.append(
                ParsedRule(str(number), "EXCLUDES", scope, groups=table, resolved=resolved and not conditional)
            )


def _supports(reading: _Reading) -> None:
    article = reading.article
    whole = " ".join(_uncut(article.covered_paragraphs.get(n, "")) for n in article.covered)
    if _pairs(reading, whole):
        return
    dual = [n for n in article.covered if _unread_pairing(article, n)]
    for number in article.covered:
        text = article.covered_paragraphs.get(number, "")
        scope, resolved = _scope(reading, text, len(article.covered))
        if scope:
            reading.rules.append(
                ParsedRule(
                    str(number),
                    "SUPPORTS",
                    scope,
                    groups=((COVERED, number),),
                    closed=not _OPEN.search(text),
                    message=article.asterisks.get(number, ""),
                    resolved=resolved and not dual,
                )
            )


def _pairs(reading: _Reading, whole: str) -> bool:
    """Required pairs of diagnoses that the paragraphs state plainly; False where there are none."""
    article = reading.article
    on_claim = _ON_CLAIM.search(whole)
    if on_claim and len(article.covered) == 1:
        number, code = article.covered[0], on_claim[1].upper()
        if article.has(COVERED, number, code):
            scope, resolved = _scope(reading, whole, 1)
            group = ((COVERED, number),)
            reading.rules.append(
                ParsedRule(str(number), "SUPPORTS", scope, "ON_CLAIM", more=(code,), resolved=resolved)
            )
            reading.rules.append(
                ParsedRule(str(number), "SUPPORTS", scope, "COMPANION", group, less=(code,), resolved=resolved)
            )
            return True
    for pattern, roles in ((_PRIMARY_SECONDARY, ("PRIMARY", "SECONDARY")), (_BOTH_GROUPS, ("ON_CLAIM", "COMPANION"))):
        found = pattern.search(whole)
        if not found:
            continue
        first, second = (int(n) for n in found.groups() if n)
        if first == second or {first, second} - set(article.covered) or len(article.covered) != 2:
            continue
        scope, resolved = _scope(reading, whole, 1)
        for role, number in zip(roles, (first, second), strict=True):
            asterisk = article.asterisks.get(number, "")
            table = ((COVERED, number),)
            reading.rules.append(
                ParsedRule(str(number), "SUPPORTS", scope, role, table, message=asterisk, resolved=resolved)
            )
        return True
    return False


def _unread_pairing(article: ArticleGroups, number: int) -> bool:
    """Whether the paragraph speaks of a pair of diagnoses that was not understood."""
    text = article.covered_paragraphs.get(number, "")
    if _DUAL_TITLE.match(text):
        return True
    if len(article.covered) < 2:
        return bool(
            re.search(
                r"\b(?:dual diagnosis|must (?:also )?be (?:reported|billed) with|in addition to (?:one|a))\b",
                text,
                re.IGNORECASE,
            )
        )
    return bool(_DUAL_WORDS.search(text)) and bool(
        _GROUP.search(text) or re.search(r"\bsecondary\b", text, re.IGNORECASE)
    )


def _scope(reading: _Reading, text: str, groups: int) -> tuple[tuple[str, ...], bool]:
    """The codes a diagnosis group holds for, and whether that is plain."""
    article = reading.article
    spoken = _uncut(text)
    named = _named(spoken, reading.all_codes)
    if named:
        return named, True
    numbers = {int(a or b) for a, b in _CODE_GROUP.findall(spoken)} & set(article.codes)
    if numbers:
        return tuple(
            dict.fromkeys(c for n in sorted(numbers) for c in article.codes[n] if c not in reading.settled)
        ), True
    rest = reading.open_codes
    code_groups = [n for n, codes in article.codes.items() if any(code in rest for code in codes)]
    if groups == 1 or len(code_groups) <= 1:
        return rest, True
    return rest, False


def _uncut(text: str) -> str:
    """Without a last sentence that is cut off: it names codes in part only."""
    return " ".join(sentences(text)[:-1]) if text.endswith(("…", "...")) else text


def sentences(text: str) -> list[str]:
    """A paragraph's sentences, roughly: cut after a stop before a capital."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


def _named(text: str, codes: Iterable[str]) -> tuple[str, ...]:
    """Those of `codes` that the text names, ranges included, in their own order."""
    known = list(codes)
    found = set(_PROCEDURE.findall(text))
    for low, high in _RANGE.findall(text):
        found |= {code for code in known if low <= code <= high}
    return tuple(code for code in known if code in found)
