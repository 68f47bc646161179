"""Imports the flat official tables: fee schedule (PFS), units limits (MUE), code pairs (PTP), HCPCS, surgery centres.

Each is known by its own header, found wherever it stands in the file; title lines before it are read for the release.
Descriptors are dropped, except those of HCPCS Level II, which are free.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from detect_icd.necessity.importing.files import ImportRefusedError, Member, iso_date

_HEAD_ROWS = 60
_LETTERS = re.compile(r"[^A-Z0-9]+")
_CODE = re.compile(r"(?:\d{4}[0-9A-Z]|[A-Z]\d{4})")
_YEAR = re.compile(r"\b(20\d\d)\b")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_EFFECTIVE = re.compile(r"eff[_ -]*(\d\d)-(\d\d)-(\d{4})", re.IGNORECASE)
_DIGITS8 = re.compile(r"(20\d{6})")
_NCCI = re.compile(r"v(\d\d)(\d)r", re.IGNORECASE)
_BATCH = 5000
_NCCI_YEAR_ZERO = 1994
"""Version 32 of the code pairs is that of 2026."""
AMA = re.compile(
    r"american medical association|\bCPT\b.{0,80}copyright|copyright.{0,80}\bCPT\b", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Table:
    """A recognised file: its kind, and where the header ends."""

    kind: str
    name: str
    header: tuple[str, ...]
    rows_before: int
    title: str
    delimiter: str


def normal(cell: str) -> str:
    """A header cell without anything but letters and figures."""
    return _LETTERS.sub("", cell.upper())


def recognise(member: Member) -> Table | None:
    """What the file is; None for none of these."""
    delimiter = "\t" if "\t" in member.head(4096) else ","
    seen: list[list[str]] = []
    for number, row in enumerate(member.rows(delimiter)):
        if number >= _HEAD_ROWS:
            break
        seen.append(row)
        cells = [normal(cell) for cell in row]
        title = " ".join(cell for line in seen for cell in line)[:20000]

        def found(kind: str, name: str, header: Sequence[str], before: int = number + 1, said: str = title) -> Table:
            return Table(kind, name, tuple(header), before, said, delimiter)

        if not cells:
            continue
        if cells[:2] == ["HCPCS", "MOD"]:
            return found("pfs", "Medicare physician fee schedule", _stacked(seen))
        if "HCPCSCPTCODE" in cells and any(cell.endswith("MUEVALUES") for cell in cells):
            return found("mue", "Medicare units limits (MUE)", cells)
        if cells[:2] == ["COLUMN1", "COLUMN2"]:
            return found("ptp", "Medicare code pair edits (PTP)", cells)
        if cells[0] == "HCPC" and "RECID" in cells:
            return found("hcpcs", "HCPCS Level II", cells)
        if any(cell.endswith("PAYMENTINDICATOR") for cell in cells) and {"HCPCS", "HCPCSCODE"} & set(cells):
            return found("asc", "Medicare ASC addendum", cells)
        if {"NCD", "ICD10"} <= {re.sub(r"CMCODES?$|CODES?$|CM$", "", cell) for cell in cells}:
            return found("labncd", "Medicare laboratory NCD code lists", cells)
    return None


def _stacked(rows: Sequence[Sequence[str]]) -> list[str]:
    """Column names of the fee schedule, which stand one word below the other."""
    width = len(rows[-1])
    stack = [row for row in rows[-5:] if len(row) >= width - 1 and not any("copyright" in cell.lower() for cell in row)]
    stack = [row for row in stack if not re.search(r"20\d\d National|RELEASED", " ".join(row))]
    return [normal("".join(row[n] for row in stack if n < len(row))) for n in range(width)]


def body(member: Member, table: Table) -> Iterator[list[str]]:
    """The rows after the header."""
    for number, row in enumerate(member.rows(table.delimiter)):
        if number >= table.rows_before and any(cell.strip() for cell in row):
            yield row


def release_of(member: Member, table: Table) -> tuple[str, str]:
    """Release name and first day ("" for unknown), from the title lines or the file's name."""
    dated = _EFFECTIVE.search(member.name)
    if dated:
        month, number, year = dated.groups()
        return f"{year}-{month}", f"{year}-{month}-{number}"
    ncci = _NCCI.search(member.name)
    if table.kind == "ptp" and ncci:
        year, quarter = _NCCI_YEAR_ZERO + int(ncci[1]), int(ncci[2])
        return f"v{ncci[1]}.{ncci[2]}", date(year, 1 + 3 * min(quarter, 3), 1).isoformat()
    digits = _DIGITS8.search(member.name)
    if digits and iso_date(digits[1]):
        day = iso_date(digits[1])
        return day[:7], day
    text = f"{table.title} {member.name}".lower()
    year = _YEAR.search(table.title) or re.search(r"(20\d\d)", member.name)
    month = next(
        (n for n, name in enumerate(_MONTHS, 1) if re.search(rf"(?<![a-z]){name}(?![a-z])|_{name[:3]}_", text)), 0
    )
    if year and not month:
        quarter = next((n for n, name in enumerate(_MONTHS, 1) if f"_{name[:3]}" in text or f"{name[:3]}_" in text), 1)
        month = quarter
    return (f"{year[1]}-{month:02}", f"{year[1]}-{month:02}-01") if year else ("", "")


