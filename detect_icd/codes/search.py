"""Ranks codes for a query: by the share of the query a wording covers and the share of the wording the query covers."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from detect_icd.codes.index import SearchIndex, Term, Wording
from detect_icd.codes.lookup import version_of
from detect_icd.codes.model import SearchPage, SearchResult
from detect_icd.codeset import Release
from detect_icd.errors import InvalidRequestError

MAX_QUERY = 500
DEFAULT_PAGE, MAX_PAGE = 20, 100
_MOST_RESULTS = 500
_REFINED = 24
"""Best headers whose codes below are looked through for the words they leave over."""
_OPENED = 3
"""Best headers that are answered by their plainest billable code too."""
_SUBSEQUENT = frozenset({"subsequent", "followup", "healing", "aftercare"})
_SEQUELA = frozenset({"sequela", "sequelae", "late"})


@dataclass(frozen=True, slots=True)
class _Found:
    """A code, how well it fits, and by which wording."""

    code: str
    score: float
    text: str
    left: tuple[Term, ...] = ()


def search_page(
    index: SearchIndex,
    release: Release,
    query: str,
    *,
    billable_only: bool = False,
    page_size: int = 0,
    page_token: str = "",
) -> SearchPage:
    """One page of the codes for a query; InvalidRequestError naming the field that cannot be served."""
    query = " ".join(query.split())
    if not 1 <= len(query) <= MAX_QUERY:
        raise InvalidRequestError(f"query must be 1 to {MAX_QUERY} characters", field="query", reason="OUT_OF_RANGE")
    if not 0 <= page_size <= MAX_PAGE:
        raise InvalidRequestError(
            f"page_size must be 1 to {MAX_PAGE}, or 0 for {DEFAULT_PAGE}", field="page_size", reason="OUT_OF_RANGE"
        )
    size = page_size or DEFAULT_PAGE
    key = hashlib.sha256(f"{query}\0{release.name}\0{billable_only}".encode()).digest()[:6]
    start = _offset(page_token, key)
    ranked = _ranked(index, release, query, billable_only)
    more = start + size < len(ranked)
    token = base64.urlsafe_b64encode(key + (start + size).to_bytes(4, "big")).decode() if more else ""
    results = tuple(_result(release, item) for item in ranked[start : start + size])
    return SearchPage(results, token, version_of(release))


def _result(release: Release, item: _Found) -> SearchResult:
    return SearchResult(
        item.code,
        release.title(item.code),
        release.is_billable(item.code),
        round(min(item.score, 1.0), 4),
        item.text,
        release.is_titled(item.code),
    )


def _offset(token: str, key: bytes) -> int:
    if not token:
        return 0
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raw = b""
    if len(raw) != len(key) + 4 or raw[: len(key)] != key:
        raise InvalidRequestError(
            "page_token is of another search: repeat the search it came with, or leave it out",
            field="page_token",
            reason="INVALID_PAGE_TOKEN",
        )
    return int.from_bytes(raw[len(key) :], "big")


@lru_cache(maxsize=256)
def _ranked(index: SearchIndex, release: Release, query: str, billable_only: bool) -> tuple[_Found, ...]:
    found = list(_by_code(release, query)) or _by_words(index, release, query)
    if billable_only:
        found = list(_billable(release, found, frozenset(index.folding.words(query))))
    best: dict[str, _Found] = {}
    for item in found:
        if item.code not in best or best[item.code].score < item.score:
            best[item.code] = item
    return tuple(sorted(best.values(), key=lambda item: (-item.score, item.code))[:_MOST_RESULTS])


def _by_code(release: Release, query: str) -> Iterator[_Found]:
    """Codes that begin with the query, where it reads as the beginning of one."""
    bare = query.upper().replace(".", "").replace(" ", "")
    if not (1 < len(bare) <= 8 and bare[0].isalpha() and bare.isalnum() and any(char.isdigit() for char in bare)):
        return
    prefix = bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"
    exact = release.codeset.normalize_code(query)
    if exact is not None and exact not in release:
        for code in (*release.successors(exact), *release.predecessors(exact)):
            yield _Found(code, 0.9, exact)
    for place, code in enumerate(release.starting_with(prefix)):
        if place == _MOST_RESULTS:
            return
        yield _Found(code, 1.0 if code == prefix else 0.95 - place * 1e-4, code)


def _by_words(index: SearchIndex, release: Release, query: str) -> list[_Found]:
    found: dict[str, _Found] = {}
    literal = query.lower()
    for number, reading in enumerate(index.readings(query)):
        terms = index.terms(reading, unfinished=number == 0)
        for item in _rank(index, release, terms, 1.0 if number == 0 else 0.99):
            if item.text.lower() == literal:
                item = replace(item, score=item.score + 0.02)  # noqa: PLW2901
            if item.code not in found or found[item.code].score < item.score:
                found[item.code] = item
    return list(found.values())


def _rank(index: SearchIndex, release: Release, terms: Sequence[Term], sureness: float) -> Iterator[_Found]:
    whole = sum(term.weight for term in terms)
    if not whole:
        return
    best: dict[str, _Found] = {}
    for wording in index.wordings(terms):
        item = _fit(wording, terms, whole)
        for code in _in_release(release, wording.code):
            if code not in best or best[code].score < item.score:
                best[code] = _Found(code, item.score * sureness, item.text, item.left)
    yield from best.values()
    for item in sorted(best.values(), key=lambda i: -i.score)[:_OPENED]:
        if not item.left:
            yield from (
                _Found(leaf, item.score * 0.98, item.text) for leaf in _plainest(release, item.code, frozenset())[:1]
            )
    headers = sorted((i for i in best.values() if i.left and release.children(i.code)), key=lambda i: -i.score)
    for item in headers[:_REFINED]:
        yield from _refine(index, release, item, terms, whole)


def _in_release(release: Release, code: str) -> Iterable[str]:
    """The code, or what stands in its place in the release."""
    if code in release:
        return (code,)
    return release.successors(code) or release.predecessors(code)


def _fit(wording: Wording, terms: Sequence[Term], whole: float) -> _Found:
    covered = said = 0.0
    left = []
    for term in terms:
        for form, sureness in term.forms:  # surest first
            if form in wording.words:
                covered += term.weight * sureness
                said += term.weight
                break
        else:
            left.append(term)
    exactness = min(said / wording.weight, 1.0) if wording.weight else 0.0
    score = _score(covered / whole, exactness)
    if wording.residual:
        score *= 0.93
    return _Found(wording.code, score - 0.01 * wording.kind, wording.text, tuple(left))


def _score(covered: float, exactness: float) -> float:
    """Words of the query left over count more than words the wording has besides."""
    return float(covered**1.6) * (0.62 + 0.38 * exactness)


def _refine(
    index: SearchIndex, release: Release, item: _Found, terms: Sequence[Term], whole: float
) -> Iterator[_Found]:
    """Codes under a header whose titles say what the header's wording left over ("tennis elbow" + "left")."""
    left = sum(term.weight for term in item.left)
    for wording in index.titles_under(item.code):
        if wording.code not in release:
            continue
        fit = _covered(wording, item.left)
        if fit:
            covered = (whole - left + fit) / whole
            base = ((whole - left) / whole) ** 1.6 or 1.0
            score = item.score / base * covered**1.6
            # Of two that add the same word, the one whose own title says the rest as well.
            own = 0.97 + 0.03 * _covered(wording, terms) / whole
            yield _Found(wording.code, score * own * (0.9 if wording.residual else 0.985), wording.text)


