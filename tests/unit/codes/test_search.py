"""Search finds what people mean, forgives typing errors, keeps to the date and pages."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

import pytest

from detect_icd.codes.catalog import Catalog
from detect_icd.errors import InvalidRequestError
from detect_icd.lexicon import Lexicon

NOW = date(2026, 11, 1)
PHRASINGS = Path(__file__).parents[2] / "search" / "everyday_phrasings.tsv"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog(Lexicon.default(), today=lambda: NOW)


def first(catalog: Catalog, query: str, day: date = NOW, **kwargs: object) -> str:
    results = catalog.search(query, day, **kwargs).results
    return results[0].code if results else ""


def test_everyday_phrasings_find_their_code(catalog: Catalog) -> None:
    with PHRASINGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) >= 300
    found, seconds = [], []
    for row in rows:
        started = time.process_time()
        results = catalog.search(row["query"], NOW, page_size=5).results
        seconds.append(time.process_time() - started)
        places = [n for n, result in enumerate(results) if result.code in row["codes"].split()]
        found.append(places[0] if places else 99)
    assert sum(place < 5 for place in found) / len(rows) >= 0.95
    assert sum(place == 0 for place in found) / len(rows) >= 0.80
    # The promise is 20 ms on one core; a machine under test may be slower.
    assert sorted(seconds)[int(len(seconds) * 0.95)] < 0.1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("astma", "J45.90"),
        ("diarhea", "R19.7"),
        ("hypertention", "I10"),
        ("e1142", "E11.42"),
        ("E11.4", "E11.4"),
        ("qa00101", "QA0.0101"),
        ("pain in left knee", "M25.562"),
        ("left knee pain", "M25.562"),
        ("tumour of lung", "D49.1"),
    ],
)
def test_the_first_result(catalog: Catalog, query: str, code: str) -> None:
    assert first(catalog, query) == code


def test_every_result_is_of_the_day(catalog: Catalog) -> None:
    assert first(catalog, "multiple sclerosis", date(2025, 9, 30)) == "G35"
    release = Lexicon.default().codeset.on(date(2025, 9, 30))
    assert all(r.code in release for r in catalog.search("sclerosis", date(2025, 9, 30), page_size=100).results)


def test_billable_only(catalog: Catalog) -> None:
    results = catalog.search("wrist fracture", billable_only=True, page_size=50).results
    assert results
    assert all(result.billable for result in results)


def test_pages_follow_one_another(catalog: Catalog) -> None:
    whole = catalog.search("fracture", page_size=100).results
    token, paged = "", []
    for _ in range(4):
        page = catalog.search("fracture", page_size=25, page_token=token)
        paged += page.results
        token = page.next_page_token
    assert tuple(paged) == whole


@pytest.mark.parametrize("token", ["x", "AAAAAAAAAAAAAA==", "é"])
def test_a_foreign_page_token_is_refused(catalog: Catalog, token: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        catalog.search("fracture", page_token=token)
    assert error.value.field == "page_token"


@pytest.mark.parametrize(("query", "size"), [("", 0), ("   ", 0), ("x" * 501, 0), ("ok", -1), ("ok", 101)])
def test_a_search_out_of_range_is_refused(catalog: Catalog, query: str, size: int) -> None:
    with pytest.raises(InvalidRequestError):
        catalog.search(query, page_size=size)


@pytest.mark.parametrize(
    "query", ['"', "a OR b", "* NEAR(", "'; DROP TABLE wording; --", "(", "日本語", "\u0000x", "of the"]
)
def test_any_text_is_a_query(catalog: Catalog, query: str) -> None:
    catalog.search(query)
