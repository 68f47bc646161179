"""Laws of look-up, search and claim check for any input."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detect_icd.codes.catalog import Catalog
from detect_icd.codes.model import Claim, CodeStatus
from detect_icd.errors import NotFoundError
from detect_icd.lexicon import Lexicon

CODESET = Lexicon.default().codeset
CATALOG = Catalog(Lexicon.default(), today=lambda: date(2026, 11, 1))
DAYS = st.sampled_from([window.effective_from for window in CODESET.windows])
CODES = st.sampled_from(CODESET.codes())
SHAPES = st.sampled_from([str, str.lower, lambda code: code.replace(".", ""), lambda code: f" {code} "])


@given(CODES, SHAPES, DAYS)
def test_a_code_is_known_in_any_shape(code, shape, day):
    record = CATALOG.get(shape(code), day)
    assert record.code == code
    assert record.billable is (record.status is CodeStatus.VALID) is CODESET.on(day).is_billable(code)
    assert record.billable == any(p.effective_from <= day <= p.effective_until for p in record.periods)


@given(st.text(max_size=12), DAYS)
def test_any_text_is_a_code_or_not_found(text, day):
    try:
        assert CATALOG.get(text, day).code in CODESET.codes()
    except NotFoundError:
        assert CODESET.normalize_code(text) is None


@given(st.lists(CODES | st.text(max_size=9), min_size=1, max_size=12), DAYS)
@settings(deadline=None)
def test_a_claim_is_answered_code_by_code(codes, day):
    claim = CATALOG.validate(Claim(tuple(codes), day))
    assert [code.written for code in claim.codes] == codes
    for checked in claim.codes:
        assert (checked.status is CodeStatus.VALID) is (checked.problem is None)
        assert all(s.code != checked.code for s in checked.suggestions)
    for alert in claim.alerts:
        assert all(claim.codes[place - 1].code in alert.codes for place in alert.positions)


@given(st.text(max_size=60), DAYS, st.booleans())
@settings(deadline=None)
def test_a_search_gives_codes_of_the_day_best_first(query, day, billable):
    assume(query.strip())
    page = CATALOG.search(query, day, billable_only=billable)
    release = CODESET.on(day)
    assert all(result.code in release for result in page.results)
    assert all(result.billable for result in page.results if billable)
    scores = [result.score for result in page.results]
    assert scores == sorted(scores, reverse=True)
    assert len({result.code for result in page.results}) == len(page.results)


@pytest.mark.parametrize("query", ["diabetes", "left knee pain", "fracture", "hart failure"])
def test_a_search_is_the_same_each_time(query):
    again = Catalog(Lexicon.default(), today=lambda: date(2026, 11, 1))
    assert CATALOG.search(query) == again.search(query)
