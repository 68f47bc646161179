"""Tells by a file's content which official list it is, whatever its name, and reads it."""

from __future__ import annotations

from detect_icd.codeset import CodeSet
from detect_icd.imports import flags, obo, order, site, tabular, xml
from detect_icd.imports.facts import Facts, ImportRefusedError, UnrecognisedError
from detect_icd.imports.index import ROOT as INDEX_ROOT
from detect_icd.imports.index import Template, read_index

_EXPECTED = (
    "expected the ICD-10-CM order file or its addenda, the tabular list, the Alphabetic Index, the neoplasm, drug or "
    "external cause table (XML), an OBO ontology, or a TSV with the header phrase, code or short, expansion"
)
_TEXTS = (
    (order.is_order, order.read_order),
    (order.is_addenda, order.read_addenda),
    (order.is_addenda_json, order.read_addenda_json),
    (order.is_table, order.read_table),
    (flags.is_flags, flags.read_flags),
    (obo.is_obo, obo.read_obo),
    (site.is_site, site.read_site),
)


def read_facts(name: str, data: bytes, codeset: CodeSet, templates: tuple[Template, ...]) -> Facts:
    """What the file says; ImportRefusedError with what was expected and what was found."""
    if not data.strip():
        raise ImportRefusedError(f"{name} is empty: {_EXPECTED}")
    if _looks_like_xml(data):
        root = xml.parse(name, data)
        if root.tag == INDEX_ROOT:
            return read_index(name, root, codeset, templates)
        if root.tag == tabular.ROOT:
            return tabular.read_tabular(name, root, codeset)
        raise UnrecognisedError(f"{name} is XML of another kind (<{root.tag[:40]}>): {_EXPECTED}")
    text = order.read_text(name, data)
    for recognised, read in _TEXTS:
        if recognised(text):
            return read(name, text, codeset)
    raise UnrecognisedError(f"{name} is of no kind known: {_EXPECTED}")


def _looks_like_xml(data: bytes) -> bool:
    return data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<")
