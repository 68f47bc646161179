"""Whose policies bind a claim: which payer, which line of business, and in Medicare which contractor and state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from detect_icd.errors import InvalidRequestError
from detect_icd.lexicon import Row, phrases_of
from detect_icd.necessity.model import Payer, PolicyKind
from detect_icd.necessity.policies import Policy, parts

_NOISE = re.compile(r"[^a-z0-9]+")
_COMPANY = frozenset({"inc", "llc", "corp", "corporation", "the", "co"})


class Business(StrEnum):
    """Lines of business whose rules differ."""

    MEDICARE_FFS = "MEDICARE_FFS"
    MEDICARE_ADVANTAGE = "MEDICARE_ADVANTAGE"
    MEDICAID = "MEDICAID"
    COMMERCIAL = "COMMERCIAL"


_BUSINESS_NAMES = {
    "medicare": Business.MEDICARE_FFS,
    "medicare ffs": Business.MEDICARE_FFS,
    "medicare fee for service": Business.MEDICARE_FFS,
    "medicare part b": Business.MEDICARE_FFS,
    "medicare part a": Business.MEDICARE_FFS,
    "medicare b": Business.MEDICARE_FFS,
    "original medicare": Business.MEDICARE_FFS,
    "traditional medicare": Business.MEDICARE_FFS,
    "ffs": Business.MEDICARE_FFS,
    "part b": Business.MEDICARE_FFS,
    "medicare advantage": Business.MEDICARE_ADVANTAGE,
    "ma": Business.MEDICARE_ADVANTAGE,
    "mapd": Business.MEDICARE_ADVANTAGE,
    "medicare part c": Business.MEDICARE_ADVANTAGE,
    "part c": Business.MEDICARE_ADVANTAGE,
    "medicaid": Business.MEDICAID,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Who decides on a claim; keys are those of the tables, names those of the claim."""

    business: Business
    payer: str
    payer_name: str
    state: str
    contractor: str
    contractor_named: bool
    assumptions: tuple[str, ...]

    @property
    def medicare(self) -> bool:
        """Fee-for-service Medicare."""
        return self.business is Business.MEDICARE_FFS


def key_of(name: str) -> str:
    """The form under which names of organisations are compared."""
    return " ".join(word for word in _plain(name).split() if word not in _COMPANY)


def _plain(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name.casefold()).split())


class Jurisdictions:
    """The tables of states, contractors and payers."""

    def __init__(
        self, states: Iterable[Row], contractors: Iterable[Row], payers: Iterable[Row], more_payers: Mapping[str, str]
    ) -> None:
        """`more_payers`: name -> payer key, of imported policies."""
        self._states: dict[str, str] = {}
        for row in states:
            for name in (row["state"], row["name"], *phrases_of(row["aliases"])):
                self._states[_plain(name)] = row["state"]
        self._contractors: dict[str, str] = {}
        self.contractor_names: dict[str, str] = {}
        self._of_state: dict[str, str] = {}
        for row in contractors:
            self.contractor_names[row["contractor"]] = row["name"]
            for name in (row["contractor"], row["name"], *phrases_of(row["aliases"])):
                self._contractors[key_of(name)] = row["contractor"]
            for state in parts(row["states"]):
                self._of_state[state] = row["contractor"]
        self._payers: dict[str, tuple[str, Business]] = {}
        for row in payers:
            for name in (row["payer"], row["name"], *phrases_of(row["aliases"])):
                self._payers[key_of(name)] = (row["payer"], Business(row["line_of_business"]))
        for name, payer in more_payers.items():
            self._payers.setdefault(key_of(name), (payer, Business.COMMERCIAL))

    def state(self, written: str) -> str:
        """The abbreviation of a state; "" for none; raises InvalidRequestError for what is no state."""
        if not written.strip():
            return ""
        found = self._states.get(_plain(written))
        if found is None:
            raise InvalidRequestError(
                "state must be a state or territory of the United States, as in OH",
                field="state",
                reason="STATE_UNKNOWN",
            )
        return found

    def state_or_none(self, written: str) -> str | None:
        """As `state`, None for what is no state ("California - Northern" is a part of CA)."""
        whole = written.partition(" - ")[0]
        return self._states.get(_plain(whole))

    def contractor(self, written: str) -> str:
        """The key of a contractor: the table's, or the name itself where no row knows it."""
        return self._contractors.get(key_of(written), key_of(written))

    def scope(self, payer: Payer, contractor: str, written_state: str) -> Scope:
        """Who decides; raises InvalidRequestError for an unknown state."""
        state = self.state(written_state)
        assumptions: list[str] = []
        name = payer.name or payer.id
        business = _business(payer.line_of_business)
        key = ""
        named = self._contractors.get(key_of(name)) if name and not contractor else None
        if named is not None and business in (None, Business.MEDICARE_FFS):
            contractor, name = name, ""
            business = Business.MEDICARE_FFS
        known = self._payers.get(key_of(payer.name)) or self._payers.get(key_of(payer.id)) if name else None
        if known is not None:
            key, own = known
            business = business or own
        elif name:
            key = key_of(name)
            business = business or _by_name(name)
        elif business is None:
            business = Business.MEDICARE_FFS
            if not contractor:
                assumptions.append(
                    "payer: Medicare Part B fee-for-service, since neither payer nor contractor was given"
                )
        contractor_key, was_named = (self.contractor(contractor), True) if contractor.strip() else ("", False)
        if business is Business.MEDICARE_ADVANTAGE:
            contractor_key = contractor_key or self._of_state.get(state, "")
            assumptions.append(
                "Medicare's own policies are asked where none of the Medicare Advantage plan's is loaded"
            )
        if business is Business.MEDICARE_FFS and not contractor_key:
            contractor_key = self._of_state.get(state, "")
            if contractor_key:
                assumptions.append(f"contractor: {self.contractor_names[contractor_key]}, from the state {state}")
            else:
                assumptions.append(
                    "contractor: none, since no state was given: local Medicare policies cannot be chosen"
                )
        return Scope(business, key, name, state, contractor_key, was_named, tuple(assumptions))

    def binds(self, policy: Policy, scope: Scope, *, as_medicare: bool) -> bool:
        """Whether a policy decides for this payer and place; `as_medicare` asks for Medicare's policies."""
        if policy.kind is PolicyKind.PAYER:
            return (
                not as_medicare and scope.payer in policy.payers and (not policy.states or scope.state in policy.states)
            )
        if not as_medicare:
            return False
        if policy.kind is PolicyKind.NCD:
            return True
        if scope.contractor_named:
            return scope.contractor in policy.contractors
        if not scope.state or scope.state not in policy.states:
            return False
        return policy.everywhere or not policy.contractors or scope.contractor in policy.contractors


def _business(written: str) -> Business | None:
    name = key_of(written)
    if not name:
        return None
    return _BUSINESS_NAMES.get(name, _by_name(written))


def _by_name(name: str) -> Business:
    words = key_of(name)
    if "medicare" in words:
        return Business.MEDICARE_ADVANTAGE if "advantage" in words or "part c" in words else Business.MEDICARE_FFS
    return Business.MEDICAID if "medicaid" in words else Business.COMMERCIAL
