"""Compiles titles and authored tables into the phrase member of the bundle.

Every phrase is folded onto one vocabulary and kept as a string with one character a word, so that the
flashtext trie built from it has one level a word instead of one a letter: a fifth of the memory, and a scan
that skips unknown words whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from detect_icd.codeset import Release
from detect_icd.compile.titles import Phrase, Rewrites, title_phrases
from detect_icd.compile.vocabulary import Vocabulary
from detect_icd.errors import LexiconError
from detect_icd.lexicon import Row, phrases_of, title_key, title_opening
from detect_icd.text import normalize_phrase, significant

Tables = Mapping[str, list[dict[str, str]]]

_NO_TITLES = re.compile(r"[V-Y]")
"""Titles of external causes are no words of running text."""
_DASHED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
"""A hyphen inside a phrase: dictated notes set it between blanks ("Beckwith - Wiedemann")."""
_NOTHING = -1
"""Stands for a concept where a phrase is known to name no diagnosis."""


def compile_phrases(concept_rows: Iterable[Row], tables: Tables, release: Release) -> dict[str, Any]:
    """The `phrases` member: words, aliases, concepts, phrase -> senses, titles.

    A sense is [concept, kind, exact-case spelling or "", needs, unless, row]; `concept` is -1 where the phrase is
    known to name no diagnosis (suppressions, the plain sense of an abbreviation). Raises LexiconError naming every
    fault: unknown code, concept defined twice, phrase with two meanings, abbreviation of nothing.
    """
    dictionary = _Dictionary(tables, release)
    dictionary.read_concepts([*concept_rows, *tables["findings"]])
    dictionary.read_titles()
    dictionary.fold()
    dictionary.add_suppressions()
    dictionary.add_abbreviations()
    dictionary.check_references()
    return dictionary.member()


class _Dictionary:
    """The dictionary on its way: concepts, then phrases, then their senses by key."""

    def __init__(self, tables: Tables, release: Release) -> None:
        self._tables = tables
        self._release = release
        self._faults: list[str] = []
        self._concepts: list[list[Any]] = []
        self._number_of: dict[str, int] = {}
        self._authored: dict[Phrase, tuple[int, str]] = {}
        self._derived: dict[Phrase, str] = {}
        self._meaning: dict[str, int] = {}
        self._senses: dict[str, list[list[Any]]] = {}
        self._vocabulary = Vocabulary([], {})

    def read_concepts(self, rows: Iterable[Row]) -> None:
        """The authored phrases; a row without a history column is a finding that is a mention only."""
        for row in rows:
            if row["code"] and row["code"] not in self._release:
                self._faults.append(f"{row['_at']}: unknown code {row['code']}")
            if row["concept"] in self._number_of:
                self._faults.append(f"{row['_at']}: concept {row['concept']} is defined twice")
            phrases = phrases_of(row["phrases"])
            assignable = "history" in row
            number = self._concept(
                row["concept"], phrases[0], row["code"], row.get("history", ""), row["_at"], assignable=assignable
            )
            for text in [*phrases, *(_DASHED.sub(" - ", text) for text in phrases if _DASHED.search(text))]:
                phrase = normalize_phrase(text)
                other, at = self._authored.setdefault(phrase, (number, row["_at"]))
                if other != number:
                    self._faults.append(
                        f"{row['_at']}: phrase {text!r} already means {self._concepts[other][0]} ({at})"
                    )

    def read_titles(self) -> None:
        """The phrases that official titles and inclusion terms give."""
        excluded = {normalize_phrase(row["phrase"]) for row in self._tables["title_exclusions"]}
        self._derived = title_phrases(
            (
                (code, wording)
                for code in self._release.codes()
                if not _NO_TITLES.match(code)
                for wording in _wordings(self._release, code)
            ),
            Rewrites(self._tables["title_rewrites"]),
            ancestors=self._release.ancestors,
            usable=lambda code, phrase: phrase not in excluded and _usable(code, phrase),
        )

    def fold(self) -> None:
        """One vocabulary for all, and of phrases that fold together the authored before the derived."""
        swapped = _swapped(self._authored)
        others = (
            normalize_phrase(row[column])
            for name, column in (("suppressions", "phrase"), ("abbreviations", "short"))
            for row in self._tables[name]
        )
        equivalents = {row["word"]: row["canonical"] for row in self._tables["words"]}
        self._vocabulary = Vocabulary([*self._authored, *swapped, *self._derived, *others], equivalents)
        for phrase, (number, at) in self._authored.items():
            key = self._vocabulary.encode(phrase)
            if self._meaning.setdefault(key, number) != number:
                owner = self._concepts[self._meaning[key]][0]
                self._faults.append(f"{at}: {' '.join(phrase)!r} folds onto a phrase of {owner}")
            self._senses.setdefault(key, [_sense(number, "PHRASE", at)])
        for phrase, (number, at) in swapped.items():
            key = self._vocabulary.encode(phrase)
            if self._meaning.setdefault(key, number) == number:
                self._senses.setdefault(key, [_sense(number, "PHRASE", at)])
        for phrase, code in sorted(self._derived.items()):
            key = self._vocabulary.encode(phrase)
            if key not in self._meaning:
                at = f"title of {code}"
                identifier = f"icd10cm-{code.lower().replace('.', '-')}"
                self._meaning[key] = self._concept(identifier, self._release.title(code), code, "", at)
                self._senses[key] = [_sense(self._meaning[key], "TITLE", at)]

    def add_suppressions(self) -> None:
        """Phrases that look like a diagnosis and are none."""
        for row in self._tables["suppressions"]:
            key = self._vocabulary.encode(normalize_phrase(row["phrase"]))
            self._senses[key] = [_sense(_NOTHING, "PHRASE", row["_at"])]

    def add_abbreviations(self) -> None:
        """Short forms with the senses of their expansions, before what the same letters mean written out."""
        shorts: dict[str, list[list[Any]]] = {}
        for row in self._tables["abbreviations"]:
            spelling = row["short"] if row["case"] == "exact" else ""
            sense = _sense(self._expansion(row), "ABBREVIATION", row["_at"])
            sense[2:5] = spelling, _terms(row["needs"]), _terms(row["unless"])
            shorts.setdefault(self._vocabulary.encode(normalize_phrase(row["short"])), []).append(sense)
        for key, senses in shorts.items():
            self._senses[key] = [*senses, *(s for s in self._senses.get(key, []) if s[1] != "TITLE")]

    def check_references(self) -> None:
        """Every alternative, every meaning of a finding and every concept in a row's brackets is one of the lexicon."""
        named = [
            (row["_at"], row[column])
            for table, column in (("alternatives", "concept"), ("meanings", "finding"), ("meanings", "concept"))
            for row in self._tables[table]
        ]
        named += [
            (row["_at"], concept)
            for table in ("superseded", "integral_symptoms")
            for row in self._tables[table]
            for names in re.findall(r"\[([^\]]+)\]", row["codes"])
            for concept in names.split()
        ]
        self._faults.extend(f"{at}: no concept is called {name}" for at, name in named if name not in self._number_of)

    def member(self) -> dict[str, Any]:
        """What the bundle stores; raises LexiconError where anything was wrong."""
        if self._faults:
            raise LexiconError(f"{len(self._faults)} faults in the lexicon:\n" + "\n".join(self._faults))
        return {
            "words": self._vocabulary.base,
            "aliases": dict(sorted(self._vocabulary.aliases.items())),
            "concepts": self._concepts,
            "phrases": sorted(self._senses.items()),
            "titles": _titles(self._release),
        }

    def _concept(self, identifier: str, name: str, code: str, history: str, at: str, *, assignable: bool = True) -> int:
        if identifier not in self._number_of:
            self._number_of[identifier] = len(self._concepts)
            self._concepts.append([identifier, name, code, history, at, assignable])
        return self._number_of[identifier]

    def _expansion(self, row: Row) -> int:
        """The concept an abbreviation stands for; an expansion in brackets is no diagnosis."""
        if row["expansion"].startswith("("):
            return _NOTHING
        try:
            return self._meaning[self._vocabulary.encode(normalize_phrase(row["expansion"]))]
        except KeyError:
            self._faults.append(f"{row['_at']}: no phrase of the lexicon reads {row['expansion']!r}")
            return _NOTHING


