"""Reads the tabular list (icd10cm-tabular-YYYY.xml): titles, notes and 7th characters of a release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from detect_icd.codeset import NOTE_KINDS, CodeSet
from detect_icd.imports import xml
from detect_icd.imports.facts import Facts, ImportRefusedError

ROOT = "ICD10CM.tabular"
_CHAPTERS = 22
_LISTS = dict(
    zip(
        ("inclusionTerm", "includes", "excludes1", "excludes2", "useAdditionalCode", "codeFirst", "codeAlso", "notes"),
        NOTE_KINDS,
        strict=True,
    )
)
_KNOWN = frozenset(
    {ROOT, "version", "introduction", "introSection", "title", "instruction", "note", "chapter", "name", "desc", "sectionIndex",
     "sectionRef", "section", "diag", "sevenChrNote", "sevenChrDef", "extension", "visualImpairment", "visCategory", "heading",
     "visRange", "visMax", "visMin", "value", *_LISTS}
)  # fmt: skip
_CODE = re.compile(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?")


def read_tabular(name: str, root: Element, codeset: CodeSet) -> Facts:
    """Everything the list says of codes that are known; a list that lacks a chapter is refused."""
    xml.known_elements(name, root, _KNOWN, "the tabular list's elements of 2026")
    release = xml.version_of(name, root)
    chapters = root.findall("chapter")
    if len(chapters) != _CHAPTERS:
        raise ImportRefusedError(f"{name} has {len(chapters)} chapters, expected {_CHAPTERS}")
    titles: dict[str, str] = {}
    notes: dict[str, list[list[str]]] = {}
    seventh: dict[str, dict[str, str]] = {}
    unknown = 0
    for element, item in _items(root):
        if element.tag == "diag":
            if not _CODE.fullmatch(item):
                raise ImportRefusedError(f"{name}: expected a code, found {item[:20]!r} in a diag element")
            if codeset.table.find(item) is None:
                unknown += 1
                continue
            titles[item] = xml.text_of(element.find("desc"))
        lists = _notes(element)
        if any(lists):
            notes[item] = lists
        definition = element.find("sevenChrDef")
        if definition is not None and element.tag == "diag":
            seventh[item] = {e.get("char", ""): xml.text_of(e) for e in definition.findall("extension")}
    if len(titles) < len(codeset.blocks) or unknown > len(titles) // 20:
        raise ImportRefusedError(f"{name} fits no release known: {len(titles)} codes known, {unknown} not")
    return Facts("tabular", release, titles=titles, notes=notes, seventh=seventh, left_out=unknown)


def _items(root: Element) -> Iterator[tuple[Element, str]]:
    """Chapters, blocks and codes with their ids."""
    for element in root.iter():
        if element.tag in ("chapter", "diag"):
            yield element, (element.findtext("name") or "").strip()
        elif element.tag == "section":
            yield element, element.get("id", "")


def _notes(element: Element) -> list[list[str]]:
    """The lists in the order of NOTE_KINDS, trailing empty ones left out."""
    lists: dict[str, list[str]] = {kind: [] for kind in NOTE_KINDS}
    for child in element:
        if child.tag in _LISTS:
            lists[_LISTS[child.tag]] += [text for note in child if (text := xml.text_of(note))]
    ordered = list(lists.values())
    while ordered and not ordered[-1]:
        ordered.pop()
    return ordered
