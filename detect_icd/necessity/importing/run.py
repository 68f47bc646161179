"""Imports one file: recognises it by its content, replaces its former release, all in one transaction or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from detect_icd.lexicon import Lexicon
from detect_icd.necessity.importing import labncd, local, mcd, tables
from detect_icd.necessity.importing.files import ImportRefusedError, Member, sha256_of, unpacked
from detect_icd.necessity.jurisdiction import Jurisdictions
from detect_icd.necessity.store import FORMAT, OWNED, SCHEMA

AMA_FLAG = "--accept-cms-ama-terms"
_REFUSAL = (
    "{name} carries codes and descriptors of the American Medical Association: if you hold the licence that CMS asks for, "
    "repeat with {flag}; the descriptors are dropped"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file brought. `new` is false where the same file was there already."""

    kind: str
    name: str
    release: str
    file: str
    sha256: str
    counts: dict[str, int]
    new: bool


@dataclass(frozen=True, slots=True)
class _Job:
    kind: str
    name: str
    release: str
    effective_from: str
    load: Callable[[sqlite3.Connection], dict[str, int]]
    family: str = ""
    """Published in parts: a part of a new release takes out all parts of older ones."""


def import_file(
    path: Path,
    store: Path,
    lexicon: Lexicon,
    *,
    accept_ama_terms: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Imported]:
    """Read one file into the store at `store` (made where there is none).

    Raises ImportRefusedError, and changes nothing, for a file that is none of those known, is damaged, or needs the
    terms accepted.
    """
    if not path.is_file():
        raise ImportRefusedError(f"{path.name}: there is no such file")
    if not path.stat().st_size:
        raise ImportRefusedError(f"{path.name}: the file is empty")
    digest = sha256_of(path)
    jurisdictions = Jurisdictions(
        lexicon.table("policies/states"), lexicon.table("policies/contractors"), lexicon.table("policies/payers"), {}
    )
    with unpacked(path) as members:
        jobs = _jobs(path, members, jurisdictions, accept_ama_terms=accept_ama_terms)
        known = _known(store, jobs, path.name, digest)
        if known:
            return known
        store.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(_open(store)) as db:
                done = _run(db, jobs, path.name, digest, now)
                with suppress(sqlite3.OperationalError):  # somebody reads: the next import tries again
                    db.execute("PRAGMA journal_mode = DELETE")  # one file, readable where nothing can be written
                return done
        except sqlite3.Error as error:
            raise ImportRefusedError(f"{store}: cannot be written ({error}); nothing was changed") from None


def _known(store: Path, jobs: Sequence[_Job], file: str, digest: str) -> list[Imported]:
    """What is imported already, where that is everything the file brings; else nothing."""
    if not store.exists():
        return []
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=60)) as db:
        try:
            rows = {
                kind: (sha, release, counts)
                for kind, sha, release, counts in db.execute("SELECT kind, sha256, release, counts FROM release")
            }
        except sqlite3.DatabaseError:
            return []
    if any(rows.get(job.kind, ("", "", ""))[:2] != (digest, job.release) for job in jobs):
        return []
    return [
        Imported(job.kind, job.name, job.release, file, digest, json.loads(rows[job.kind][2]), new=False)
        for job in jobs
    ]


def _open(store: Path) -> sqlite3.Connection:
    db = sqlite3.connect(store, isolation_level=None, timeout=60)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA temp_store = FILE")
    db.execute("PRAGMA synchronous = NORMAL")
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found not in (0, FORMAT):
        db.close()
        raise ImportRefusedError(
            f"{store} has format {found}, this program writes {FORMAT}: remove it and import again"
        )
    if not found:
        db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    return db


def _run(
    db: sqlite3.Connection, jobs: Sequence[_Job], file: str, digest: str, now: Callable[[], datetime]
) -> list[Imported]:
    done: list[Imported] = []
    db.execute("BEGIN IMMEDIATE")
    try:
        for job in jobs:
            before = db.execute("SELECT sha256, release, counts FROM release WHERE kind = ?", (job.kind,)).fetchone()
            if before and before[:2] == (digest, job.release):
                done.append(Imported(job.kind, job.name, job.release, file, digest, json.loads(before[2]), new=False))
                continue
            remove(db, job.kind)
            if job.family:
                parts = "SELECT kind FROM release WHERE kind LIKE ? AND release <> ?"
                for (older,) in db.execute(parts, (f"{job.family}%", job.release)).fetchall():
                    remove(db, older)
            counts = job.load(db)
            db.execute(
                "INSERT OR REPLACE INTO release VALUES (?,?,?,?,?,?,?,?)",
                (
                    job.kind, job.name, job.release, job.effective_from, file, digest,
                    now().isoformat(timespec="seconds"), json.dumps(counts),
                ),
            )  # fmt: skip
            done.append(Imported(job.kind, job.name, job.release, file, digest, counts, new=True))
        db.execute("COMMIT")
    except mcd.DescriptorsError:
        db.execute("ROLLBACK")
        raise ImportRefusedError(_REFUSAL.format(name=file, flag=AMA_FLAG)) from None
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return done


