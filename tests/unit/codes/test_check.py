"""What a claim's list is told."""

from __future__ import annotations

from datetime import date

import pytest

from detect_icd.codes.check import check_claim
from detect_icd.codes.model import CheckedClaim, CheckedCode, Claim, CodeProblem, CodeStatus, Severity
from detect_icd.errors import InvalidRequestError, UnknownDateError
from detect_icd.lexicon import Lexicon
from detect_icd.model import Patient, Setting, Sex

TODAY = date(2026, 11, 1)


def check(*codes: str, day: date = date(2026, 1, 15), **kwargs: object) -> CheckedClaim:
    return check_claim(Lexicon.default().codeset, Claim(codes, day, **kwargs), TODAY)


def one(code: str, day: date = date(2026, 1, 15)) -> CheckedCode:
    return check(code, day=day).codes[0]


def kinds(claim: CheckedClaim) -> list[str]:
    return [alert.kind for alert in claim.alerts]


@pytest.mark.parametrize(
    ("written", "day", "status", "problem", "suggested"),
    [
        ("E11.42", date(2026, 1, 15), CodeStatus.VALID, None, ()),
        ("g35", date(2025, 9, 30), CodeStatus.VALID, None, ()),
        ("G35", date(2025, 10, 1), CodeStatus.NOT_BILLABLE, CodeProblem.MORE_CHARACTERS_NEEDED, ("G35.A", "G35.B0")),
        ("G35.A", date(2025, 9, 30), CodeStatus.NOT_VALID_ON_DATE, CodeProblem.NOT_YET_VALID, ("G35",)),
        ("T52.8X1A", date(2026, 10, 1), CodeStatus.NOT_VALID_ON_DATE, CodeProblem.RETIRED, ("T52.891A",)),
        ("S52.511", date(2026, 1, 15), CodeStatus.NOT_BILLABLE, CodeProblem.SEVENTH_CHARACTER_MISSING, ("S52.511A",)),
        ("S02.0", date(2026, 1, 15), CodeStatus.NOT_BILLABLE, CodeProblem.SEVENTH_CHARACTER_MISSING, ("S02.0XXA",)),
        ("S02.0A", date(2026, 1, 15), CodeStatus.UNKNOWN, CodeProblem.PLACEHOLDER_MISSING, ("S02.0XXA",)),
        ("E11.42A", date(2026, 1, 15), CodeStatus.UNKNOWN, CodeProblem.SUPERFLUOUS_CHARACTERS, ("E11.42",)),
        ("E11.99", date(2026, 1, 15), CodeStatus.UNKNOWN, CodeProblem.SUPERFLUOUS_CHARACTERS, ("E11.9",)),
        ("E99", date(2026, 1, 15), CodeStatus.UNKNOWN, CodeProblem.NO_SUCH_CODE, ()),
        ("hello", date(2026, 1, 15), CodeStatus.UNKNOWN, CodeProblem.NO_SUCH_CODE, ()),
    ],
)
def test_status_of_one_code(
    written: str, day: date, status: CodeStatus, problem: CodeProblem | None, suggested: tuple[str, ...]
) -> None:
    checked = one(written, day)
    assert (checked.status, checked.problem) == (status, problem)
    assert tuple(s.code for s in checked.suggestions)[: len(suggested)] == suggested
    assert bool(checked.message) is (problem is not None)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("E11.9", "I10"), []),
        (("E11.9", "I10", "E11.9"), ["DUPLICATE"]),
        (("E11.9", "E10.9"), ["EXCLUDES1"]),
        (("M79.2", "G57.92"), ["EXCLUDES1"]),
        (("F02.80", "G30.9"), ["CODE_FIRST", "MANIFESTATION_FIRST"]),
        (("G30.9", "F02.80"), []),
        (("W19.XXXA",), ["EXTERNAL_CAUSE_FIRST"]),
        (("M25.569",), ["UNSPECIFIED_SIDE"]),
        (("M25.562",), []),
        (("S52.509A",), ["UNSPECIFIED_SIDE"]),
    ],
)
def test_alerts_about_codes_together(codes: tuple[str, ...], expected: list[str]) -> None:
    assert kinds(check(*codes)) == expected


def test_an_excludes1_alert_quotes_both_notes_and_is_no_error() -> None:
    (alert,) = check("E11.9", "E10.9").alerts
    assert alert.severity is Severity.WARNING
    assert {note.at for note in alert.notes} == {"E10", "E11"}
    assert alert.positions == (1, 2)


@pytest.mark.parametrize(
    ("code", "patient", "expected"),
    [
        ("O80", Patient(sex=Sex.MALE, age_years=30), ["SEX_CONFLICT"]),
        ("O80", Patient(sex=Sex.FEMALE, age_years=70), ["AGE_CONFLICT"]),
        ("O80", Patient(birth_date=date(1996, 1, 16)), []),
        ("O80", Patient(), []),
        ("N40.0", Patient(sex=Sex.FEMALE), ["SEX_CONFLICT"]),
        ("A33", Patient(birth_date=date(2025, 1, 16)), []),
        ("A33", Patient(birth_date=date(2025, 1, 15)), ["AGE_CONFLICT"]),
    ],
)
def test_alerts_about_the_patient(code: str, patient: Patient, expected: list[str]) -> None:
    assert kinds(check(code, patient=patient)) == expected


def test_a_code_not_accepted_as_principal_diagnosis_is_a_warning_for_inpatients_only() -> None:
    severities = [
        check("Z68.41", setting=setting).alerts[0].severity for setting in (Setting.INPATIENT, Setting.OUTPATIENT)
    ]
    assert severities == [Severity.WARNING, Severity.INFO]


@pytest.mark.parametrize("codes", [(), ("I10",) * 101])
def test_a_list_is_of_one_to_a_hundred(codes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError):
        check(*codes)


def test_a_day_outside_is_an_error() -> None:
    with pytest.raises(UnknownDateError):
        check("I10", day=date(2030, 1, 1))


def test_no_date_is_today_and_says_so() -> None:
    claim = check_claim(Lexicon.default().codeset, Claim(("I10",)), TODAY)
    assert claim.code_set.name == "FY2027"
    assert claim.assumptions == ("date_of_service: today, 2026-11-01",)


def test_no_date_past_the_last_known_day_is_that_day() -> None:
    claim = check_claim(Lexicon.default().codeset, Claim(("I10",)), date(2029, 1, 1))
    assert claim.assumptions == ("date_of_service: 2027-09-30, the last day of the code sets known",)
