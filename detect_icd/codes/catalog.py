"""The one object adapters ask about codes: look-up, search and claim check over one lexicon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from detect_icd.codes.check import check_claim
from detect_icd.codes.index import SearchIndex
from detect_icd.codes.lookup import day_in_force, look_up
from detect_icd.codes.model import CheckedClaim, Claim, CodeRecord, SearchPage
from detect_icd.codes.search import search_page
from detect_icd.lexicon import Lexicon


class Catalog:
    """Codes by date. `today` gives the day that stands for a date of service left out."""

    def __init__(self, lexicon: Lexicon, today: Callable[[], date] = date.today) -> None:
        self._codeset = lexicon.codeset
        self._index = SearchIndex(lexicon.read("search.sqlite"))
        self._today = today

    def get(self, code: str, day: date | None = None) -> CodeRecord:
        """All about one code; NotFoundError where no release has it, UnknownDateError for a day outside."""
        chosen, _ = day_in_force(self._codeset, day, self._today())
        return look_up(self._codeset.on(chosen), code)

    def search(
        self,
        query: str,
        day: date | None = None,
        *,
        billable_only: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> SearchPage:
        """Codes for the words, best first; InvalidRequestError for an empty query or a foreign page token."""
        chosen, _ = day_in_force(self._codeset, day, self._today())
        return search_page(
            self._index,
            self._codeset.on(chosen),
            query,
            billable_only=billable_only,
            page_size=page_size,
            page_token=page_token,
        )

    def validate(self, claim: Claim) -> CheckedClaim:
        """What is right and wrong with a claim's list."""
        return check_claim(self._codeset, claim, self._today())
