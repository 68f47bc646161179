"""Imports the Medicare Coverage Database export: articles and local determinations with their codes and groups.

Rows are staged in temporary tables of the store, so memory stays bounded whatever the size. Descriptors are dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from detect_icd.necessity.importing.article import COVERED, NONCOVERED, ArticleGroups, ParsedRule, plain, read_article
from detect_icd.necessity.importing.files import ImportRefusedError, Member, iso_date
from detect_icd.necessity.jurisdiction import Jurisdictions

KIND, NAME = "mcd", "Medicare Coverage Database"
SENTINEL = "XX000"
"""Stands in a list for "not applicable"."""
LINK = "https://www.cms.gov/medicare-coverage-database/view/{kind}.aspx?{kind}id={id}"
_BATCH = 5000
_DRAFTS = frozenset({"D", "P"})
_STAGED = {
    # staged table: (file suffix, columns taken, first column named by the document)
    "codes": ("_x_hcpc_code.csv", ("hcpc_code_id", "hcpc_code_group")),
    "code_groups": ("_x_hcpc_code_group.csv", ("hcpc_code_group", "paragraph")),
    "covered": ("_x_icd10_covered.csv", ("icd10_code_id", "icd10_covered_group", "asterisk")),
    "covered_groups": ("_x_icd10_covered_group.csv", ("icd10_covered_group", "paragraph", "icd10_covered_ast")),
    "noncovered": ("_x_icd10_noncovered.csv", ("icd10_code_id", "icd10_noncovered_group")),
    "noncovered_groups": ("_x_icd10_noncovered_group.csv", ("icd10_noncovered_group", "paragraph")),
    "contractors": ("_x_contractor.csv", ("contractor_id", "contractor_type_id")),
    "primary_states": ("_x_primary_jurisdiction.csv", ("state_id",)),
}
_DESCRIPTORS = ("short_description", "long_description")


class DescriptorsError(Exception):
    """The export bears descriptors of the AMA."""


def kinds(members: Sequence[Member]) -> list[str]:
    """Which documents of this export the files hold: articles, local determinations, both, or none."""
    names = {member.name for member in members}
    return [kind for kind in ("article", "lcd") if f"{kind}.csv" in names]


def source_of(kind: str) -> str:
    """The kind of import: articles and determinations come in archives of their own, so each replaces only its like."""
    return f"{KIND}-{kind}"


def load(
    db: sqlite3.Connection, kind: str, members: Sequence[Member], jurisdictions: Jurisdictions, *, ama_terms: bool
) -> dict[str, int]:
    """Put the export's policies into the store (within the caller's transaction); returns counts."""
    files = {member.name: member for member in members}
    needed = ["contractor.csv", "state_lookup.csv", "contractor_jurisdiction.csv"]
    missing = [name for name in needed if name not in files]
    if missing:
        raise ImportRefusedError(f"the export lacks {missing[0]}: import the zip as downloaded")
    places = _Places(files, jurisdictions)
    counts = {"policies": 0, "diagnoses": 0, "unresolved": 0}
    _stage(db, files, kind, ama_terms=ama_terms)
    heads = _heads(files[f"{kind}.csv"], kind)
    if not heads:
        raise ImportRefusedError(f"{kind}.csv names no published document")
    for head in heads:
        _document(db, kind, head, places, counts)
    counts["diagnoses"] = db.execute(
        "SELECT count(*) FROM diagnosis WHERE list IN"
        " (SELECT list FROM rule r JOIN policy p ON p.key = r.policy WHERE p.source = ?)",
        (source_of(kind),),
    ).fetchone()[0]  # fmt: skip
    return counts


class _Places:
    """Contractors and their states, joined by id and, where names changed, by number."""

    def __init__(self, files: dict[str, Member], jurisdictions: Jurisdictions) -> None:
        states: dict[str, str] = {}
        for row in files["state_lookup.csv"].records(("state_id", "state_abbrev", "description")):
            found = jurisdictions.state_or_none(row["state_abbrev"]) or jurisdictions.state_or_none(row["description"])
            if found:
                states[row["state_id"].strip()] = found
        self.states = states
        types = {}
        if "contractor_type_lookup.csv" in files:
            for row in files["contractor_type_lookup.csv"].records(("contractor_type_id", "description")):
                types[row["contractor_type_id"].strip()] = row["description"]
        self._names: dict[tuple[str, str], tuple[int, str, str]] = {}
        by_number: dict[str, set[str]] = {}
        ids_of: dict[str, set[str]] = {}
        for row in files["contractor.csv"].records(("contractor_id", "contractor_type_id", "contractor_bus_name")):
            key = (row["contractor_id"].strip(), row["contractor_type_id"].strip())
            number = row.get("contractor_number", "").strip()
            version = int(row.get("contractor_version", "") or 0)
            if version >= self._names.get(key, (-1, "", ""))[0]:
                self._names[key] = (version, plain(row["contractor_bus_name"]), number)
            if number:
                by_number.setdefault(number, set()).add(key[0])
                ids_of.setdefault(key[0], set()).add(number)
        self._states: dict[tuple[str, str], set[str]] = {}
        by_id: dict[str, set[str]] = {}
        for row in files["contractor_jurisdiction.csv"].records(("contractor_id", "contractor_type_id", "state_id")):
            state = states.get(row["state_id"].strip())
            if state and not iso_date(row.get("term_date", "")):
                key = (row["contractor_id"].strip(), row["contractor_type_id"].strip())
                self._states.setdefault(key, set()).add(state)
                by_id.setdefault(key[0], set()).add(state)
        self._by_id = by_id
        self._same = {
            identifier: {other for number in numbers for other in by_number[number]}
            for identifier, numbers in ids_of.items()
        }
        self._types = types
        self._jurisdictions = jurisdictions

    def of(self, contractors: Iterable[tuple[str, str]]) -> tuple[set[str], set[str], list[str], bool]:
        """States, contractor keys, names, and whether the contractor's own states are not to be narrowed."""
        states: set[str] = set()
        keys: set[str] = set()
        names: list[str] = []
        everywhere = True
        for identifier, kind in contractors:
            _, name, _ = self._names.get((identifier, kind), (0, "", ""))
            same = self._same.get(identifier, {identifier})
            states |= self._states.get((identifier, kind)) or set().union(*(self._by_id.get(i, set()) for i in same))
            if name and name not in names:
                names.append(name)
                keys.add(self._jurisdictions.contractor(name))
            known = self._jurisdictions.contractor(name) in self._jurisdictions.contractor_names
            if known and "DME" not in self._types.get(kind, "").upper():
                everywhere = False
        return states, keys, names, everywhere


