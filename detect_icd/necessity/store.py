"""Imported coverage data in one SQLite file: policies, diagnosis lists, fee schedule, units limits, code pairs.

Nothing is held in memory but the connection: every answer is a few indexed look-ups. Procedures of a rule and its
diagnoses are stored apart; their product is never built.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from detect_icd.errors import LexiconError
from detect_icd.necessity.model import (
    ClaimType,
    CodePair,
    DataRelease,
    PolicyKind,
    ProcedureFact,
    Provenance,
    UnitsLimit,
)
from detect_icd.necessity.policies import Policy, Role, Rule, Statement, day_of, parts

FORMAT = 1
_CATEGORY = 3
_MOST_PAIRS = 200

SCHEMA = """
CREATE TABLE release(
    kind TEXT PRIMARY KEY, name TEXT, release TEXT, effective_from TEXT, file TEXT, sha256 TEXT, imported_at TEXT, counts TEXT);
CREATE TABLE policy(
    key INTEGER PRIMARY KEY, source TEXT, id TEXT, version TEXT, kind TEXT, publisher TEXT, title TEXT, link TEXT,
    effective_from TEXT, effective_until TEXT, everywhere INTEGER, provenance TEXT,
    states TEXT, contractors TEXT, payers TEXT);
CREATE INDEX policy_source ON policy(source);
CREATE TABLE rule(
    key INTEGER PRIMARY KEY, policy INTEGER, position INTEGER, label TEXT, statement TEXT, role TEXT, list INTEGER,
    unless TEXT, only_with TEXT, closed INTEGER, message TEXT, provenance TEXT);
CREATE INDEX rule_policy ON rule(policy);
CREATE INDEX rule_list ON rule(list);
CREATE TABLE scope(procedure TEXT, rule INTEGER, PRIMARY KEY(procedure, rule)) WITHOUT ROWID;
CREATE TABLE diagnosis(list INTEGER, code TEXT, marked INTEGER, PRIMARY KEY(list, code)) WITHOUT ROWID;
CREATE TABLE payer(source TEXT, payer TEXT, name TEXT);
CREATE TABLE indication(source TEXT, procedure TEXT, codes TEXT, role TEXT, note TEXT, origin TEXT);
CREATE TABLE fact(
    source TEXT, procedure TEXT, name TEXT, value TEXT, meaning TEXT, effective_from TEXT, effective_until TEXT, origin TEXT);
CREATE INDEX fact_procedure ON fact(procedure);
CREATE TABLE units(
    source TEXT, procedure TEXT, claim_type TEXT, units INTEGER, indicator TEXT, rationale TEXT, origin TEXT,
    PRIMARY KEY(procedure, claim_type)) WITHOUT ROWID;
CREATE TABLE pair(
    source TEXT, column1 TEXT, column2 TEXT, setting TEXT, indicator TEXT, effective_from TEXT, effective_until TEXT, origin TEXT,
    PRIMARY KEY(column1, column2, setting, effective_from)) WITHOUT ROWID;
