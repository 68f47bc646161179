"""Reads the Alphabetic Index and the tables in its schema: external causes, neoplasms, drugs and chemicals.

An entry is a main term with subterms to nine levels; each has a title, in which `nemod` holds non-essential modifiers, and
a code, cells of codes by column (the tables), or a reference to another entry (`see`). How a table's columns are said, and
which subterms follow their main term instead of preceding it, is authored in `lexicon/codeset/index_templates.tsv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from detect_icd.codeset import CodeSet
from detect_icd.imports import xml
from detect_icd.imports.facts import Facts, ImportedPhrase, ImportRefusedError

ROOT = "ICD10CM.index"
_KNOWN = frozenset(
    {ROOT, "version", "title", "indexHeading", "head", "letter", "mainTerm", "term", "nemod", "code", "manif", "cell", "see",
     "seeAlso", "seecat", "subcat"}
)  # fmt: skip
_KINDS = {"Neoplasm": "neoplasm", "Substance": "drug"}
_ENTRIES_AT_LEAST = {"neoplasm": 500, "drug": 2000, "eindex": 1000, "index": 5000}
_ASIDE = re.compile(r"\([^)]*\)|\[[^]]*\]|#|\b(?:NEC|NOS)\b")
_NOT_IN_NOTES = ("V", "W", "X", "Y", "Z")
"""Chapters whose entries name circumstances, not conditions: searched only."""
_DEEPEST = 3
_LONGEST = 8
"""Words of a phrase that is looked for in notes."""


@dataclass(frozen=True, slots=True)
class Template:
    """How one column of a table is said; `{}` stands for the entry."""

    table: str
    column: str
    text: str
    detect: bool

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, str]]) -> tuple[Template, ...]:
        """From the authored rows."""
        return tuple(cls(row["table"], row["column"], row["template"], row["detect"] == "yes") for row in rows)


@dataclass(slots=True)
class _Entry:
    """One main term or subterm: its titles from the main term down, its code, its cells by column, its reference."""

    path: tuple[str, ...]
    code: str = ""
    paired: bool = False
    cells: dict[str, str] = field(default_factory=dict)
    see: str = ""


def read_index(name: str, root: Element, codeset: CodeSet, templates: tuple[Template, ...]) -> Facts:
    """The wordings of one index or table, by the kind its heading names."""
    xml.known_elements(name, root, _KNOWN, "the index's elements of 2026")
    release = xml.version_of(name, root)
    kind = _kind(root)
    entries = [entry for main in root.iter("mainTerm") for entry in _entries(main, ())]
    if len(entries) < _ENTRIES_AT_LEAST[kind]:
        raise ImportRefusedError(
            f"{name} has {len(entries)} entries, expected at least {_ENTRIES_AT_LEAST[kind]} in the {kind}: not the whole file"
        )
    said = (
        _said_by_table(kind, entries, templates)
        if kind in _KINDS.values()
        else _said_by_index(kind, entries, templates)
    )
    phrases: dict[tuple[str, str], ImportedPhrase] = {}
    left_out = 0
    for written, text, detect in said:
        code = _known_code(written, codeset)
        if code is None:
            left_out += 1
            continue
        phrases.setdefault((code, text), ImportedPhrase(code, text, detect and len(text.split()) <= _LONGEST))
    return Facts(kind, release, phrases=tuple(phrases.values()), left_out=left_out)


def _kind(root: Element) -> str:
    heading = root.find("indexHeading/head")
    if heading is not None:
        return _KINDS.get(xml.text_of(heading), "index")
    return "eindex" if "EXTERNAL CAUSE" in xml.text_of(root.find("title")).upper() else "index"


def _entries(element: Element, above: tuple[str, ...]) -> Iterator[_Entry]:
    path = (*above, _title(element))
    entry = _Entry(path)
    for child in element:
        if child.tag == "code":
            entry.code = xml.text_of(child)
        elif child.tag == "manif":
            entry.paired = True
        elif child.tag == "cell":
            entry.cells[child.get("col", "")] = xml.text_of(child)
        elif child.tag == "see":
            entry.see = xml.text_of(child)
    yield entry
    for child in element.findall("term"):
        yield from _entries(child, path)


def _title(element: Element) -> str:
    """The title without its non-essential modifiers and remarks."""
    title = element.find("title")
    if title is None:
        return ""
    text = " ".join([title.text or "", *(modifier.tail or "" for modifier in title)])
    return " ".join(_ASIDE.sub(" ", text).split()).strip(" ,-")


def _said_by_table(
    kind: str, entries: list[_Entry], templates: tuple[Template, ...]
) -> Iterator[tuple[str, str, bool]]:
    """Code, wording and whether to look for it in notes, of each cell."""
    for entry in entries:
        path = entry.path[1:] if kind == "neoplasm" else entry.path
        for named in _names(path):
            for template in templates:
                code = entry.cells.get(template.column, "") if template.table == kind else ""
                if code.strip("-"):
                    yield code, template.text.format(named), template.detect


def _names(path: tuple[str, ...]) -> Iterator[str]:
    """What a site or substance is called: the subterms before the main term; its other forms after commas."""
    if not path or not all(path):
        return
    *above, last = path
    outer = " ".join(title.split(",")[0].strip() for title in reversed(above))
    for form in last.split(","):
        if form.strip():
            yield f"{form.strip()} {outer}".strip()


def _said_by_index(
    kind: str, entries: list[_Entry], templates: tuple[Template, ...]
) -> Iterator[tuple[str, str, bool]]:
    connectors = tuple(f"{template.text} " for template in templates if template.table == "connector")
    targets = {_key(entry.path): entry.code for entry in entries if entry.code}
    for entry in entries:
        code = entry.code or targets.get(_key(tuple(entry.see.split(","))), "")
        if not code or not all(entry.path):
            continue
        phrase, parts = _phrase(entry.path, connectors)
        # A main term alone ("Injury", "Examination") is too plain a word, a deep path no phrase, a pair two codes.
        detect = kind == "index" and not entry.paired and 1 < parts <= _DEEPEST and not code.startswith(_NOT_IN_NOTES)
        yield code, phrase, detect
        yield code, " ".join(entry.path), False


def _key(path: tuple[str, ...]) -> str:
    """A path as references write it: the titles' first forms."""
    return "|".join(title.split(",")[0].strip().lower() for title in path)


def _phrase(path: tuple[str, ...], connectors: tuple[str, ...]) -> tuple[str, int]:
    """The entry as one would say it, and how many titles say something.

    "Abscess" + "liver" -> "liver Abscess"; "Diabetes" + "with" + "cataract" and "Abscess" + "due to drugs" follow.
    """
    text, parts = path[0].split(",")[0].strip(), 1
    ending = tuple(f" {connector}" for connector in connectors)
    for title in path[1:]:
        form = title.split(",")[0].strip()
        follows = f"{form} ".startswith(connectors) or f" {text} ".endswith(ending)
        text = f"{text} {form}" if follows else f"{form} {text}"
        parts += f"{form} " not in connectors
    return text, parts


def _known_code(written: str, codeset: CodeSet) -> str | None:
    """The code of a cell; a stem where the table leaves characters open (C79.8-)."""
    return codeset.normalize_code(written.split(maxsplit=1)[0].rstrip("-").rstrip(".")) if written.strip() else None
