"""Joins imported facts to the members of a lexicon bundle; gives the members of a new one, changes none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from detect_icd.codeset import CodeSet
from detect_icd.compile.search import compile_search
from detect_icd.imports.facts import Facts, ImportedPhrase, ImportRefusedError
from detect_icd.imports.release import add_release
from detect_icd.lexicon import FIRST_WORD, Lexicon, Phrases, title_key, title_opening
from detect_icd.text import normalize_phrase, significant

_ONE_WORD_FROM = 7
"""A single imported word shorter than this is searched but not looked for in notes: too often plain English."""


def apply(base: Lexicon, all_facts: Sequence[Facts]) -> dict[str, bytes]:
    """Every member but the manifest. Later releases win over earlier ones, the lexicon's own phrases over imported."""
    ordered = sorted(all_facts, key=lambda facts: (facts.release, facts.kind))
    codes = json.loads(base.read("codes.json"))
    for facts in ordered:
        if facts.new_release is not None:
            add_release(codes, facts.new_release, facts.titles)
        _set_titles(codes, facts)
        _set_notes(codes, facts)
        for flag, listed in facts.flags.items():
            codes["flags"][flag] = " ".join(listed)
    codeset = CodeSet.from_member(codes)
    phrases = json.loads(base.read("phrases.json"))
    imported = [phrase for facts in ordered for phrase in facts.phrases]
    _add_phrases(phrases, imported, codeset, site={p for f in ordered if f.kind.startswith("site") for p in f.phrases})
    shorts = [short for facts in ordered for short in facts.shorts]
    _add_shorts(phrases, shorts)
    if any(facts.titles for facts in ordered):
        _set_title_keys(phrases, base.codeset, codeset)
    return {
        "codes.json": _encode(codes),
        "phrases.json": _encode(phrases),
        "tables.json": base.read("tables.json"),
        "search.sqlite": _search(base, codeset, imported, shorts),
    }


def _encode(member: object) -> bytes:
    return json.dumps(member, ensure_ascii=False, separators=(",", ":")).encode()


def _set_titles(codes: dict[str, Any], facts: Facts) -> None:
    if not facts.titles:
        return
    names, titles, kinds = codes["codes"].split("\n"), codes["titles"].split("\n"), list(codes["kinds"])
    place = {code: index for index, code in enumerate(names)}
    # Bases before their extensions, which are titled by rule where the rule gives the title.
    for code in sorted(facts.titles, key=lambda code: (len(code), code)):
        index = place.get(code)
        if index is None or kinds[index] in "xX":
            continue
        titles[index], kinds[index] = facts.titles[code], "t"
        codes["words"].pop(code, None)
    codes["titles"], codes["kinds"] = "\n".join(titles), "".join(kinds)
    table = CodeSet.from_member(codes).table
    for code, title in facts.titles.items():
        index = place.get(code)
        if index is not None and kinds[index] in "xX" and table.title(code) != title:
            titles[index], kinds[index] = title, "X"
    codes["titles"], codes["kinds"] = "\n".join(titles), "".join(kinds)


def _set_notes(codes: dict[str, Any], facts: Facts) -> None:
    """A tabular list replaces all notes: it is the whole list of its release."""
    if facts.kind != "tabular":
        return
    known = set(codes["codes"].split("\n"))
    sections = {row[0] for row in (*codes["chapters"], *codes["blocks"])}
    lines = {"notes": [], "section_notes": []}  # type: dict[str, list[str]]
    for item, lists in sorted(facts.notes.items()):
        line = f"{item}\t{json.dumps(lists, ensure_ascii=False, separators=(',', ':'))}"
        if item in known:
            lines["notes"].append(line)
        elif item in sections:
            lines["section_notes"].append(line)
    codes["notes"], codes["section_notes"] = "\n".join(lines["notes"]), "\n".join(lines["section_notes"])
    codes["seventh"] = {
        **codes["seventh"],
        **{code: dict(chars) for code, chars in facts.seventh.items() if code in known},
    }