def _stage(db: sqlite3.Connection, files: dict[str, Member], kind: str, *, ama_terms: bool) -> None:
    for table, (suffix, columns) in _STAGED.items():
        names = ", ".join(f'"{column}"' for column in columns)
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
        db.execute(f"CREATE TEMP TABLE {table}(id TEXT, version TEXT, {names})")
        member = files.get(kind + suffix)
        if member is None:
            continue
        key = (f"{kind}_id", f"{kind}_version")
        marks = ", ".join("?" * (2 + len(columns)))
        insert = f"INSERT INTO temp.{table} VALUES ({marks})"  # noqa: S608 - names of ours
        batch: list[tuple[str, ...]] = []
        for row in member.records((*key, *(c for c in columns if c != "icd10_covered_ast"))):
            if not ama_terms and table == "codes" and any(row.get(column, "").strip() for column in _DESCRIPTORS):
                raise DescriptorsError
            batch.append(tuple(row.get(column, "").strip() for column in (*key, *columns)))
            if len(batch) >= _BATCH:
                db.executemany(insert, batch)
                batch.clear()
        db.executemany(insert, batch)
        db.execute(f"CREATE INDEX temp.{table}_id ON {table}(id, version)")


def _heads(member: Member, kind: str) -> list[dict[str, str]]:
    """The newest published version of each document; paragraphs are left in the file."""
    newest: dict[str, dict[str, str]] = {}
    for row in member.records((f"{kind}_id", f"{kind}_version", "title")):
        if row.get("status", "").strip().upper() in _DRAFTS:
            continue
        version = row[f"{kind}_version"].strip()
        if not version.isdigit():
            raise ImportRefusedError(f"{member.name}: {kind}_version must be a number")
        starts = ("article_eff_date",) if kind == "article" else ("rev_eff_date", "orig_det_eff_date")
        ends = (
            ("article_end_date", "article_rev_end_date", "date_retired")
            if kind == "article"
            else ("ent_det_end_date", "rev_end_date", "date_retired")
        )
        identifier = row[f"{kind}_id"].strip()
        head = {
            "id": identifier,
            "version": version,
            "shown": row.get("display_id", "").strip() or f"{'A' if kind == 'article' else 'L'}{identifier}",
            "title": plain(row["title"]),
            "from": next((day for column in starts if (day := iso_date(row.get(column, "")))), ""),
            "until": min((day for column in ends if (day := iso_date(row.get(column, "")))), default=""),
        }
        if identifier not in newest or int(newest[identifier]["version"]) < int(version):
            newest[identifier] = head
    return [newest[identifier] for identifier in sorted(newest)]


def _document(db: sqlite3.Connection, kind: str, head: dict[str, str], places: _Places, counts: dict[str, int]) -> None:
    key = (head["id"], head["version"])
    groups = _groups(db, key)
    if not groups.codes:
        return
    contractors = db.execute(
        "SELECT DISTINCT contractor_id, contractor_type_id FROM temp.contractors WHERE id = ? AND version = ?", key
    ).fetchall()
    states, names, shown, everywhere = places.of(contractors)
    if not states:
        rows = db.execute("SELECT state_id FROM temp.primary_states WHERE id = ? AND version = ?", key)
        states = {places.states[state] for (state,) in rows if state in places.states}
    policy = db.execute(
        "INSERT INTO policy(source, id, version, kind, publisher, title, link, effective_from, effective_until, everywhere,"
        " provenance, states, contractors, payers) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,'')",
        (
            source_of(kind), head["shown"], head["version"], "ARTICLE" if kind == "article" else "LCD", ", ".join(shown),
            head["title"], LINK.format(kind=kind, id=head["id"]), head["from"], head["until"], int(everywhere), "PARSED",
            "/".join(sorted(states)), "/".join(sorted(names)),
        ),
    ).lastrowid  # fmt: skip
    assert policy is not None
    counts["policies"] += 1
    lists: dict[object, int] = {}
    for position, rule in enumerate(read_article(groups)):
        counts["unresolved"] += not rule.resolved
        listed = _list_of(db, key, rule, lists)
        save_rule(db, policy, position, rule, listed)


