"""Every row of the tables of medical necessity does what its example says, and names codes that exist."""

from __future__ import annotations

from datetime import date

import pytest

from detect_icd.lexicon import Lexicon
from detect_icd.model import DetectRequest
from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.model import Determination

LEXICON = Lexicon.default()
DAY = date(2026, 11, 2)
RELEASE = LEXICON.codeset.on(DAY)


def rows(name):
    return LEXICON.table(name)


def at(row):
    return row["_at"]


@pytest.fixture(scope="module")
def checker(detector):
    return NecessityChecker(LEXICON, detector)


@pytest.mark.parametrize("row", rows("procedures/indications"), ids=at)
def test_an_indications_example_links_its_procedure(detector, row):
    detection = detector.detect(DetectRequest(row["example"], date_of_service=DAY))
    assert row["procedure"] in {link.procedure for a in detection.assignments for link in a.procedure_links}


@pytest.mark.parametrize(
    "row", [*rows("procedures/indications"), *(r for r in rows("policies/rules") if r["codes"])], ids=at
)
def test_codes_exist(row):
    cells = [*row["codes"].split("/"), *filter(None, row.get("unless", "").split("/"))]
    assert [p for p in cells if not next(RELEASE.starting_with(p), None)] == []


WANTED = {
    "what": {"MET", "NOT_FOUND"},
    "yes": {"MET"},
    "no": {"CONTRADICTED"},
    "against": {"CONTRADICTED"},
    "about": {"MET"},
}


@pytest.mark.parametrize("row", rows("procedures/evidence"), ids=at)
def test_an_examples_words_are_found(checker, row):
    note = checker.read(DetectRequest(row["example"]), DAY)
    found = checker.requirements.check("0441T", note, (), frozenset())
    [requirement] = [r for r in found if r.id == row["requirement"]]
    assert requirement.status in WANTED[row["part"].partition(":")[0]]
    assert requirement.quotes


def test_every_outcome_and_remark_is_known(checker):
    for row in rows("policies/reasons"):
        assert not row["outcome"] or row["outcome"] in set(Determination)
        assert checker.reasons[row["reason"]].meaning


def test_every_procedure_with_an_indication_has_our_words():
    named = {row["procedure"] for row in rows("procedures/procedures")}
    assert {row["procedure"] for row in rows("procedures/indications")} <= named
    assert len(named) >= 55