def _add_phrases(
    member: dict[str, Any], imported: Iterable[ImportedPhrase], codeset: CodeSet, site: set[ImportedPhrase]
) -> None:
    """Phrases to look for in notes, where the lexicon does not know them yet."""
    coder = _Coder(member)
    senses = dict(member["phrases"])
    newest = codeset.on(codeset.last_day)
    number_of = {concept[0]: number for number, concept in enumerate(member["concepts"])}
    width = len(member["concepts"][0])
    for phrase in imported:
        words = normalize_phrase(phrase.text)
        if not phrase.detect or not words or not all(word[0].isalnum() for word in words):
            continue
        if len(words) == 1 and len(words[0]) < _ONE_WORD_FROM and phrase not in site:
            continue
        code = phrase.code
        if code not in newest:
            code = next(iter(newest.successors(code)), "")
        key = coder.key(words)
        if not code or key in senses:
            continue
        identifier = f"icd10cm-{code.lower().replace('.', '-')}"
        if identifier not in number_of:
            number_of[identifier] = len(member["concepts"])
            member["concepts"].append([identifier, newest.title(code), code, "", "import", True][:width])
        senses[key] = [[number_of[identifier], "PHRASE", "", [], [], "import"]]
    member["phrases"] = sorted(senses.items())


def _add_shorts(member: dict[str, Any], shorts: Iterable[tuple[str, str]]) -> None:
    """A site's abbreviations, read in exact case, before any meaning the lexicon knows."""
    coder = _Coder(member)
    senses = dict(member["phrases"])
    for short, expansion in shorts:
        meaning = senses.get(coder.key(normalize_phrase(expansion)))
        if not meaning:
            raise ImportRefusedError(f"no phrase of the lexicon reads {expansion!r}, which {short!r} is to stand for")
        sense = [meaning[0][0], "ABBREVIATION", short, [], [], "import"]
        key = coder.key(normalize_phrase(short))
        senses[key] = [sense, *senses.get(key, [])]
    member["phrases"] = sorted(senses.items())


class _Coder:
    """Words to the key characters of the phrase dictionary; unknown words are added to it."""

    def __init__(self, member: dict[str, Any]) -> None:
        self._known = Phrases(member)
        self._words: list[str] = member["words"]
        self._added: dict[str, str] = {}

    def key(self, words: Sequence[str]) -> str:
        return "".join(map(self._char, words))

    def _char(self, word: str) -> str:
        char = self._added.get(word) or self._known.key_char[word]
        if char == " ":
            char = self._added[word] = chr(FIRST_WORD + len(self._words))
            self._words.append(word)
        return char


def _set_title_keys(member: dict[str, Any], before: CodeSet, after: CodeSet) -> None:
    """Exact titles as problem lists paste them; the keys of those that did not change are kept."""
    old, new = before.on(before.last_day), after.on(after.last_day)
    known, codes, openings = member["titles"]
    keys = dict(zip(codes, known, strict=True))
    beginnings = set(openings)
    for code in filter(new.is_titled, new.codes()):
        title = new.title(code)
        if code not in keys or old.title(code) != title:
            words = significant(normalize_phrase(title))
            keys[code] = title_key(words)
            beginnings.add(title_opening(words))
    rows = sorted((key, code) for code, key in keys.items())
    member["titles"] = [[key for key, _ in rows], [code for _, code in rows], sorted(beginnings)]


def _search(
    base: Lexicon, codeset: CodeSet, imported: Iterable[ImportedPhrase], shorts: Iterable[tuple[str, str]]
) -> bytes:
    before = sqlite3.connect(":memory:")
    before.deserialize(base.read("search.sqlite"))
    own = before.execute(
        "SELECT code, text, CASE name WHEN '' THEN text ELSE name END FROM wording WHERE kind = 0 ORDER BY id"
    )
    phrases = [(str(code), str(text), str(name)) for code, text, name in own]
    phrases += [(phrase.code, phrase.text, phrase.text) for phrase in imported]
    equivalents = dict(before.execute("SELECT word, canonical FROM equivalent").fetchall())
    known = before.execute("SELECT short, expansion FROM short").fetchall()
    folded = dict(before.execute("SELECT text, words FROM wording").fetchall())
    before.close()
    return compile_search(codeset, phrases, equivalents, [*known, *shorts], folded)
