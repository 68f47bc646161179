"""What the shipped code set says, and that it agrees with the official lists where those are at hand."""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect_icd.codeset import CodeSet, Release
from detect_icd.errors import NotFoundError, UnknownDateError
from detect_icd.lexicon import Lexicon

SHARED = Path(os.environ.get("DETECT_ICD_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "codeset"
FY2025, FY2026, FY2027 = date(2025, 9, 30), date(2025, 10, 1), date(2026, 10, 1)


def rows(name: str) -> list[dict[str, str]]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (set DETECT_ICD_SHARED)")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def changes() -> list[object]:
    """(code, first day on which the code is billable or no longer is, which) of every change of the official history."""
    path = SHARED / "icd10cm_billable_history.tsv"
    if not path.exists():
        return [pytest.param("", "", True, marks=pytest.mark.skip(reason=f"{path.name} is not beside this checkout"))]
    found: list[object] = []
    for row in rows(path.name):
        if not row["billable_from"].startswith("<="):
            found.append((row["code"], row["billable_from"], True))
        if row["billable_until_exclusive"]:
            found.append((row["code"], row["billable_until_exclusive"], False))
    return found


@pytest.fixture(scope="module")
def codeset() -> CodeSet:
    return Lexicon.default().codeset


@pytest.fixture(scope="module")
def newest(codeset: CodeSet) -> Release:
    return codeset.on(FY2027)


def test_every_code_of_the_newest_release_agrees_with_the_official_list(newest: Release) -> None:
    official = {row["code"]: row["billable"] == "1" for row in rows("icd10cm_codes_fy2027.tsv")}
    assert {code: newest.is_billable(code) for code in newest.codes()} == official
    assert len(newest) == 98_403


@pytest.mark.parametrize(
    "day",
    [
        "2022-10-01",
        "2023-03-31",
        "2023-04-01",
        "2023-09-30",
        "2023-10-01",
        "2024-04-01",
        "2024-09-30",
        "2024-10-01",
        "2025-04-01",
        "2025-09-30",
        "2025-10-01",
        "2026-04-01",
        "2026-09-30",
        "2026-10-01",
        "2027-09-30",
    ],
)
def test_billable_codes_of_a_day_agree_with_the_official_history(codeset: CodeSet, day: str) -> None:
    official = {
        row["code"]
        for row in rows("icd10cm_billable_history.tsv")
        if (row["billable_from"].startswith("<=") or row["billable_from"] <= day)
        and (not row["billable_until_exclusive"] or day < row["billable_until_exclusive"])
    }
    release = codeset.on(date.fromisoformat(day))
    assert {code for code in release.codes() if release.is_billable(code)} == official


def test_titles_agree_with_the_official_list_but_for_accents_and_revisions(newest: Release) -> None:
    different = [
        row["code"]
        for row in rows("icd10cm_codes_fy2027.tsv")
        if newest.is_titled(row["code"])
        and newest.title(row["code"]) != row["long"]
        and newest.title(row["code"]).isascii()
    ]
    # The four titles revised on 2026-10-01, which the April 2026 package cannot know.
    assert different == ["L02.232", "L03.312", "L03.322", "Z29.14"]


def test_codes_new_in_fy2027_say_they_have_no_title(newest: Release) -> None:
    assert not newest.is_titled("M67.A01")
    assert newest.title("M67.A01") == newest.title("M67")
    assert newest.wording("M67.A01").endswith("right foot")
    assert sum(not newest.is_titled(code) for code in newest.codes()) == 238


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("e1142", "E11.42"),
        ("E11.42", "E11.42"),
        (" e11.42 ", "E11.42"),
        ("i10", "I10"),
        ("QA00101", "QA0.0101"),
        ("z87.8901", "Z87.8901"),
        ("S52511A", "S52.511A"),
        ("E11.999", None),
        ("", None),
        ("ABC", None),
    ],
)
def test_a_code_is_read_by_the_table(codeset: CodeSet, text: str, code: str | None) -> None:
    assert codeset.normalize_code(text) == code


@pytest.mark.parametrize(
    ("day", "billable", "children"),
    [(FY2025, True, ()), (FY2026, False, ("G35.A", "G35.B", "G35.C", "G35.D"))],
)
def test_g35_became_a_header(codeset: CodeSet, day: date, billable: bool, children: tuple[str, ...]) -> None:
    release = codeset.on(day)
    assert (release.is_billable("G35"), release.children("G35")) == (billable, children)


