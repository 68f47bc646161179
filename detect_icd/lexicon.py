"""The compiled lexicon, read whole once by whoever owns the process, and memory-lean afterwards.

The bundle (`data/lexicon.bundle`) is a zip of JSON members; each is read when first asked for, so
that a spaCy pipeline that only wants context cues never pays for the code set.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from detect_icd.codeset import CodeSet
from detect_icd.errors import LexiconError
from detect_icd.memo import Memo
from detect_icd.model import Concept, MatchKind
from detect_icd.text import normalize_phrase
from detect_icd.words import variants

FORMAT = 2
"""Of the bundle; raised when a reader of the old format could not read the new one."""
FIRST_WORD = 0x10000
"""Word number n stands in a phrase key as the character chr(FIRST_WORD + n)."""
UNKNOWN = " "
"""Stands in a key for a word that no phrase has."""

_REMEMBERED = 32_768
"""Words whose forms are remembered: more than any language uses often."""

_LONG = 9
"""Words of so many letters are forgiven a typing error; a shorter one would too often be another word."""
_LONGEST = 64
"""No word is longer; what is, is none."""

Row = Mapping[str, str]
"""A row of an authored table: column -> cell, and `_at` (file:line)."""


@dataclass(frozen=True, slots=True)
class ConceptEntry:
    """A concept of the lexicon: its code node, what its history becomes ('' by table), and its row.

    A concept that is not `assignable` names a finding too vague to report ("a mass"): it is a mention, its code (''
    where there is none) only a hint.
    """

    concept: Concept
    code: str
    history: str
    row: str
    assignable: bool = True


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a phrase; `entry` is None where the phrase is known to name no diagnosis."""

    entry: ConceptEntry | None
    kind: MatchKind
    spelling: str
    needs: tuple[tuple[str, ...], ...]
    unless: tuple[tuple[str, ...], ...]
    row: str


class Lexicon:
    """Phrases, tables and the code set of one compiled bundle."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as bundle:
                self.manifest: dict[str, Any] = json.loads(bundle.read("manifest.json"))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise LexiconError(
                f"cannot read the lexicon bundle {path.name}: run `make lexicon` or reinstall"
            ) from error
        if self.manifest.get("format") != FORMAT:
            raise LexiconError(
                f"the bundle has format {self.manifest.get('format')}, this program reads {FORMAT}: rebuild it"
            )

    @classmethod
    def default(cls) -> Lexicon:
        """The packaged lexicon, one object a process."""
        return _default()

    @property
    def version(self) -> str:
        """Changes whenever anything compiled into the bundle does."""
        return str(self.manifest["lexicon"])

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of an authored table, columns as in its TSV plus `_at` (file:line)."""
        return self._tables[name]

    @cached_property
    def codeset(self) -> CodeSet:
        """Every release of ICD-10-CM the bundle knows."""
        return CodeSet.from_member(self._member("codes.json"))

    @cached_property
    def _tables(self) -> dict[str, list[dict[str, str]]]:
        return dict(self._member("tables.json"))

    @cached_property
    def phrases(self) -> Phrases:
        """The phrase dictionary."""
        return Phrases(self._member("phrases.json"))

    def read(self, name: str) -> bytes:
        """A member of the bundle as it stands; LexiconError where there is none of the name."""
        try:
            with zipfile.ZipFile(self._path) as bundle:
                return bundle.read(name)
        except KeyError:
            raise LexiconError(f"the lexicon bundle lacks {name}: run `make lexicon` or reinstall") from None

    def _member(self, name: str) -> Any:
        return json.loads(self.read(name))


