"""A code of a million characters is no code, and that is seen at once."""

from __future__ import annotations

import time
from datetime import date

import pytest

from detect_icd.codes.check import check_code
from detect_icd.codes.model import CodeProblem
from detect_icd.lexicon import Lexicon


@pytest.fixture(scope="module")
def codeset():
    return Lexicon.default().codeset


def test_it_is_checked_in_no_time(codeset):
    began = time.process_time()
    checked = check_code(codeset.on(date(2026, 1, 1)), "E11.42" + "A" * 1_000_000)
    assert checked.problem is CodeProblem.SUPERFLUOUS_CHARACTERS
    assert time.process_time() - began < 1


def test_it_is_not_remembered(codeset):
    before = codeset.table.find.cache_info().currsize
    assert codeset.normalize_code("A" * 1_000_000) is None
    assert codeset.table.find.cache_info().currsize == before