def test_a_retired_code_names_its_successors(codeset: CodeSet) -> None:
    assert codeset.on(FY2026).successors("G35") == (
        "G35.A", "G35.B0", "G35.B1", "G35.B2", "G35.C0", "G35.C1", "G35.C2", "G35.D",
    )  # fmt: skip
    assert codeset.on(FY2025).successors("G35") == ()
    assert codeset.on(FY2026).predecessors("G35.D") == ("G35",)


def test_a_successor_need_not_be_a_child(newest: Release) -> None:
    assert newest.successors("M72.2") == ("M67.A01", "M67.A02", "M67.A09", "M72.20", "M72.21", "M72.22")


def test_every_retired_code_has_a_successor(codeset: CodeSet) -> None:
    without = [
        code
        for release in codeset.releases()
        for code in codeset.codes()
        if codeset.billable_windows(code)
        and codeset.billable_windows(code)[-1][1] < release.effective_from
        and not release.successors(code)
    ]
    assert without == []


def test_windows_of_a_code_are_joined(codeset: CodeSet) -> None:
    assert codeset.billable_windows("G35") == ((date(2022, 10, 1), date(2025, 9, 30)),)
    assert codeset.billable_windows("E11.9") == ((codeset.first_day, codeset.last_day),)
    assert codeset.billable_windows("E11") == ()


@pytest.mark.parametrize("day", [date(2022, 9, 30), date(2027, 10, 1)])
def test_a_day_outside_names_the_days_known(codeset: CodeSet, day: date) -> None:
    with pytest.raises(UnknownDateError, match="2022-10-01 to 2027-09-30"):
        codeset.on(day)


def test_windows_follow_one_another_without_gap(codeset: CodeSet) -> None:
    ends = [window.effective_until.toordinal() + 1 for window in codeset.windows[:-1]]
    assert ends == [window.effective_from.toordinal() for window in codeset.windows[1:]]


def test_place_in_the_hierarchy(newest: Release) -> None:
    assert newest.parent("S52.511A") == "S52.511"
    assert newest.parent("S02.0XXA") == "S02.0"
    assert newest.ancestors("QA0.0101") == ("QA0.010", "QA0.01", "QA0.0", "QA0")
    assert newest.parent("I10") is None
    assert newest.leaves("G57.9") == ("G57.90", "G57.91", "G57.92", "G57.93")
    assert newest.leaves("I10") == ()
    assert (newest.chapter("I10"), newest.block("I10")) == ("9", "I10-I1A")
    assert (newest.chapter("U07.1"), newest.chapter("V00.01"), newest.chapter("D50.0")) == ("22", "20", "3")
    assert newest.block("J4B") == "J40-J4A"


def test_notes_of_a_code(newest: Release) -> None:
    assert "type 1 diabetes mellitus (E10.-)" in newest.notes("E11").excludes1
    assert newest.notes("S52.511").seventh_characters["A"] == "initial encounter for closed fracture"
    assert newest.notes("S52.511A").seventh_characters == {}
    assert newest.notes("G57.92").excludes1 == ()


def test_seventh_characters_are_in_the_title(newest: Release) -> None:
    assert newest.title("W08.XXXS") == "Fall from other furniture, sequela"
    assert newest.title("S52.511B").endswith("initial encounter for open fracture type I or II")


def test_a_code_of_no_release_is_not_found(newest: Release) -> None:
    with pytest.raises(NotFoundError):
        newest.title("E99.99")
    assert not newest.is_billable("E99.99")
    assert "E99.99" not in newest
    assert newest.children("E99.99") == ()


@given(st.data())
def test_children_and_leaves_agree_with_a_plain_walk(data: st.DataObject) -> None:
    codeset = Lexicon.default().codeset
    release = codeset.on(data.draw(st.sampled_from([w.effective_from for w in codeset.windows])))
    code = data.draw(st.sampled_from(codeset.codes()))
    children = release.children(code)
    assert all(release.parent(child) == code for child in children)
    below = [c for child in children for c in (child, *release.leaves(child)) if release.is_billable(c)]
    assert tuple(sorted(below)) == release.leaves(code)


def test_before_a_code_came_its_predecessor_stood_in_its_place(codeset: CodeSet) -> None:
    assert codeset.on(date(2026, 9, 30)).predecessors("M67.A") == ("M72.2",)
    assert codeset.on(date(2026, 9, 30)).predecessors("M67.A01") == ("M72.2",)
    assert codeset.on(FY2025).predecessors("G35.A") == ("G35",)


@pytest.mark.parametrize(("code", "day", "billable"), changes())
def test_every_official_change_is_on_its_day(codeset: CodeSet, code: str, day: str, billable: bool) -> None:
    after = date.fromisoformat(day)
    before = date.fromordinal(after.toordinal() - 1)
    assert [codeset.on(d).is_billable(code) for d in (before, after)] == [not billable, billable]
