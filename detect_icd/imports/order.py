"""Reads the official order file (icd10cm_order_YYYY.txt) and the addenda of one (order_addenda_YYYY.txt).

Order file, as its readme has it, columns from 1: order number 1-5, code 7-13, 1 for billable or 0 for a header 15,
short title 17-76, long title from 78. Addenda: "Add:", "Delete:", "Revise from:" and "Revise to:" before lines of the
same columns, and counts at the end.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from datetime import date

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import Facts, ImportRefusedError, NewRelease, dotted

_ORDER_LINE = re.compile(r"(\d{5}) ([A-Z][0-9A-Z]{2,6}) *([01]) (.{60}) (\S.*)")
_ADDENDA_LINE = re.compile(r"(Add|Delete|Revise from|Revise to): +([01]) ([A-Z][0-9A-Z]{2,6}) +(\S.*)")
_COUNT = re.compile(r" +(\d+) (codes|headers|additions|deletions|revisions)\b(?: in (\S+))?(?: to .*| in .*)?")
_LONG_TITLE_AT = 60
_SHARE_KEPT = 0.97
"""Of one release's codes, the next one keeps at least so many."""


def read_text(name: str, data: bytes) -> str:
    """The file as text; ImportRefusedError where it is no UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefusedError(
            f"{name} is not UTF-8 text (byte {error.start}): convert it, or download it again"
        ) from None


def is_order(text: str) -> bool:
    """Whether the text begins as an order file does."""
    return _ORDER_LINE.match(text) is not None


def is_addenda(text: str) -> bool:
    """Whether the text begins as addenda do."""
    return _ADDENDA_LINE.match(text) is not None


def read_order(name: str, text: str, codeset: CodeSet) -> Facts:
    """Titles of all codes of a release that is known (every code must be there, and no other), or the next release."""
    lines = text.split("\n")
    if lines.pop():
        raise ImportRefusedError(f"{name} ends within a line: truncated; download it again")
    titles: dict[str, str] = {}
    billable: set[str] = set()
    for number, line in enumerate(lines, 1):
        found = _ORDER_LINE.fullmatch(line.rstrip("\r "))
        if not found or int(found.group(1)) != number:
            raise ImportRefusedError(
                f"{name}, line {number}: expected order number {number:05}, code, 0 or 1, a short title of 60 columns "
                "and a long title, as in icd10cm_order_2027.txt"
            )
        code = dotted(found.group(2))
        titles[code] = " ".join(found.group(5).split())
        if found.group(3) == "1":
            billable.add(code)
    return _facts(name, titles, billable, codeset)


def is_table(text: str) -> bool:
    """Whether the text begins as an order file turned into a TSV does."""
    return text.startswith("code\tbillable\tshort\tlong\n")


def read_table(name: str, text: str, codeset: CodeSet) -> Facts:
    """The same as TSV; a row with an empty short title is a header without one."""
    lines = text.split("\n")
    if lines.pop():
        raise ImportRefusedError(f"{name} ends within a line: truncated; download it again")
    titles: dict[str, str] = {}
    billable: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(lines[0].split("\t")) or cells[1] not in ("0", "1") or not cells[3]:
            raise ImportRefusedError(f"{name}, line {number}: expected code, 0 or 1, short title, long title")
        titles[cells[0]] = cells[3]
        if cells[1] == "1":
            billable.add(cells[0])
    return _facts(name, titles, billable, codeset)


def _facts(name: str, titles: dict[str, str], billable: set[str], codeset: CodeSet) -> Facts:
    new = _next_release(name, titles, billable, codeset)
    if new is not None:
        return Facts("order", new.name, titles=titles, new_release=new)
    return Facts("order", _release_of(name, titles, billable, codeset), titles=titles)


def _next_release(name: str, titles: dict[str, str], billable: set[str], codeset: CodeSet) -> NewRelease | None:
    """The release after the newest one known, where the file's name says so and its codes go on from that one's.

    The file itself names no year. Order files carry the fiscal year in their name, those of April the month too.
    """
    newest = codeset.on(codeset.last_day)
    year = re.search(r"(?<!\d)(20\d\d)(?!\d)", name)
    april = re.search(r"apr", name, re.IGNORECASE) is not None
    wanted = newest.window.fiscal_year + (not april)
    if year is None or int(year.group(1)) != wanted:
        return None
    first = date(wanted, 4, 1) if april else date(wanted - 1, 10, 1)
    before = {code for code in newest.codes() if newest.is_billable(code)}
    headers = sorted(titles.keys() - billable)
    codes = sorted(titles)
    childless = [c for c in headers if bisect_left(codes, c) + 1 == bisect_left(codes, c + "~")]
    if first <= newest.effective_from or billable == before:
        return None
    if len(before & billable) < _SHARE_KEPT * len(before) or codes[-1] < newest.codes()[-1] or childless:
        raise ImportRefusedError(
            f"{name} does not go on from {newest.name}: {len(before - billable):,} of its codes are missing; truncated?"
        )
    label = f"FY{wanted} April update" if april else f"FY{wanted}"
    return NewRelease(label, wanted, first, date(wanted, 9, 30), tuple(sorted(billable)))


def _release_of(name: str, titles: dict[str, str], billable: set[str], codeset: CodeSet) -> str:
    """The release with exactly these codes."""
    nearest, difference = "", len(titles) + 1
    for release in codeset.releases():
        expected = {code: release.is_billable(code) for code in release.codes()}
        wrong = [c for c, is_billable in expected.items() if (c in titles, c in billable) != (True, is_billable)]
        foreign = [c for c in titles if c not in expected]
        if not wrong and not foreign:
            return f"FY{release.window.fiscal_year}"
        # Headers of the years before the package's release are known in part only.
        if not foreign or all(c not in billable for c in foreign):
            of_billable = [c for c in wrong if expected[c] or c in billable]
            if not of_billable and billable:
                return f"FY{release.window.fiscal_year}"
        if len(wrong) + len(foreign) < difference:
            difference = len(wrong) + len(foreign)
            example = next(iter([*wrong, *foreign]))
            nearest = f"nearest is {release.name}, with {difference} codes otherwise, as {example}"
    known = f"{codeset.windows[0].name} to {codeset.windows[-1].name}"
    raise ImportRefusedError(f"{name} is the order file of no release known ({known}): truncated or newer; {nearest}")


def read_addenda(name: str, text: str, codeset: CodeSet) -> Facts:
    """Titles of the codes added and revised; the counts at the end must agree with the lines."""
    titles: dict[str, str] = {}
    counted: Counter[tuple[str, str]] = Counter()
    stated: dict[tuple[str, str], int] = {}
    release, part, last = "", "", ""
    for number, line in enumerate(text.split("\n"), 1):
        entry = _ADDENDA_LINE.fullmatch(line.rstrip("\r "))
        count = _COUNT.fullmatch(line.rstrip("\r "))
        if entry:
            action, flag, code, rest = entry.groups()
            counted["headers" if flag == "0" else "codes", action] += 1
            if action in ("Add", "Revise to"):
                titles[dotted(code)] = _long_title(line, rest)
        elif count:
            part = count.group(2) if count.group(2) in ("codes", "headers") else part
            stated.setdefault((part, count.group(2)), int(count.group(1)))
            release = count.group(3) or release
            last = line.strip()
        elif line.strip() not in ("", "Headers", "Codes", "of which"):
            raise ImportRefusedError(f"{name}, line {number}: expected Add:, Delete:, Revise from: or Revise to:")
    for part in ("headers", "codes"):
        for action, word in (("Add", "additions"), ("Delete", "deletions"), ("Revise to", "revisions")):
            if stated.get((part, word)) != counted[part, action]:
                raise ImportRefusedError(
                    f"{name}: the counts at its end are missing or do not agree with its lines ({part}: "
                    f"{counted[part, action]} {word}, stated {stated.get((part, word), 'nothing')}): truncated"
                )
    year = re.search(r"(\d{4})\.txt", release)
    if not last.endswith("short title only") or not year:
        raise ImportRefusedError(f"{name} ends before its counts do: truncated; download it again")
    return _known(Facts("addenda", f"FY{year.group(1)}", titles=titles), name, codeset)


def _long_title(line: str, rest: str) -> str:
    """The long title stands 61 columns after the short one."""
    start = line.index(rest)
    return " ".join(line[start + _LONG_TITLE_AT :].split()) or " ".join(rest.split())


def is_addenda_json(text: str) -> bool:
    """Whether the text begins as addenda turned into JSON do."""
    return re.match(r'\s*\{\s*"adds"\s*:', text) is not None


def read_addenda_json(name: str, text: str, codeset: CodeSet) -> Facts:
    """The same as JSON: adds, deletes and revisions, each of code and desc, and a summary of counts."""
    try:
        plain = json.loads(text)
        rows = {part: plain[part] for part in ("adds", "deletes", "revisions")}
        entries = [*rows["adds"], *(r for r in rows["revisions"] if r["action"] == "Revise to")]
        titles = {dotted(str(row["code"])): " ".join(str(row["desc"]).split()) for row in entries}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ImportRefusedError(
            f"{name}: expected complete JSON with adds, deletes and revisions, each row with code and desc"
        ) from None
    added = {code for row in rows["adds"] if (code := dotted(str(row["code"])))}
    release = next(
        (r for r in codeset.releases() if added and all(r.is_billable(c) for c in added)), codeset.on(codeset.last_day)
    )
    return _known(Facts("addenda", f"FY{release.window.fiscal_year}", titles=titles), name, codeset)


def _known(facts: Facts, name: str, codeset: CodeSet) -> Facts:
    foreign = [code for code in facts.titles if codeset.table.find(code) is None]
    if foreign:
        raise ImportRefusedError(
            f"{name} adds codes of no release known, as {foreign[0]}: this detect-icd knows "
            f"{codeset.windows[0].name} to {codeset.windows[-1].name}"
        )
    return facts
