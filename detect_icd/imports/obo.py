"""Reads an OBO ontology with ICD-10-CM references (DOID, Mondo): names and exact synonyms of terms with one code.

Format: OBO 1.2 and 1.4, stanzas of "tag: value" lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import Facts, ImportedPhrase, ImportRefusedError

_VERSIONS = frozenset({"1.0", "1.2", "1.4"})
_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)" EXACT\b')
_REFERENCE = re.compile(r"ICD-?10-?CM:([A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?)\b(.*)")
_SHORTEST = 6


def is_obo(text: str) -> bool:
    """Whether the text begins as an OBO file does."""
    return text.startswith("format-version:")


def read_obo(name: str, text: str, codeset: CodeSet) -> Facts:
    """Wordings of the terms that name exactly one known code."""
    header, *stanzas = re.split(r"\n\[", text)
    version = _first(header, "format-version")
    if version not in _VERSIONS:
        raise ImportRefusedError(f"{name} has OBO format {version}, expected one of {', '.join(sorted(_VERSIONS))}")
    if not text.endswith("\n"):
        raise ImportRefusedError(f"{name} ends within a line: truncated; download it again")
    terms = [_fields(stanza) for stanza in stanzas if stanza.startswith("Term]")]
    _check_whole(name, terms)
    phrases: list[ImportedPhrase] = []
    left_out = 0
    for term in terms:
        codes = {code for value in term.get("xref", []) if (code := _code(value))}
        if not codes or "is_obsolete" in term:
            continue
        known = [found for code in codes if (found := codeset.normalize_code(code))]
        if len(codes) != 1 or not known:
            left_out += 1
            continue
        phrases += (ImportedPhrase(known[0], text, len(text) >= _SHORTEST) for text in _wordings(term))
    if not phrases:
        raise ImportRefusedError(
            f"{name} has no term with an ICD-10-CM reference (xref: ICD10CM:...): nothing to import"
        )
    release = _first(header, "data-version") or _first(header, "date")
    return Facts("obo", release, phrases=tuple(dict.fromkeys(phrases)), left_out=left_out)


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for line in stanza.split("\n")[1:]:
        tag, found, value = line.rstrip("\r").partition(": ")
        if found:
            fields.setdefault(tag, []).append(value)
    return fields


def _check_whole(name: str, terms: list[dict[str, list[str]]]) -> None:
    """A truncated file lacks terms that others stand under."""
    ids = {term["id"][0] for term in terms if "id" in term}
    for term in terms:
        if "id" not in term or ("name" not in term and "is_obsolete" not in term):
            raise ImportRefusedError(f"{name}: a term without id or name: truncated or damaged; download it again")
        missing = [p for value in term.get("is_a", []) if (p := value.split(" ")[0]) not in ids]
        if missing and missing[0].split(":")[0] == term["id"][0].split(":")[0]:
            raise ImportRefusedError(
                f"{name}: {term['id'][0]} stands under {missing[0]}, which is not there: truncated; download it again"
            )


def _code(reference: str) -> str:
    """The code of an xref line; of Mondo's only what it calls equivalent."""
    found = _REFERENCE.match(reference)
    if not found or ("MONDO:" in found.group(2) and "equivalentTo" not in found.group(2)):
        return ""
    return found.group(1)


def _wordings(term: dict[str, list[str]]) -> Iterator[str]:
    yield from term["name"]
    for value in term.get("synonym", []):
        found = _SYNONYM.match(value)
        if found:
            yield found.group(1).replace("\\", "")


def _first(header: str, tag: str) -> str:
    found = re.search(rf"^{tag}: *(.*)$", header, re.MULTILINE)
    return found.group(1).strip() if found else ""
