"""Compiles titles and authored tables into the phrase member of the bundle.

Every phrase is folded onto one vocabulary (spelling, plural, adjective of the same organ) and kept
as a string with one character a word, so that the flashtext trie built from it has one level a
word instead of one a letter: a fifth of the memory, and a scan that skips unknown words whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from detect_icd.codeset import Release
from detect_icd.lexicon import FIRST_WORD, Row, phrases_of, title_key
from detect_icd.compile.titles import Phrase, Rewrites, title_phrases
from detect_icd.errors import LexiconError
from detect_icd.text import normalize_phrase, significant
from detect_icd.words import variants

_NO_TITLES = re.compile(r"[V-Y]")


class Vocabulary:
    """Numbers the words of all phrases; `form -> canonical` as the run time will resolve it."""

    def __init__(self, phrases: Iterable[Phrase], equivalents: Mapping[str, str]) -> None:
        words = {word for phrase in phrases for word in phrase} | set(equivalents) | set(equivalents.values())
        self.aliases: dict[str, str] = {}
        base: set[str] = set(equivalents.values())
        for word in sorted(words, key=lambda w: (len(w), w)):
            if word in base:
                continue
            known = next((v for v in variants(word) if v in base or v in self.aliases), None)
            target = equivalents.get(word, known)
            if target is None:
                base.add(word)
            else:
                self.aliases[word] = self.aliases.get(target, target)
        self.base = sorted(base)
        self._number = {word: n for n, word in enumerate(self.base)}

    def encode(self, phrase: Phrase) -> str:
        """One character a word."""
        return "".join(chr(FIRST_WORD + self._number[self.aliases.get(w, w)]) for w in phrase)


def compile_phrases(
    concept_rows: Iterable[Row], tables: Mapping[str, list[dict[str, str]]], release: Release
) -> dict[str, Any]:
    """The `phrases` member: words, aliases, concepts, and phrase -> senses.

    A sense is [concept, kind, exact-case spelling or "", needs, unless, row]; `concept` is -1 where the phrase
    is known to name no diagnosis (suppressions, the plain sense of an abbreviation).
    """
    problems: list[str] = []
    concepts: list[list[Any]] = []
    number_of: dict[str, int] = {}
    senses: dict[Phrase, list[list[Any]]] = {}

    def concept(identifier: str, name: str, code: str, history: str, at: str, *, assignable: bool = True) -> int:
        if identifier not in number_of:
            number_of[identifier] = len(concepts)
            concepts.append([identifier, name, code, history, at, assignable])
        return number_of[identifier]

    authored: dict[Phrase, tuple[int, str]] = {}
    for row in [*concept_rows, *tables["findings"]]:
        if row["code"] and row["code"] not in release:
            problems.append(f"{row['_at']}: unknown code {row['code']}")
        if row["concept"] in number_of:
            problems.append(f"{row['_at']}: concept {row['concept']} is defined twice")
        phrases = phrases_of(row["phrases"])
        vague = "history" not in row
        number = concept(
            row["concept"], phrases[0], row["code"], row.get("history", ""), row["_at"], assignable=not vague
        )
        for text in phrases:
            phrase = normalize_phrase(text)
            other = authored.get(phrase)
            if other and other[0] != number:
                problems.append(f"{row['_at']}: phrase {text!r} already means {concepts[other[0]][0]} ({other[1]})")
            authored[phrase] = (number, row["_at"])

    swapped = _swapped(authored)
    excluded = {normalize_phrase(row["phrase"]) for row in tables["title_exclusions"]}
    titles = [(code, wording) for code in release.codes() if not _NO_TITLES.match(code) for wording in _wordings(release, code)]
    derived = title_phrases(
        titles,
        Rewrites(tables["title_rewrites"]),
        ancestors=release.ancestors,
        usable=lambda code, phrase: phrase not in excluded and _usable(code, phrase),
    )
    equivalents = {row["word"]: row["canonical"] for row in tables["words"]}
    suppressed = {normalize_phrase(row["phrase"]): row["_at"] for row in tables["suppressions"]}
    short_rows = [(normalize_phrase(row["short"]), row) for row in tables["abbreviations"]]
    vocabulary = Vocabulary([*authored, *swapped, *derived, *suppressed, *(p for p, _ in short_rows)], equivalents)

    by_key: dict[str, int] = {}
    for phrase, (number, at) in authored.items():
        key = vocabulary.encode(phrase)
        if key in by_key and by_key[key] != number:
            problems.append(f"{at}: {' '.join(phrase)!r} folds onto a phrase of {concepts[by_key[key]][0]}")
        by_key[key] = number
        senses.setdefault(phrase, [[number, "PHRASE", "", [], [], at]])
    for phrase, (number, at) in swapped.items():
        if by_key.setdefault(vocabulary.encode(phrase), number) == number:
            senses.setdefault(phrase, [[number, "PHRASE", "", [], [], at]])
    for phrase in sorted(derived):
        code, key = derived[phrase], vocabulary.encode(phrase)
        if key in by_key:
            continue
        title = release.title(code)
        by_key[key] = concept(f"icd10cm-{code.lower().replace('.', '-')}", title, code, "", f"title of {code}")
        senses[phrase] = [[by_key[key], "TITLE", "", [], [], f"title of {code}"]]

    compiled = {vocabulary.encode(phrase): found for phrase, found in senses.items()}
    for phrase, at in suppressed.items():
        compiled[vocabulary.encode(phrase)] = [[-1, "PHRASE", "", [], [], at]]
    shorts: dict[str, list[list[Any]]] = {}
    for phrase, row in short_rows:
        expansion = row["expansion"]
        if expansion.startswith("("):
            meaning = -1
        else:
            meaning = by_key.get(_encode_known(vocabulary, normalize_phrase(expansion)), -2)
            if meaning == -2:
                problems.append(f"{row['_at']}: no phrase of the lexicon reads {expansion!r}")
        spelling = row["short"] if row["case"] == "exact" else ""
        sense = [meaning, "ABBREVIATION", spelling, _terms(row["needs"]), _terms(row["unless"]), row["_at"]]
        shorts.setdefault(vocabulary.encode(phrase), []).append(sense)
    problems.extend(
        f"{row['_at']}: no concept is called {row['concept']}"
        for row in tables["alternatives"]
        if row["concept"] not in number_of
    )
    if problems:
        raise LexiconError(f"{len(problems)} faults in the lexicon:\n" + "\n".join(problems))
    for key, found in shorts.items():
        written_out = [s for s in compiled.get(key, []) if s[1] != "TITLE"]
        compiled[key] = found if not written_out else [*found, *written_out]

    return {
        "words": vocabulary.base,
        "aliases": dict(sorted(vocabulary.aliases.items())),
        "concepts": concepts,
        "phrases": sorted(compiled.items()),
        "titles": _titles(release),
    }


def _swapped(authored: Mapping[Phrase, tuple[int, str]]) -> dict[Phrase, tuple[int, str]]:
    """"stone of the kidney" also reads "kidney stone", where no row says otherwise."""
    found: dict[Phrase, tuple[int, str]] = {}
    for phrase, meaning in authored.items():
        plain = [word for word in phrase if word != "the"]
        if len(plain) > 2 and plain[1] == "of" and "of" not in plain[2:] and all(word[0].isalpha() for word in plain):
            other = (*plain[2:], plain[0])
            if other not in authored:
                found[other] = meaning
    return found


def _titles(release: Release) -> list[list[Any]]:
    """Keys of all official titles, ascending, each with its code: two parallel lists."""
    titled = filter(release.is_titled, release.codes())
    rows = sorted((title_key(significant(normalize_phrase(release.title(code)))), code) for code in titled)
    return [[key for key, _ in rows], [code for _, code in rows]]


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


def _encode_known(vocabulary: Vocabulary, phrase: Phrase) -> str:
    try:
        return vocabulary.encode(phrase)
    except KeyError:
        return ""


def _terms(cell: str) -> list[str]:
    return [" ".join(normalize_phrase(term)) for term in phrases_of(cell)]