class Phrases:
    """Words, phrases and senses; keys hold one character a word (see compile.phrases)."""

    def __init__(self, member: dict[str, Any]) -> None:
        self._char = {word: chr(FIRST_WORD + n) for n, word in enumerate(member["words"])}
        self._own = {char: char for char in self._char.values()}
        self._aliases: dict[str, str] = member["aliases"]
        self.entries: list[ConceptEntry] = [
            ConceptEntry(Concept(identifier, name), code, history, row, assignable)
            for identifier, name, code, history, row, assignable in member["concepts"]
        ]
        self.keys: list[str] = [key for key, _ in member["phrases"]]
        """Every phrase as its key; its place here is its number."""
        self._meant: list[list[Any]] = [meant for _, meant in member["phrases"]]
        self.title_keys, self.title_codes, self.title_openings = member["titles"]
        self.canonical = Memo(self._canonical, _REMEMBERED)
        """The lexicon's form of a normalised word ("hepatic" -> "liver"); unknown words unchanged."""
        self.key_char = Memo(self._key_char, _REMEMBERED)
        """The key character of a normalised word; UNKNOWN where no phrase has it."""
        self.nearest_char = Memo(self._nearest_char, _REMEMBERED)
        """The same, of the one known word within a typing error where the word itself is unknown."""

    def _known(self, word: str) -> str | None:
        for form in variants(word):
            if form in self._char:
                return form
            if form in self._aliases:
                return self._aliases[form]
        return None

    def _canonical(self, word: str) -> str:
        return self._known(word) or word

    def _key_char(self, word: str) -> str:
        known = self._known(word)
        return UNKNOWN if known is None else self._char[known]

    def _nearest_char(self, word: str) -> str:
        """A typing error is one letter left out or put in, or two swapped, behind the first letter: a wrong beginning
        is a negation as often ("afebrile") as an error, and a changed letter another word ("macro" for "micro").
        """
        known = self.key_char[word]
        if known != UNKNOWN or len(word) < _LONG or not word.isalpha():
            return known
        near = {known for form in _deletions(word) for known in self.spellings.get(form, ())}
        near = {known for known in near if _one_error(word, known)}
        return self.key_char[near.pop()] if len(near) == 1 else UNKNOWN

    @cached_property
    def spellings(self) -> dict[str, list[str]]:
        """Every long word, and every form of it with a letter left out -> the words it may stand for."""
        index: dict[str, list[str]] = {}
        for word in self._char:
            if len(word) >= _LONG and word.isalpha():
                for form in _deletions(word):
                    index.setdefault(form, []).append(word)
        return index

    def key(self, words: Sequence[str]) -> str:
        """The key of a run of normalised words."""
        return "".join(map(self.key_char.__getitem__, words))

    def chars(self, key: str) -> list[str]:
        """The characters of a key, as the very objects that `key_char` gives: a dictionary finds those without comparing."""
        return list(map(self._own.__getitem__, key))

    def senses(self, number: int) -> tuple[Sense, ...]:
        """The senses of phrase `number` (its place in `keys`), in the order they are tried."""
        return tuple(
            Sense(
                self.entries[concept] if concept >= 0 else None,
                MatchKind(kind),
                spelling,
                tuple(tuple(term.split()) for term in needs),
                tuple(tuple(term.split()) for term in unless),
                row,
            )
            for concept, kind, spelling, needs, unless, row in self._meant[number]
        )

    @cached_property
    def by_concept(self) -> dict[str, ConceptEntry]:
        """Concept id -> entry."""
        return {entry.concept.id: entry for entry in self.entries}

    def find(self, phrase: str) -> tuple[Sense, ...]:
        """The senses of one phrase as a human writes it; () where the lexicon lacks it."""
        key = self.key(normalize_phrase(phrase))
        return next((self.senses(n) for n, known in enumerate(self.keys) if known == key), ())


@lru_cache(maxsize=1)
def _default() -> Lexicon:
    return Lexicon(Path(str(files("detect_icd") / "data" / "lexicon.bundle")))


def title_key(words: Sequence[str]) -> int:
    """A 64-bit key of a whole title's words, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(" ".join(words).encode(), digest_size=8).digest(), "big")


def title_opening(words: Sequence[str]) -> str:
    """The beginning of a title's words, by which a line that is no title is told at a glance."""
    return " ".join(words[:2])


def _deletions(word: str) -> set[str]:
    """`word` and every form of it with one letter behind the first left out; none of what is too long to be a word."""
    letters = range(1, len(word)) if len(word) <= _LONGEST else ()
    return {word, *(word[:i] + word[i + 1 :] for i in letters)}


def _one_error(one: str, other: str) -> bool:
    """Whether a single insertion, deletion or swap behind the first letter turns one word into the other."""
    if one[0] != other[0]:
        return False
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    return short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]


def terms_of(cell: str) -> tuple[tuple[str, ...], ...]:
    """The alternatives in a cell, as the words the text would show for them."""
    return tuple(map(normalize_phrase, phrases_of(cell)))


def phrases_of(cell: str) -> list[str]:
    """The alternatives in a cell: `a | b | c`."""
    return [part.strip() for part in cell.split(" | ") if part.strip()]
