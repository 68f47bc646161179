"""Every row of the convention tables is proved by its example sentence: its rule is what acts on it."""

from __future__ import annotations

import pytest

from detect_icd import Detector
from detect_icd.lexicon import Lexicon, Row
from detect_icd.model import DetectRequest, Setting

TABLES = (
    "combinations",
    "superseded",
    "integral_symptoms",
    "sequencing",
    "pregnancy",
    "confirmed_only",
    "drug_effects",
    "elapsed",
    "repeated",
    "visit_reasons",
)
SETTINGS = {"confirmed_only": Setting.INPATIENT}
LEXICON = Lexicon.default()
ROWS = [(table, row) for table in TABLES for row in LEXICON.table(table)]


def acting_rules(detector: Detector, text: str, setting: Setting) -> set[str]:
    """The rules that made, moved or removed a code of this text."""
    found = detector.detect(DetectRequest(text, setting=setting))
    return {rule for a in found.assignments for rule in a.rule_ids} | {r.rule_id for r in found.removed}


@pytest.mark.parametrize(
    ("table", "row"),
    [pytest.param(table, row, id=f"{table}-{row['rule']}") for table, row in ROWS if row.get("result") != ""],
)
def test_the_example_calls_the_rule(detector: Detector, table: str, row: Row) -> None:
    setting = SETTINGS.get(table) or Setting(row.get("setting") or Setting.OUTPATIENT)
    assert row["rule"] in acting_rules(detector, row["example"], setting)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["rule"]) for row in LEXICON.table("confirmed_only") if not row["result"]]
)
def test_what_is_coded_only_when_confirmed_is_not_assigned(detector: Detector, row: Row) -> None:
    assert row["rule"] in acting_rules(detector, row["example"], Setting.INPATIENT)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["phrase"]) for row in LEXICON.table("links")])
def test_a_link_joins_cause_and_effect(detector: Detector, row: Row) -> None:
    assert "I69.354" in {a.code for a in detector.detect(row["example"]).assignments}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["phrase"]) for row in LEXICON.table("unlinks")])
def test_a_denied_link_keeps_the_codes_apart(detector: Detector, row: Row) -> None:
    codes = {a.code for a in detector.detect(row["example"]).assignments}
    assert "I10" in codes
    assert "I12.9" not in codes


@pytest.mark.parametrize("row", [pytest.param(row, id=row["trimester"]) for row in LEXICON.table("trimesters")])
def test_the_weeks_give_the_trimester(detector: Detector, row: Row) -> None:
    titles = [a.description for a in detector.detect(row["example"]).assignments]
    assert any(f"{row['trimester']} trimester" in title for title in titles)


def test_rule_ids_are_unique() -> None:
    rules = [row["rule"] for _, row in ROWS]
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize(
    ("table", "row"), [pytest.param(table, row, id=f"{table}-{row['rule']}") for table, row in ROWS]
)
def test_rule_ids_are_kebab_case_and_cite_a_section(table: str, row: Row) -> None:
    assert row["rule"] == row["rule"].lower().replace(" ", "-").replace("_", "-")
    assert row["guideline"].split(".")[0] in {"I", "II", "III", "IV"}