CREATE INDEX pair_column2 ON pair(column2);
"""
OWNED = ("policy", "payer", "indication", "fact", "units", "pair")
"""Tables whose rows carry the kind of import they came from."""


class CoverageStore:
    """Reads the file; safe to share between threads. Writers are `importing.run`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        try:
            found = self._db().execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise LexiconError(f"{path} is no store of coverage data: remove it and import again") from error
        if found != FORMAT:
            raise LexiconError(f"{path} has format {found}, this program reads {FORMAT}: remove it and import again")

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None or self._local.process != os.getpid():  # SQLite's connections must not be carried across a fork
            db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)
            self._local.db, self._local.process = db, os.getpid()
        return db

    def naming(self, procedure: str) -> Sequence[Policy]:
        """See FactBook."""
        rows = self._db().execute(
            "SELECT r.key, r.policy, r.label, r.statement, r.role, r.list, r.unless, r.only_with, r.closed, r.message,"
            " r.provenance FROM scope s JOIN rule r ON r.key = s.rule WHERE s.procedure = ? ORDER BY r.policy, r.position",
            (procedure,),
        )
        rules: dict[int, list[Rule]] = {}
        for _, policy, label, statement, role, listed, unless, only_with, closed, message, provenance in rows:
            rule = Rule(
                group=label,
                statement=Statement(statement),
                role=Role(role),
                diagnoses=StoredList(self, listed),
                unless=parts(unless),
                only_with=frozenset(parts(only_with)),
                closed=bool(closed),
                message=message,
                provenance=Provenance(provenance),
            )
            rules.setdefault(policy, []).append(rule)
        found = [self._policy(key, tuple(of)) for key, of in rules.items()]
        return sorted(found, key=lambda p: (p.id, p.version))

    def _policy(self, key: int, rules: tuple[Rule, ...]) -> Policy:
        row = self._db().execute(
            "SELECT id, version, kind, publisher, title, link, effective_from, effective_until, states, contractors, payers,"
            " provenance, everywhere FROM policy WHERE key = ?",
            (key,),
        ).fetchone()  # fmt: skip
        return Policy(
            row[0], row[1], PolicyKind(row[2]), row[3], row[4], row[5], day_of(row[6]), day_of(row[7]),
            frozenset(parts(row[8])), frozenset(parts(row[9])), frozenset(parts(row[10])), Provenance(row[11]),
            bool(row[12]), rules,
        )  # fmt: skip

    def facts(self, procedure: str, day: date) -> Sequence[ProcedureFact]:
        """See FactBook."""
        rows = self._db().execute(
            "SELECT name, value, meaning, effective_from, effective_until, origin FROM fact WHERE procedure = ?"
            " AND (effective_from = '' OR effective_from <= ?) AND (effective_until = '' OR effective_until >= ?)"
            " ORDER BY name, effective_from",
            (procedure, day.isoformat(), day.isoformat()),
        )
        return [ProcedureFact(n, v, m, day_of(f), day_of(u), o) for n, v, m, f, u, o in rows]

    def units(self, procedure: str, claim_type: ClaimType, day: date) -> UnitsLimit | None:
        """See FactBook."""
        del day
        table = ClaimType.PROFESSIONAL if claim_type is ClaimType.ASC else claim_type
        row = self._db().execute(
            "SELECT units, indicator, rationale, origin FROM units WHERE procedure = ? AND claim_type = ?",
            (procedure, table.value),
        ).fetchone()  # fmt: skip
        return UnitsLimit(claim_type, row[0], row[1], row[2], row[3]) if row else None

    def pair(self, column1: str, column2: str, claim_type: ClaimType, day: date) -> CodePair | None:
        """See FactBook."""
        setting = "HOSPITAL" if claim_type is ClaimType.OUTPATIENT_HOSPITAL else "PRACTITIONER"
        row = self._db().execute(
            "SELECT column1, column2, indicator, effective_from, effective_until, origin FROM pair WHERE column1 = ? AND"
            " column2 = ? AND setting = ? AND effective_from <= ? AND (effective_until = '' OR effective_until >= ?)"
            " ORDER BY effective_from DESC LIMIT 1",
            (column1, column2, setting, day.isoformat(), day.isoformat()),
        ).fetchone()  # fmt: skip
        return CodePair(row[0], row[1], row[2], day_of(row[3]), day_of(row[4]), row[5]) if row else None

    def pairs(self, procedure: str, day: date) -> Sequence[CodePair]:
        """See FactBook."""
        rows = self._db().execute(
            "SELECT DISTINCT column1, column2, indicator, effective_from, effective_until, origin FROM pair WHERE"
            " (column1 = ? OR column2 = ?) AND effective_from <= ? AND (effective_until = '' OR effective_until >= ?)"
            " ORDER BY column1, column2 LIMIT ?",
            (procedure, procedure, day.isoformat(), day.isoformat(), _MOST_PAIRS),
        )
        return [CodePair(a, b, i, day_of(f), day_of(u), o) for a, b, i, f, u, o in rows]

    def releases(self) -> Sequence[DataRelease]:
        """See FactBook."""
        rows = self._db().execute("SELECT name, release, effective_from FROM release ORDER BY kind")
        return [DataRelease(name, release, day_of(day), 0, "imported") for name, release, day in rows]

    def records(self) -> list[tuple[str, str, str, str, str]]:
        """Name, release, file, SHA-256 and time of each import."""
        return (
            self._db().execute("SELECT name, release, file, sha256, imported_at FROM release ORDER BY kind").fetchall()
        )

    def payers(self) -> Mapping[str, str]:
        """See FactBook."""
        return dict(self._db().execute("SELECT name, payer FROM payer ORDER BY name").fetchall())

    def indications(self) -> list[dict[str, str]]:
        """Local indications as rows of `procedures/indications.tsv`."""
        rows = self._db().execute("SELECT procedure, codes, role, note, origin FROM indication ORDER BY rowid")
        return [
            {"procedure": p, "codes": c, "except": "", "seventh": "", "role": r, "needs": "", "source": o, "why": n}
            for p, c, r, n, o in rows
        ]

    def listed(self, key: int, codes: Sequence[str]) -> list[tuple[str, int]]:
        """Rows of a list among `codes`."""
        marks = ",".join("?" * len(codes))
        return self._db().execute(
            f"SELECT code, marked FROM diagnosis WHERE list = ? AND code IN ({marks})",  # noqa: S608 - marks are "?"
            (key, *codes),
        ).fetchall()  # fmt: skip

    def after(self, key: int, low: str, high: str, limit: int) -> list[str]:
        """Codes of a list between `low` (left out) and `high`, in order."""
        rows = self._db().execute(
            "SELECT code FROM diagnosis WHERE list = ? AND code > ? AND code < ? ORDER BY code LIMIT ?",
            (key, low, high, limit),
        )
        return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class StoredList:
    """A DiagnosisList of the store; `G57-` in it stands for every code that begins so."""

    store: CoverageStore
    key: int | None

    def find(self, codes: Iterable[str]) -> dict[str, bool]:
        """See DiagnosisList."""
        if self.key is None:
            return {}
        asked: dict[str, list[str]] = {}
        for code in codes:
            for form in (code, *(code[:n].rstrip(".") + "-" for n in range(_CATEGORY, len(code) + 1))):
                asked.setdefault(form, []).append(code)
        found = self.store.listed(self.key, list(asked)) if asked else []
        return {code: bool(marked) for form, marked in found for code in asked[form]}

    def under(self, prefix: str, limit: int) -> list[str]:
        """See DiagnosisList."""
        if self.key is None:
            return []
        return self.store.after(self.key, prefix[:-1] + chr(ord(prefix[-1]) - 1) + "\uffff", prefix + "\uffff", limit)

    def page(self, after: str, limit: int) -> list[str]:
        """See DiagnosisList."""
        return [] if self.key is None else self.store.after(self.key, after, "\uffff", limit)