_PFS = {
    "STATUSCODE": "status", "PCTCIND": "pc_tc", "GLOBDAYS": "global_days", "MULTPROC": "multiple", "BILATSURG": "bilateral",
    "ASSTSURG": "assistant", "COSURG": "co_surgeons", "TEAMSURG": "team",
    "PHYSICIANSUPERVISIONOFDIAGNOSTICPROCEDURES": "supervision", "DIAGNOSTICIMAGINGFAMILYINDICATOR": "imaging_family",
}  # fmt: skip


def load(db: sqlite3.Connection, member: Member, table: Table) -> int:
    """Put the rows into the store (within the caller's transaction); returns how many."""
    loaders = {"pfs": _pfs, "mue": _mue, "ptp": _ptp, "hcpcs": _hcpcs, "asc": _asc}
    release, day = release_of(member, table)
    origin = f"{table.name} {release}".strip()
    count = loaders[table.kind](db, member, table, origin, day)
    if not count:
        raise ImportRefusedError(f"{member.name}: no row of {table.name} could be read")
    return count


def _at(table: Table, *names: str) -> int:
    place = next((n for n, cell in enumerate(table.header) if cell in names), -1)
    if place < 0:
        raise ImportRefusedError(f"the column {names[0]} of {table.name} is missing")
    return place


def _whole(member: Member, row: Sequence[str], table: Table) -> None:
    if len(row) < len(table.header) - 1:
        raise ImportRefusedError(
            f"{member.name}: a row has {len(row)} cells, expected {len(table.header)}: is it cut off?"
        )


def _insert(db: sqlite3.Connection, sql: str, rows: Iterable[tuple[object, ...]]) -> int:
    count, batch = 0, []
    for row in rows:
        batch.append(row)
        count += 1
        if len(batch) >= _BATCH:
            db.executemany(sql, batch)
            batch.clear()
    db.executemany(sql, batch)
    return count


_FACT = "INSERT INTO fact VALUES (?,?,?,?,'',?,?,?)"


def _pfs(db: sqlite3.Connection, member: Member, table: Table, origin: str, day: str) -> int:
    code = 0
    places = {name: _at(table, column) for column, name in _PFS.items()}

    def rows() -> Iterator[tuple[object, ...]]:
        for row in body(member, table):
            _whole(member, row, table)
            procedure, modifier = row[code].strip().upper(), row[1].strip()
            if not _CODE.fullmatch(procedure) or modifier:
                continue
            for name, place in places.items():
                if row[place].strip():
                    yield ("pfs", procedure, name, row[place].strip(), "", "", origin)

    del day
    return _insert(db, _FACT, rows())


