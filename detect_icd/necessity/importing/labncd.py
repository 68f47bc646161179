"""Imports code lists of the laboratory NCDs: per NCD the diagnoses covered, those that deny, and those that do not support.

Header-driven: NCD, ICD-10, LIST and HCPCS columns in any order (HCPCS may hold several codes). Three lists are known by
the word in LIST: covered, denied (or non-covered), not supporting. A diagnosis on none of them is not supported.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from detect_icd.necessity.importing.article import ParsedRule
from detect_icd.necessity.importing.files import ImportRefusedError, Member
from detect_icd.necessity.importing.mcd import new_list, save_rule
from detect_icd.necessity.importing.tables import Table, body, release_of

_CODE = re.compile(r"\b(?:\d{4}[0-9A-Z]|[A-Z]\d{4})\b")
_DIAGNOSIS = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_LISTS = (
    (
        "EXCLUDES",
        re.compile(r"deni|non-?\s?covered|not covered|does not support|do not support|not support", re.IGNORECASE),
    ),
    ("SUPPORTS", re.compile(r"cover|support", re.IGNORECASE)),
)


def load(db: sqlite3.Connection, member: Member, table: Table) -> int:
    """Put the lists into the store; returns the number of diagnoses."""
    ncd = _column(table, r"NCD(?:NUMBER|ID)?")
    icd = _column(table, r"ICD10(?:CM)?(?:CODES?)?")
    listed = _column(table, r"LIST|CATEGORY|STATUS|COVERAGE")
    procedures = _column(table, r"HCPCS(?:CODES?)?|CPT(?:HCPCS)?(?:CODES?)?|PROCEDURES?")
    title = next((n for n, cell in enumerate(table.header) if cell in ("TITLE", "NCDTITLE")), -1)
    release, day = release_of(member, table)
    policies: dict[str, tuple[int, set[str]]] = {}
    lists: dict[tuple[str, str], int] = {}
    count = 0
    for row in body(member, table):
        if len(row) <= max(ncd, icd, listed, procedures):
            raise ImportRefusedError(
                f"{member.name}: a row has {len(row)} cells, expected {len(table.header)}: is it cut off?"
            )
        name = row[ncd].strip()
        if name not in policies:
            key = db.execute(
                "INSERT INTO policy(source, id, version, kind, publisher, title, link, effective_from, effective_until,"
                " everywhere, provenance, states, contractors, payers) VALUES ('labncd',?,?,'NCD','CMS',?,'',?,'',1,'PARSED','','','')",
                (f"NCD {name}", release, row[title].strip() if title >= 0 else "", day),
            ).lastrowid
            assert key is not None
            policies[name] = (key, set())
        policies[name][1].update(_CODE.findall(row[procedures].upper()))
        code = row[icd].strip().upper()
        if not code:
            continue
        if not _DIAGNOSIS.fullmatch(code):
            raise ImportRefusedError(f"{member.name}: {code[:12]!r} is no ICD-10-CM code")
        statement = next((s for s, words in _LISTS if words.search(row[listed])), "")
        if not statement:
            raise ImportRefusedError(
                f"{member.name}: the list {row[listed][:30]!r} is none of covered, denied, not supporting"
            )
        if (name, statement) not in lists:
            lists[name, statement] = new_list(db) + len(lists)
        dotted = code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"
        db.execute("INSERT OR IGNORE INTO diagnosis VALUES (?, ?, 0)", (lists[name, statement], dotted))
        count += 1
    _save(db, policies, lists)
    return count


def _save(db: sqlite3.Connection, policies: dict[str, tuple[int, set[str]]], lists: dict[tuple[str, str], int]) -> None:
    for position, ((name, statement), number) in enumerate(sorted(lists.items())):
        key, scope = policies[name]
        if not scope:
            raise ImportRefusedError(f"NCD {name}: no procedure is named for its lists")
        save_rule(db, key, position, ParsedRule(name, statement, tuple(sorted(scope))), number)


def _column(table: Table, pattern: str) -> int:
    found: Sequence[int] = [n for n, cell in enumerate(table.header) if re.fullmatch(pattern, cell)]
    if not found:
        raise ImportRefusedError(f"{table.name}: a column is missing (headers NCD, ICD-10, LIST, HCPCS are needed)")
    return found[0]
