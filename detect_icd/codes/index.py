"""Finds the wordings of codes that share words with a query: the SQLite full-text index the lexicon carries."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from detect_icd.codes.fold import Folding

_FEW = 12
"""Fewer wordings with every word than this: also look at those with some."""
_MOST = 300
_ENOUGH = 5
"""Results beside which an exact one needs no more company."""
_SAME = 0.01
"""Weights that differ by less are of the same words."""
_COMMON = 4000
"""A word of more wordings than this says little; it does not find by itself."""
_PREFIX_FROM = 3
_SPELT_FROM = 4


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query, folded. `weight`: how telling (rare) it is; `forms`: words it may stand for, each with how surely."""

    word: str
    weight: float
    forms: tuple[tuple[str, float], ...]


class Wording(NamedTuple):
    """One thing a code is called. `weight` is the sum of its words' weights; `residual`: an "other specified" title."""

    code: str
    kind: int
    text: str
    words: tuple[str, ...]
    weight: float
    residual: bool


class SearchIndex:
    """The wordings of all codes of all releases; safe to use from several threads."""

    def __init__(self, data: bytes) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.deserialize(data)
        self._lock = threading.Lock()
        self.folding = Folding(dict(self._ask("SELECT word, canonical FROM equivalent")))
        self._rarest = float(self._ask("SELECT max(weight) FROM term")[0][0])

    def _ask(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def readings(self, query: str) -> list[str]:
        """The query, and once more for each thing its abbreviations or a phrase within it may stand for."""
        words = query.split()
        found = [query]
        for size in range(min(4, len(words)), 0, -1):
            for at in range(len(words) - size + 1):
                part = " ".join(words[at : at + size])
                rows = self._ask("SELECT expansion FROM short WHERE short = ?", part.lower().strip(".,;:"))
                if 1 < size < len(words) and not rows:
                    folded = " ".join(dict.fromkeys(self.folding.words(part)))
                    if " " in folded:
                        rows = self._ask("SELECT DISTINCT name FROM wording WHERE words = ? AND name <> ''", folded)
                found += (" ".join([*words[:at], str(other), *words[at + size :]]) for (other,) in rows)
            if len(found) > 1:
                break
        return list(dict.fromkeys(found))[:5]

    def terms(self, query: str, *, unfinished: bool = True) -> list[Term]:
        """The query's words. With `unfinished`, the last one may be the beginning of a word."""
        words = list(dict.fromkeys(self.folding.words(query)))
        return [self._term(word, unfinished=unfinished and word is words[-1]) for word in words]

    def _term(self, word: str, *, unfinished: bool) -> Term:
        known = self._ask("SELECT weight FROM term WHERE word = ?", word)
        forms: dict[str, float] = {}
        if unfinished and len(word) >= _PREFIX_FROM and word.isalpha():
            longer = self._ask(
                "SELECT word FROM term WHERE word > ? AND word < ? ORDER BY uses DESC LIMIT 12", word, word + "\x7f"
            )
            forms |= {str(form): 0.85 for (form,) in longer}
        if known:
            return Term(word, float(known[0][0]), ((word, 1.0), *forms.items()))
        for form, sureness in self._spelt(word):
            forms.setdefault(form, sureness)
        weights = [float(w) for form in forms for (w,) in self._ask("SELECT weight FROM term WHERE word = ?", form)]
        return Term(word, max(weights, default=self._rarest / 2), tuple(forms.items()))

    def _spelt(self, word: str) -> list[tuple[str, float]]:
        """Known words one or two slips of the pen away, the likeliest first."""
        if len(word) < _SPELT_FROM or not word.isalpha():
            return []
        forms = sorted({word} | {word[:at] + word[at + 1 :] for at in range(len(word))})
        marks = ", ".join("?" * len(forms))
        found = self._ask(
            f"SELECT DISTINCT term.word, uses FROM spelling JOIN term USING (word) WHERE short IN ({marks})",  # noqa: S608
            *forms,
        )
        ranked = sorted((distance(word, str(form)), form[0] != word[0], -int(uses), str(form)) for form, uses in found)
        return [(form, 0.9 if slips <= 1 else 0.75) for slips, _, _, form in ranked[:6] if slips <= ranked[0][0] + 1]

    def wordings(self, terms: Sequence[Term]) -> list[Wording]:
        """Wordings that share words with the query: those with all of them and, where few say just that, with some."""
        groups = [[form for form, _ in term.forms] for term in terms if term.forms]
        if not groups:
            return []
        found = self._match(" AND ".join(_any(group) for group in groups))
        whole = sum(term.weight for term in terms)
        exact = any(abs(wording.weight - whole) < _SAME for wording in found)
        if len(found) < (_ENOUGH if exact else _FEW) and len(groups) > 1:
            telling = [g for g in groups if self._uses(g) <= _COMMON] or groups
            some = self._match(" OR ".join(_any(group) for group in telling))
            found = list(dict.fromkeys([*found, *some]))
        return found

    def _uses(self, forms: Sequence[str]) -> int:
        rows = self._ask("SELECT uses FROM term WHERE word = ?", forms[0])
        return int(rows[0][0]) if rows else 0

    def _match(self, expression: str) -> list[Wording]:
        rows = self._ask(
            "SELECT code, kind, text, wording.words, weight, residual FROM wording WHERE id IN "
            "(SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words) LIMIT ?)",
            expression,
            _MOST,
        )
        return [_wording(row) for row in rows]

    def titles_under(self, code: str) -> list[Wording]:
        """The titles of the codes under `code`."""
        rows = self._ask(
            "SELECT code, kind, text, words, weight, residual FROM wording WHERE code > ? AND code < ? AND kind = 1",
            code,
            code + "~",
        )
        return [_wording(row) for row in rows]


def _wording(row: Sequence[Any]) -> Wording:
    code, kind, text, words, weight, residual = row
    return Wording(code, kind, text, tuple(words.split()), weight, residual == 1)


def _any(forms: Sequence[str]) -> str:
    return "(" + " OR ".join(f'"{form}"' for form in forms) + ")"


def distance(one: str, other: str) -> int:
    """Letters to insert, delete, change or swap with their neighbour to make `other` of `one`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if last and i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
