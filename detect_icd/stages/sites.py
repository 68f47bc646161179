"""Completes a finding with the site named after it: "a mass of 5 cm in the left kidney" is a kidney mass.

A note names the site behind its finding as often as before it; the lexicon need hold only one of the two. What
stands behind a locator ("in", "of") is tried as the beginning of a phrase that ends with the finding. What spreads
is named apart from where it went: of "metastatic breast cancer to the bone" the bone is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from detect_icd.stages.phrases import Found, PhraseFinder

_MOST_HEAD = 2
"""Most words of a finding that is completed; a longer one names its own site."""
_REACH = 8
"""Most words between a finding and its site's locator ("measuring 5 x 3 cm")."""
_LONGEST_SITE = 4
_MOST_SITES = 4
"""Most coordinated sites ("in the liver, spleen and kidney")."""
_BREAKS = frozenset({".", ";", ":", "(", ")"})
_ENDS = _BREAKS | {","}
_CARRIED = 7
"""Most words between what spreads and where it went ("metastatic poorly differentiated breast cancer to")."""

Taken = Mapping[int, Found]
"""Token -> the finding it belongs to."""


class Sites:
    """Completes findings.

    `heads` name a finding only together with a site ("disorder of the vagus nerve"), `locators` introduce a site,
    `joins` coordinate sites, `inside` words belong to no phrase; `carriers` are words of what spreads, with the word
    that a site's phrase has for it, `goals` introduce where it went.
    """

    def __init__(
        self,
        finder: PhraseFinder,
        heads: Collection[str],
        locators: Collection[str],
        joins: Collection[str],
        inside: Collection[str],
        negators: Collection[str],
        carriers: Mapping[str, str],
        goals: Collection[str],
    ) -> None:
        self._finder = finder
        self._of = finder.key(["of"])
        self._heads = frozenset(heads)
        self._locators = frozenset(locators)
        self._joins = frozenset(joins)
        self._inside = frozenset(inside)
        self._stops = frozenset((*joins, *negators, *_BREAKS))
        self._carriers = dict(carriers)
        self._goals = frozenset(goals)

    def may_be_in(self, words: Collection[str]) -> bool:
        """Whether a word that names a finding only with its site is among `words`."""
        return not self._heads.isdisjoint(words)

    def find(self, words: tuple[str, ...], first: int, last: int, places: Sequence[Found]) -> list[Found]:
        """The phrases completed from `places` in tokens `first` up to `last`; the first of each stands in its place.

        A finding beside its site is placed on both, one further off on its own words: what stands between may
        deny it.
        """
        heads = [place for place in places if place.last - place.first <= _MOST_HEAD]
        if self.may_be_in(words[first:last]):
            heads += [Found(i, i + 1, -1) for i in range(first, last) if words[i] in self._heads]
        heads = [h for h in heads if not self._locators.isdisjoint(words[h.last : min(last, h.last + _REACH)])]
        spread = not self._carriers.keys().isdisjoint(words[first:last])
        if not heads and not spread:
            return []
        taken = {i: place for place in places for i in range(place.first, place.last)}
        found = [
            completed
            for head in heads
            if head.number >= 0 or head.first not in taken
            for completed in self._complete(words, last, head, taken)
        ]
        if not spread:
            return found
        by_place = {place.first: place for place in found}
        for i in range(first, last):
            carried = self._carriers.get(words[i])
            if carried is not None:
                for place in self._spread(words, i, last, carried, taken):
                    by_place.setdefault(place.first, place)
        return [*by_place.values()]

    def _spread(self, words: tuple[str, ...], at: int, last: int, carried: str, taken: Taken) -> Iterator[Found]:
        """Where what is named at `at` went; a site that a longer phrase tells already is passed over."""
        goal = next((i for i in range(at + 1, min(last, at + _CARRIED)) if words[i] in self._goals), last)
        if goal == last or not _ENDS.isdisjoint(words[at + 1 : goal]):
            return
        if goal in taken:
            place = taken[goal].last
        else:
            site = self._gone_to(words, goal + 1, last, carried, taken, closed=not words[goal].isalpha())
            if site is None:
                return
            yield site
            place = site.last
        for _ in range(_MOST_SITES):
            start, place = place, self._past_joins(words, place, last)
            if place == start:
                return
            known = taken.get(place)
            if known is not None and known.first == place:
                place = known.last
                continue
            site = self._gone_to(words, place, last, carried, taken, closed=True)
            if site is None:
                return
            yield site
            place = site.last

    def _gone_to(
        self, words: tuple[str, ...], at: int, last: int, carried: str, taken: Taken, *, closed: bool
    ) -> Found | None:
        """The longest site from `at` on that makes a phrase with `carried`; a `closed` one ends its part of a list."""
        finder, own = self._finder, self._finder.key([carried])
        for begin, end, site in self._runs(words, at, last, taken):
            if closed and end < last and words[end] not in self._stops and words[end] not in _ENDS:
                continue
            number = finder.exact(site + own)
            if number is not None:
                return Found(begin, end, number)
        return None

    def _complete(self, words: tuple[str, ...], last: int, head: Found, taken: Taken) -> Iterator[Found]:
        at = self._locator(words, head.last, min(last, head.last + _REACH), taken)
        while at is not None:
            site = self._site(words, at + 1, last, head, taken)
            if site is not None:
                near = at == head.last
                yield Found(head.first, site.last if near else head.last, site.number, head.fuzzy)
                yield from self._further(words, last, head, site.last, taken)
                return
            at = self._locator(words, at + 1, min(last, head.last + _REACH), taken)

    def _further(self, words: tuple[str, ...], last: int, head: Found, at: int, taken: Taken) -> Iterator[Found]:
        """Further sites of the same finding, each placed on its own words."""
        for _ in range(_MOST_SITES):
            start, at = at, self._past_joins(words, at, last)
            site = self._site(words, at, last, head, taken) if at > start else None
            if site is None:
                return
            yield site
            at = site.last

    @staticmethod
    def _free(begin: int, end: int, taken: Taken) -> bool:
        """Whether tokens `begin` up to `end` belong to no finding, or are one ("rupture of an aneurysm")."""
        others = {taken[i] for i in range(begin, end) if i in taken}
        return all((other.first, other.last) == (begin, end) for other in others)

    def _locator(self, words: tuple[str, ...], start: int, end: int, taken: Taken) -> int | None:
        for i in range(start, end):
            if words[i] in self._locators:
                return i
            # A unit of measure ("5 mm") may be the short form of a disease.
            if words[i] in self._stops or (i in taken and not words[i - 1].isdigit()):
                return None
        return None

    def _site(self, words: tuple[str, ...], at: int, last: int, head: Found, taken: Taken) -> Found | None:
        """The longest site from `at` on that makes a phrase with the words of `head`."""
        finder, own = self._finder, self._finder.key(words[head.first : head.last])
        for begin, end, site in self._runs(words, at, last, taken):
            number = finder.exact(site + own)
            if number is None:
                number = finder.exact(own + self._of + site)
            if number is not None:
                return Found(begin, end, number)
        return None

    def _runs(self, words: tuple[str, ...], at: int, last: int, taken: Taken) -> Iterator[tuple[int, int, str]]:
        """The runs of words from `at` on that may name a site, the longest first, each with its key.

        Words that belong to no phrase are left out before it, or else kept.
        """
        start = at
        while start < last and words[start] in self._inside:
            start += 1
        for begin in (start, at) if start > at else (at,):
            key = self._finder.key(words[begin : min(last, begin + _LONGEST_SITE)])
            for end in range(begin + len(key), begin, -1):
                if words[end - 1][0].isalpha() and self._free(begin, end, taken):
                    yield begin, end, key[: end - begin]

    def _past_joins(self, words: tuple[str, ...], at: int, last: int) -> int:
        """The first token behind the conjunction at `at` (", and"); `at` where none stands there."""
        start = at
        while at < last and at - start < 2 and words[at] in self._joins:
            at += 1
        return at