def _list_of(db: sqlite3.Connection, key: tuple[str, str], rule: ParsedRule, lists: dict[object, int]) -> int | None:
    """The stored list of a rule's diagnoses, one for all rules that share it."""
    if not rule.groups and not rule.more:
        return None
    same = (rule.groups, rule.more, rule.less)
    if same not in lists:
        lists[same] = number = new_list(db)
        for table, group in rule.groups:
            marked = "asterisk NOT IN ('', 'N', '0', 'false')" if table == COVERED else "0"
            column = f"icd10_{table}_group"
            db.execute(
                f"INSERT OR REPLACE INTO diagnosis SELECT ?, icd10_code_id, max({marked}) FROM temp.{table}"  # noqa: S608
                f" WHERE id = ? AND version = ? AND CAST({column} AS INTEGER) = ? AND icd10_code_id <> ? GROUP BY icd10_code_id",
                (number, *key, group, SENTINEL),
            )
        db.executemany("INSERT OR IGNORE INTO diagnosis VALUES (?, ?, 0)", [(number, code) for code in rule.more])
        db.executemany("DELETE FROM diagnosis WHERE list = ? AND code = ?", [(number, code) for code in rule.less])
    return lists[same]


def _groups(db: sqlite3.Connection, key: tuple[str, str]) -> ArticleGroups:
    def grouped(table: str, group: str, column: str) -> dict[int, str]:
        select = f'SELECT CAST("{group}" AS INTEGER), "{column}" FROM temp.{table}'  # noqa: S608 - names of ours
        rows = db.execute(f"{select} WHERE id = ? AND version = ?", key)
        return {number: plain(text) for number, text in rows}

    codes: dict[int, list[str]] = {}
    for code, group in db.execute(
        "SELECT hcpc_code_id, CAST(hcpc_code_group AS INTEGER) FROM temp.codes WHERE id = ? AND version = ? ORDER BY 2, 1",
        key,
    ):
        codes.setdefault(group, []).append(code.upper())

    def listed(table: str) -> list[int]:
        column = f"icd10_{table}_group"
        rows = db.execute(
            f"SELECT DISTINCT CAST({column} AS INTEGER) FROM temp.{table} WHERE id = ? AND version = ?"  # noqa: S608
            " AND icd10_code_id <> ? ORDER BY 1",
            (*key, SENTINEL),
        )
        return [number for (number,) in rows]

    def has(table: str, group: int, code: str) -> bool:
        column = f"icd10_{table}_group"
        return db.execute(
            f"SELECT 1 FROM temp.{table} WHERE id = ? AND version = ? AND CAST({column} AS INTEGER) = ?"  # noqa: S608
            " AND icd10_code_id = ?",
            (*key, group, code),
        ).fetchone() is not None  # fmt: skip

    return ArticleGroups(
        codes=codes,
        code_paragraphs=grouped("code_groups", "hcpc_code_group", "paragraph"),
        covered=listed(COVERED),
        covered_paragraphs=grouped("covered_groups", "icd10_covered_group", "paragraph"),
        asterisks=grouped("covered_groups", "icd10_covered_group", "icd10_covered_ast"),
        noncovered=listed(NONCOVERED),
        noncovered_paragraphs=grouped("noncovered_groups", "icd10_noncovered_group", "paragraph"),
        has=has,
    )


def new_list(db: sqlite3.Connection) -> int:
    """The number of a new diagnosis list."""
    highest: int = db.execute(
        "SELECT max(coalesce((SELECT max(list) FROM diagnosis), 0), coalesce((SELECT max(list) FROM rule), 0))"
    ).fetchone()[0]
    return highest + 1


def save_rule(db: sqlite3.Connection, policy: int, position: int, rule: ParsedRule, listed: int | None) -> None:
    """One rule with its scope."""
    key = db.execute(
        "INSERT INTO rule(policy, position, label, statement, role, list, unless, only_with, closed, message, provenance)"
        " VALUES (?,?,?,?,?,?,'',?,?,?,?)",
        (
            policy, position, rule.label, rule.statement, rule.role, listed, "/".join(rule.only_with), int(rule.closed),
            rule.message, "PARSED" if rule.resolved else "UNRESOLVED",
        ),
    ).lastrowid  # fmt: skip
    db.executemany("INSERT OR IGNORE INTO scope VALUES (?, ?)", [(procedure, key) for procedure in rule.procedures])
