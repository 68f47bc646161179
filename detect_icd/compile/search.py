"""Compiles the search index: one SQLite file with a full-text table of every wording a code has.

Wordings are titles, inclusion terms, the lexicon's phrases and abbreviations. Codes with a 7th character are left out:
they read as their base does, and search puts the character to it.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from detect_icd.codes.fold import Folding
from detect_icd.codeset import CodeSet
from detect_icd.compile.tables import Schema, read_table

PHRASE, TITLE, INCLUSION = 0, 1, 2
"""Kinds of wording, the most telling first."""

_SCHEMA = """
PRAGMA page_size = 4096;
CREATE TABLE wording(id INTEGER PRIMARY KEY, code TEXT, kind INTEGER, text TEXT, words TEXT, weight REAL, residual INTEGER, name TEXT);
CREATE INDEX wording_code ON wording(code);
CREATE INDEX wording_words ON wording(words) WHERE name <> '';
CREATE VIRTUAL TABLE words USING fts5(folded, content='', tokenize='ascii');
CREATE TABLE term(word TEXT PRIMARY KEY, weight REAL, uses INTEGER) WITHOUT ROWID;
CREATE TABLE spelling(short TEXT, word TEXT, PRIMARY KEY(short, word)) WITHOUT ROWID;
CREATE TABLE equivalent(word TEXT PRIMARY KEY, canonical TEXT) WITHOUT ROWID;
CREATE TABLE short(short TEXT, expansion TEXT, PRIMARY KEY(short, expansion)) WITHOUT ROWID;
"""
_SEARCH_WORDS = Schema(("word", "canonical", "why"))
_SEARCH_PHRASES = Schema(("code", "phrase", "why"))
_RESIDUAL = ("other ", "other specified ", "unspecified other ")
_SPELT_FROM = 4
"""Shorter words are not corrected: too many others lie one letter away."""


def search_words(words: Iterable[Mapping[str, str]], lexicon_dir: Path) -> dict[str, str]:
    """The lexicon's equivalent words with those that hold for search only."""
    lay = read_table(lexicon_dir / "codeset" / "search_words.tsv", _SEARCH_WORDS)
    return {row["word"]: row["canonical"] for row in (*words, *lay)}


def search_phrases(lexicon_dir: Path) -> list[tuple[str, str, str]]:
    """Code, phrase and name of what people search for but a note should not be read by."""
    rows = read_table(lexicon_dir / "codeset" / "search_phrases.tsv", _SEARCH_PHRASES)
    return [(row["code"], row["phrase"], row["phrase"]) for row in rows]


def compile_search(
    codeset: CodeSet,
    phrases: Iterable[tuple[str, str, str]],
    equivalents: Mapping[str, str],
    shorts: Iterable[tuple[str, str]],
    folded: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The index as a SQLite file. `phrases` are (code, phrase, first phrase of its concept); `shorts` are (abbreviation, expansion).

    `folded` gives the words of texts that were folded before, with the same equivalents.
    """
    folding = Folding(equivalents)
    rows: dict[tuple[str, str], tuple[str, int, str, str]] = {}
    for kind, code, text, name in _wordings(codeset, phrases):
        words = folded.get(text) or " ".join(dict.fromkeys(folding.words(text)))
        if words:
            rows.setdefault((code, words), (code, kind, text, name))
    uses = Counter(word for _, words in rows for word in words.split())
    weight = {word: math.log(1 + len(rows) / count) for word, count in uses.items()}
    database = sqlite3.connect(":memory:")
    database.executescript(_SCHEMA)
    numbered = [
        (
            number,
            code,
            kind,
            text,
            words,
            sum(weight[w] for w in words.split()),
            int(text.lower().startswith(_RESIDUAL)),
            name if name != text else "",
        )
        for number, ((_, words), (code, kind, text, name)) in enumerate(sorted(rows.items()), 1)
    ]
    database.executemany("INSERT INTO wording VALUES (?, ?, ?, ?, ?, ?, ?, ?)", numbered)
    database.executemany("INSERT INTO words(rowid, folded) VALUES (?, ?)", [(row[0], row[4]) for row in numbered])
    database.executemany("INSERT INTO term VALUES (?, ?, ?)", sorted((w, weight[w], uses[w]) for w in uses))
    database.executemany("INSERT OR IGNORE INTO spelling VALUES (?, ?)", sorted(_spellings(uses)))
    single = {word: other for word, other in equivalents.items() if " " not in other}
    database.executemany("INSERT OR IGNORE INTO equivalent VALUES (?, ?)", sorted(single.items()))
    # What a word stands for in several words is one more reading of a query, as an abbreviation is.
    longer = [(word, other) for word, other in equivalents.items() if " " in other]
    database.executemany(
        "INSERT OR IGNORE INTO short VALUES (?, ?)", sorted((s.lower(), e) for s, e in [*shorts, *longer])
    )
    database.execute("INSERT INTO words(words) VALUES ('optimize')")
    database.commit()
    database.execute("VACUUM")
    return database.serialize()


def _wordings(codeset: CodeSet, phrases: Iterable[tuple[str, str, str]]) -> Iterator[tuple[int, str, str, str]]:
    """Kind, code, text and preferred name of everything a code is called; the most telling kind first."""
    for code, phrase, name in phrases:
        yield PHRASE, code, phrase, name
    newest = codeset.on(codeset.last_day)
    for code in codeset.codes():
        if not codeset.table.is_extension(code):
            yield TITLE, code, newest.wording(code), ""
            for text in newest.notes(code).inclusion_terms:
                yield INCLUSION, code, text, ""


def _spellings(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each word under its forms with one letter left out; a misspelt word shares one of them with the right one."""
    for word in words:
        if len(word) >= _SPELT_FROM and word.isalpha():
            yield from ((form, word) for form in letter_left_out(word))


def letter_left_out(word: str) -> set[str]:
    """`word` and its forms with one letter left out."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}