def remove(db: sqlite3.Connection, kind: str) -> None:
    """Take out everything one kind of import brought (within the caller's transaction)."""
    keys = "SELECT r.key FROM rule r JOIN policy p ON p.key = r.policy WHERE p.source = ?"
    lists = "SELECT r.list FROM rule r JOIN policy p ON p.key = r.policy WHERE p.source = ? AND r.list IS NOT NULL"
    db.execute(f"DELETE FROM diagnosis WHERE list IN ({lists})", (kind,))  # noqa: S608 - names of ours
    db.execute(f"DELETE FROM scope WHERE rule IN ({keys})", (kind,))  # noqa: S608 - names of ours
    db.execute("DELETE FROM rule WHERE policy IN (SELECT key FROM policy WHERE source = ?)", (kind,))
    for table in OWNED:
        db.execute(f"DELETE FROM {table} WHERE source = ?", (kind,))  # noqa: S608 - names of ours
    db.execute("DELETE FROM release WHERE kind = ?", (kind,))


def _jobs(path: Path, members: Sequence[Member], jurisdictions: Jurisdictions, *, accept_ama_terms: bool) -> list[_Job]:
    documents = mcd.kinds(members)
    if documents:
        if not accept_ama_terms and any(tables.AMA.search(m.head()) for m in members if not m.name.endswith(".csv")):
            raise ImportRefusedError(_REFUSAL.format(name=path.name, flag=AMA_FLAG))
        day = _export_day(members)

        def loader(kind: str) -> Callable[[sqlite3.Connection], dict[str, int]]:
            return lambda db: mcd.load(db, kind, members, jurisdictions, ama_terms=accept_ama_terms)

        return [_Job(mcd.source_of(kind), mcd.NAME, day or path.stem, day, loader(kind)) for kind in documents]
    if len(members) == 1 and local.recognises(members[0]):
        plain = local.read(members[0])
        return [
            _Job(
                local.KIND,
                local.NAME,
                plain["release"],
                plain.get("effective_from", ""),
                lambda db: local.load(db, plain, jurisdictions),
            )
        ]
    jobs = [
        job
        for member in members
        if member.name.endswith((".csv", ".txt")) and (job := _table_job(member, accept_ama_terms=accept_ama_terms))
    ]
    if not jobs:
        raise ImportRefusedError(
            f"{path.name}: none of the files known (Medicare Coverage Database export, fee schedule, units limits, code pairs, "
            "HCPCS, surgery centre addendum, laboratory NCD lists, own policies as YAML)"
        )
    return jobs


def _table_job(member: Member, *, accept_ama_terms: bool) -> _Job | None:
    table = tables.recognise(member)
    if table is None:
        return None
    if table.kind != "hcpcs" and not accept_ama_terms and tables.AMA.search(member.head()):
        raise ImportRefusedError(_REFUSAL.format(name=member.name, flag=AMA_FLAG))
    release, day = tables.release_of(member, table)
    if table.kind == "labncd":
        return _Job("labncd", table.name, release, day, lambda db: {"diagnoses": labncd.load(db, member, table)})
    kind = table.kind
    if kind == "mue":
        kind = f"mue-{tables.mue_setting(table).lower()}"
    family = ""
    if kind == "ptp":
        kind, family = tables.ptp_source(member), f"ptp-{tables.ptp_setting(member).lower()}"
    return _Job(kind, table.name, release, day, lambda db: {"rows": tables.load(db, member, table)}, family)


def _export_day(members: Sequence[Member]) -> str:
    """The latest day the export tells of itself; "" where it tells none."""
    from detect_icd.necessity.importing.files import iso_date

    for member in members:
        if member.name == "update_period.csv":
            days = [iso_date(row.get("begin_date", "")) for row in member.records(("begin_date",))]
            return max(days, default="")
    return ""