def _covered(wording: Wording, terms: Sequence[Term]) -> float:
    """The weight of the terms the wording has."""
    return sum(t.weight * max((sure for form, sure in t.forms if form in wording.words), default=0.0) for t in terms)


def _billable(release: Release, found: Iterable[_Found], words: frozenset[str]) -> Iterator[_Found]:
    """Each header answered by billable codes under it: the least specific first."""
    for item in found:
        if release.is_billable(item.code):
            yield item
            continue
        for place, leaf in enumerate(_plainest(release, item.code, words)):
            yield _Found(leaf, item.score * (0.97 - 0.01 * place), item.text)


def _detail(title: str) -> int:
    """0: says that nothing is specified; 1: says nothing of it; 2: names something beside the condition."""
    if " with " in title:
        return 2
    return 0 if "unspecified" in title else 1


def _plainest(release: Release, code: str, words: frozenset[str]) -> list[str]:
    children = release.children(code)
    if children and all(release.codeset.table.is_extension(child) for child in children):
        wanted = "S" if words & _SEQUELA else "D" if words & _SUBSEQUENT else "A"
        return [c for c in children if c.endswith(wanted)] or list(children[:1])
    ordered = sorted(children, key=lambda c: (_detail(release.wording(c).lower()), not c.endswith("9"), c))
    plain: list[str] = []
    for child in ordered[:5]:
        plain += [child] if release.is_billable(child) else _plainest(release, child, words)[:1]
    return plain