def _mue(db: sqlite3.Connection, member: Member, table: Table, origin: str, day: str) -> int:
    code, value = _at(table, "HCPCSCPTCODE"), next(n for n, c in enumerate(table.header) if c.endswith("MUEVALUES"))
    indicator = _at(table, "MUEADJUDICATIONINDICATOR")
    rationale = next((n for n, c in enumerate(table.header) if c == "MUERATIONALE"), -1)
    claim_type = mue_setting(table)

    def rows() -> Iterator[tuple[object, ...]]:
        for row in body(member, table):
            _whole(member, row, table)
            procedure = row[code].strip().upper()
            if not _CODE.fullmatch(procedure):
                continue
            if not row[value].strip().isdigit():
                raise ImportRefusedError(f"{member.name}: the units limit of {procedure} is no number")
            why = row[rationale].strip() if 0 <= rationale < len(row) else ""
            yield (
                f"mue-{claim_type.lower()}",
                procedure,
                claim_type,
                int(row[value]),
                row[indicator].strip()[:1],
                why,
                origin,
            )

    del day
    return _insert(db, "INSERT OR REPLACE INTO units VALUES (?,?,?,?,?,?,?)", rows())


def mue_setting(table: Table) -> str:
    """Which of the three tables of units limits this is."""
    header = next(cell for cell in table.header if cell.endswith("MUEVALUES"))
    if "OUTPATIENT" in header or "HOSPITAL" in header:
        return "OUTPATIENT_HOSPITAL"
    return "DME" if "DME" in header or "SUPPLIER" in header else "PROFESSIONAL"


def ptp_setting(member: Member) -> str:
    """Which of the two tables of code pairs this is."""
    return "HOSPITAL" if re.search(r"ccioph|ccihop|hospital|outpatient", member.name) else "PRACTITIONER"


def ptp_source(member: Member) -> str:
    """Setting and part: the code pairs of one release come in several files."""
    part = re.search(r"-(f\d+)", member.name)
    return f"ptp-{ptp_setting(member).lower()}" + (f"-{part[1]}" if part else "")


def _ptp(db: sqlite3.Connection, member: Member, table: Table, origin: str, day: str) -> int:
    setting, source = ptp_setting(member), ptp_source(member)

    def rows() -> Iterator[tuple[object, ...]]:
        for row in body(member, table):
            first, second = row[0].strip().upper(), row[1].strip().upper() if len(row) > 1 else ""
            if not _CODE.fullmatch(first):
                continue
            if not _CODE.fullmatch(second) or len(row) < 6 or row[5].strip() not in ("0", "1", "9"):
                raise ImportRefusedError(f"{member.name}: the pair of {first} is not complete: is the file cut off?")
            yield (
                source,
                first,
                second,
                setting,
                row[5].strip(),
                iso_date(row[3]),
                iso_date(row[4]),
                origin,
            )

    del day
    return _insert(db, "INSERT OR REPLACE INTO pair VALUES (?,?,?,?,?,?,?,?)", rows())


def _hcpcs(db: sqlite3.Connection, member: Member, table: Table, origin: str, day: str) -> int:
    code, record = _at(table, "HCPC"), _at(table, "RECID")
    columns = [("coverage", _at(table, "COV")), ("short_description", _at(table, "SHORTDESCRIPTION"))]
    added, ended = _at(table, "ADDDT"), _at(table, "TERMDT")

    def rows() -> Iterator[tuple[object, ...]]:
        for row in body(member, table):
            _whole(member, row, table)
            procedure = row[code].strip().upper()
            if row[record].strip() not in ("3", "7") or not re.fullmatch(r"[A-CE-V][0-9]{4}|[A-Z][A-Z0-9]", procedure):
                continue
            start = iso_date(row[added])
            end = iso_date(row[ended]) if ended < len(row) else ""
            for name, place in columns:
                if row[place].strip():
                    yield ("hcpcs", procedure, name, row[place].strip(), start, end, origin)
            if start:
                yield ("hcpcs", procedure, "added", start, "", "", origin)
            if end:
                yield ("hcpcs", procedure, "ended", end, "", "", origin)

    del day
    return _insert(db, _FACT, rows())


def _asc(db: sqlite3.Connection, member: Member, table: Table, origin: str, day: str) -> int:
    code = _at(table, "HCPCSCODE", "HCPCS")
    payment = next(n for n, cell in enumerate(table.header) if cell.endswith("PAYMENTINDICATOR"))

    def rows() -> Iterator[tuple[object, ...]]:
        for row in body(member, table):
            procedure = row[code].strip().upper() if code < len(row) else ""
            if _CODE.fullmatch(procedure) and payment < len(row) and row[payment].strip():
                yield ("asc", procedure, "asc_indicator", row[payment].strip(), "", "", origin)

    del day
    return _insert(db, _FACT, rows())
