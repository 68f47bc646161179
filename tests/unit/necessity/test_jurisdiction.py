"""Whose policies bind: states, contractors, payers."""

from __future__ import annotations

import pytest

from detect_icd.errors import InvalidRequestError
from detect_icd.lexicon import Lexicon
from detect_icd.necessity.jurisdiction import Jurisdictions
from detect_icd.necessity.model import Payer


@pytest.fixture(scope="module")
def places():
    table = Lexicon.default().table
    return Jurisdictions(table("policies/states"), table("policies/contractors"), table("policies/payers"), {})


@pytest.mark.parametrize(
    ("written", "state"),
    [("OH", "OH"), ("ohio", "OH"), ("CO", "CO"), ("CNMI", "MP"), ("District of Columbia", "DC"), ("", "")],
)
def test_states(places, written, state):
    assert places.state(written) == state


def test_no_state(places):
    with pytest.raises(InvalidRequestError):
        places.state("Narnia")


def test_every_state_has_one_contractor(places):
    states = {row["state"] for row in Lexicon.default().table("policies/states")}
    assert {state: places.scope(Payer(), "", state).contractor for state in states if state}.keys() == states
    assert all(places.scope(Payer(), "", state).contractor for state in states)


@pytest.mark.parametrize(
    ("payer", "business", "key"),
    [
        (Payer(), "MEDICARE_FFS", ""),
        (Payer(name="Medicare"), "MEDICARE_FFS", "MEDICARE"),
        (Payer(name="Medicare Part B"), "MEDICARE_FFS", "MEDICARE"),
        (Payer(name="Anthem Blue Cross"), "COMMERCIAL", "ELEVANCE"),
        (Payer(id="BCBSAL"), "COMMERCIAL", "BCBSAL"),
        (Payer(name="Anthem", line_of_business="Medicare Advantage"), "MEDICARE_ADVANTAGE", "ELEVANCE"),
        (Payer(name="Some Plan"), "COMMERCIAL", "some plan"),
        (Payer(name="Acme Medicare Advantage"), "MEDICARE_ADVANTAGE", "acme medicare advantage"),
        (Payer(name="Some Plan", line_of_business="MEDICARE"), "MEDICARE_FFS", "some plan"),
    ],
)
def test_payers(places, payer, business, key):
    scope = places.scope(payer, "", "OH")
    assert (scope.business, scope.payer) == (business, key)


@pytest.mark.parametrize(
    ("written", "key"),
    [("CGS", "CGS"), ("Wellpoint Federal", "NGS"), ("Novitas Solutions, Inc.", "NOVITAS"), ("Another", "another")],
)
def test_contractors(places, written, key):
    assert places.scope(Payer(), written, "").contractor == key