def _sense(concept: int, kind: str, at: str) -> list[Any]:
    return [concept, kind, "", [], [], at]


def _swapped(authored: Mapping[Phrase, tuple[int, str]]) -> dict[Phrase, tuple[int, str]]:
    """A phrase like "stone of the kidney" also reads "kidney stone", where no row says otherwise."""
    found: dict[Phrase, tuple[int, str]] = {}
    for phrase, meaning in authored.items():
        plain = [word for word in phrase if word != "the"]
        if len(plain) > 2 and plain[1] == "of" and "of" not in plain[2:] and all(word[0].isalpha() for word in plain):
            other = (*plain[2:], plain[0])
            if other not in authored:
                found[other] = meaning
    return found


def _titles(release: Release) -> list[list[Any]]:
    """Keys of all official titles, ascending, each with its code: two parallel lists; and how titles begin."""
    titles = {
        code: significant(normalize_phrase(release.title(code))) for code in release.codes() if release.is_titled(code)
    }
    rows = sorted((title_key(words), code) for code, words in titles.items())
    openings = sorted({title_opening(words) for words in titles.values()})
    return [[key for key, _ in rows], [code for _, code in rows], openings]


def _wordings(release: Release, code: str) -> list[str]:
    bare = code.replace(".", "")
    if len(bare) >= 7:
        return []
    return [release.wording(code), *release.notes(code).inclusion_terms]


def _usable(code: str, phrase: Phrase) -> bool:
    """Whether a phrase made from a title is plain enough to be looked for in running text."""
    if not phrase or len(phrase) > 9:
        return False
    if len(phrase) == 1:
        return len(phrase[0]) > 5 and not code.startswith(("Z", "R", "S", "T"))
    return len(phrase) > 2 or not code.startswith("Z")


def _terms(cell: str) -> list[str]:
    return [" ".join(normalize_phrase(term)) for term in phrases_of(cell)]
