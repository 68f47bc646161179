"""The passes of the conventions on drafts of codes, without any text."""

from __future__ import annotations

from datetime import date

import pytest

from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon
from detect_icd.model import Assertion, Attribute, CodeCandidate, Concept, MatchKind, Mention, Patient, Setting, Sex
from detect_icd.spans import Span
from detect_icd.stages.conventions import Conventions, Draft, Places, person_conflicts
from detect_icd.stages.conventions.alerting import age_on
from detect_icd.stages.conventions.combining import Combinations, both_sides
from detect_icd.stages.conventions.drugs import DrugEffects
from detect_icd.stages.conventions.patterns import Patterns, filled, prefixes_in_note, sided_family
from detect_icd.stages.conventions.superseding import unspecified_beside_specific
from detect_icd.text import NormalizedText

LEXICON = Lexicon.default()
RELEASE = LEXICON.codeset.on(date(2026, 11, 1))


def draft_of(*codes: str, text: str = "", release: Release = RELEASE, setting: Setting = Setting.OUTPATIENT) -> Draft:
    """A draft of codes that stand in this order, or at the words of `text` given as `code=word`."""
    pairs = [(code, word) for code, _, word in (part.partition("=") for part in codes)]
    mentions = []
    for n, (_, word) in enumerate(pairs):
        start = text.index(word) if word else 0
        mentions.append(Mention(f"m{n}", Span(start, start + len(word)), word, "", Concept("c", "c"), Assertion()))
    links = frozenset({("due", "to")})
    draft = Draft(release, Places(NormalizedText.of(text), mentions, links), setting)
    for n, (code, _) in enumerate(pairs):
        draft.add(code, [f"m{n}"], 0.9, (2, n))
    return draft


def applied(*codes: str, setting: Setting = Setting.OUTPATIENT) -> list[str]:
    """What the conventions make of these codes, in reporting order."""
    draft = draft_of(*codes, setting=setting)
    conventions = Conventions(LEXICON)
    conventions.apply(draft)
    return [entry.code for entry in conventions.ordered(draft)]


@pytest.mark.parametrize(
    ("cell", "code", "covered"),
    [
        ("I10/I11.9", "I10", True),
        ("I10/I11.9", "I11.0", False),
        ("S?0", "S80.01XA", True),
        ("S?0", "S82.001A", False),
        ("K29.?0", "K29.70", True),
        ("", "A00", False),
    ],
)
def test_a_pattern_covers_the_codes_that_begin_with_it(cell: str, code: str, covered: bool) -> None:
    assert Patterns.of(cell).cover(code) is covered


@pytest.mark.parametrize(
    ("template", "codes", "made"),
    [
        ("{1:1-3}.42", ["E10.9", "G62.9"], "E10.42"),
        ("I69.35{2:5}", ["Z86.73", "G81.94"], "I69.354"),
        ("E10.{2:4-}", ["E10.9", "E11.319"], "E10.319"),
        ("I69.35{2:5}", ["Z86.73", "G81"], ""),
        ("I13.2", ["I10"], "I13.2"),
    ],
)
def test_a_template_takes_characters_of_the_parts(template: str, codes: list[str], made: str) -> None:
    assert filled(template, codes) == made


@pytest.mark.parametrize(
    ("note", "prefixes"),
    [
        ("mononeuropathies (G56-G58)", ["G56", "G57", "G58"]),
        ("diabetes (E11.-)", ["E11"]),
        ("two (I12.-, I13.-)", ["I12", "I13"]),
        ("neoplasm (C98-D01)", ["C98", "C99", "D00", "D01"]),
        ("any infection (A00-B99)", ["A", "B"]),
        ("none", []),
    ],
)
def test_the_codes_of_a_tabular_note(note: str, prefixes: list[str]) -> None:
    assert list(prefixes_in_note(note)) == prefixes


@pytest.mark.parametrize(
    ("code", "family"), [("M17.11", ("M17.12", "M17.0")), ("M25.561", ("M25.562", "")), ("I10", ("", ""))]
)
def test_the_other_side_and_both(code: str, family: tuple[str, str]) -> None:
    assert sided_family(RELEASE, code) == family


def test_both_sides_become_the_bilateral_code() -> None:
    draft = draft_of("M17.11", "M17.12")
    both_sides(draft)
    assert list(draft.entries) == ["M17.0"]
    assert [r.code for r in draft.removed] == ["M17.11", "M17.12"]


@pytest.mark.parametrize(
    ("codes", "left"),
    [
        (["E11.9", "E11.42"], ["E11.42"]),
        (["J18.9", "J18.1"], ["J18.1"]),
        (["G47.00", "G47.33"], ["G47.00", "G47.33"]),
        (["R06.00", "R06.2"], ["R06.00", "R06.2"]),
        (["J45.909", "J45.901"], ["J45.901"]),
        (["M25.562", "M25.569"], ["M25.562"]),
        (["I48.91", "I48.0"], ["I48.0"]),
        (["N18.9", "N18.31"], ["N18.31"]),
        (["N13.30", "N13.5"], ["N13.30", "N13.5"]),
    ],
)
def test_an_unspecified_code_goes_only_where_another_tells_all_of_it(codes: list[str], left: list[str]) -> None:
    draft = draft_of(*codes)
    unspecified_beside_specific(draft)
    assert list(draft.entries) == left


def rule(**cells: str) -> dict[str, str]:
    """A row of `combinations.tsv`."""
    plain = dict.fromkeys(("bond", "attribute", "unless", "drops"), "")
    return {"rule": "r", "guideline": "I.B.9", "why": "w", "example": "e", **plain, **cells}


@pytest.mark.parametrize(
    ("text", "bond", "made"),
    [
        ("Weakness. Stroke.", "", True),
        ("Weakness. Stroke.", "sentence", False),
        ("Weakness, stroke.", "sentence", True),
        ("Weakness\nstroke", "sentence", False),
        ("Weakness, stroke.", "linked", False),
        ("Weakness due to stroke.", "linked", True),
        ("Weakness. Due to stroke.", "linked", False),
    ],
)
def test_a_combination_asks_for_its_bond(text: str, bond: str, made: bool) -> None:
    stroke = "Stroke" if "Stroke" in text else "stroke"
    draft = draft_of("G81.94=Weakness", f"Z86.73={stroke}", text=text)
    Combinations([rule(components="Z86.73 + G81.94", bond=bond, result="I69.354", drops="1,2")]).apply(draft)
    assert ("I69.354" in draft.entries) is made


def test_a_combination_is_held_back_by_what_stands_beside_it() -> None:
    draft = draft_of("C79.31", "C34.90")
    Combinations([rule(components="C79", unless="C34", result="C80.1")]).apply(draft)
    assert list(draft.entries) == ["C79.31", "C34.90"]


def test_a_combination_may_ask_for_an_attribute() -> None:
    text = "Chronic back pain"
    mention = Mention(
        "m0", Span(8, 17), "back pain", "", Concept("c", "c"), Assertion(),
        attributes=(Attribute("acuity", "chronic", Span(0, 7)),),
    )  # fmt: skip
    draft = Draft(RELEASE, Places(NormalizedText.of(text), [mention]))
    draft.add("M54.50", ["m0"], 0.9, (2, 8))
    Combinations([rule(components="M54.5", attribute="acuity=chronic", result="G89.29")]).apply(draft)
    assert list(draft.entries) == ["M54.50", "G89.29"]


def test_a_result_that_the_release_lacks_is_not_made() -> None:
    draft = draft_of("I10", "I50.9")
    Combinations([rule(components="I10 + I50", result="I99.XXX", drops="1")]).apply(draft)
    assert list(draft.entries) == ["I10", "I50.9"]


@pytest.mark.parametrize("kind", ["E08", "E09", "E10", "E11", "E13"])
def test_every_kind_of_diabetes_has_its_complications(kind: str) -> None:
    assert applied(f"{kind}.9", "G62.9") == [f"{kind}.42"]


@pytest.mark.parametrize(
    ("codes", "coded"),
    [
        (["I10", "I50.9", "N18.30"], ["I13.0", "I50.9", "N18.30"]),
        (["I10", "N18.6", "Z99.2"], ["I12.0", "N18.6", "Z99.2"]),
        (["R05.9", "J18.9"], ["J18.9"]),
        (["M25.561", "M17.12"], ["M25.561", "M17.12"]),
        (["N18.4", "N17.9"], ["N17.9", "N18.4"]),
        (["Z68.41"], []),
        (["Z68.41", "E66.01"], ["E66.01", "Z68.41"]),
        (["J18.9", "A41.9"], ["A41.9", "J18.9"]),
        (["C79.31"], ["C79.31", "C80.1"]),
        (["Z85.3", "C50.911"], ["C50.911"]),
    ],
)
def test_the_conventions_together(codes: list[str], coded: list[str]) -> None:
    assert applied(*codes) == coded


@pytest.mark.parametrize(
    ("setting", "coded"),
    [(Setting.OUTPATIENT, ["L89.154"]), (Setting.INPATIENT, ["L89.152", "L89.154"])],
)
def test_an_inpatient_ulcer_keeps_the_stage_at_admission(setting: Setting, coded: list[str]) -> None:
    assert applied("L89.152", "L89.154", setting=setting) == coded


def test_what_leaves_a_draft_is_told() -> None:
    draft = draft_of("R05.9", "J18.9")
    Conventions(LEXICON).apply(draft)
    assert [(r.code, r.rule_id) for r in draft.removed] == [("R05.9", "cough-of-chest-infection")]


def test_excludes1_is_an_alert() -> None:
    draft = draft_of("E10.9", "O24.419")
    Conventions(LEXICON).apply(draft)
    assert "EXCLUDES1" in {alert.kind for alert in draft.alerts}


def test_an_open_side_is_an_alert() -> None:
    draft = draft_of("M25.569")
    Conventions(LEXICON).apply(draft)
    assert [alert.kind for alert in draft.alerts] == ["UNSPECIFIED_LATERALITY"]


DRUGS = DrugEffects(LEXICON.table("drugs"), LEXICON.table("drug_effects"))


def blamed(text: str, word: str, code: str) -> list[str]:
    """The codes of the drugs that a condition at `word` is due to."""
    start = text.index(word)
    candidate = CodeCandidate(code, "", True, 0.9, word, MatchKind.PHRASE)
    mention = Mention(
        "m1", Span(start, start + len(word)), word, "", Concept("c", "c"), Assertion(),
        codes=(candidate,), reportable=True,
    )  # fmt: skip
    return [effect.code for effect in DRUGS.find(NormalizedText.of(text), [mention])]


@pytest.mark.parametrize(
    ("text", "word", "code", "found"),
    [
        ("Urticaria due to penicillin.", "Urticaria", "L50.9", ["T36.0X5A"]),
        ("Urticaria due to her new penicillin.", "Urticaria", "L50.9", ["T36.0X5A"]),
        ("Penicillin-induced urticaria.", "urticaria", "L50.9", ["T36.0X5A"]),
        ("Steroid-induced diabetes.", "Steroid-induced diabetes", "E09.9", ["T38.0X5A"]),
        ("Seizure due to missed Keppra.", "Seizure", "R56.9", ["T42.6X6A"]),
        ("Urticaria due to latex, takes penicillin.", "Urticaria", "L50.9", []),
        ("Urticaria. Due to penicillin shortage, none given.", "Urticaria", "L50.9", []),
        ("Allergy status due to penicillin.", "Allergy status", "Z88.0", []),
        ("Urticaria, on penicillin.", "Urticaria", "L50.9", []),
        ("Endocarditis due to IV drug abuse.", "Endocarditis", "I38", []),
    ],
)
def test_a_drug_is_blamed_only_where_the_note_joins_it(text: str, word: str, code: str, found: list[str]) -> None:
    assert blamed(text, word, code) == found


@pytest.mark.parametrize(
    "row", [row for row in LEXICON.table("drugs") if row["code"] != "none"], ids=lambda row: row["code"]
)
@pytest.mark.parametrize("character", ["5", "6"])
def test_every_drug_has_a_code_of_each_effect(row: dict[str, str], character: str) -> None:
    bare = (row["code"].replace(".", "") + character).ljust(6, "X") + "A"
    assert RELEASE.is_billable(f"{bare[:3]}.{bare[3:]}")


@pytest.mark.parametrize(
    ("code", "patient", "kinds"),
    [
        ("O23.41", Patient(age_years=70), ["AGE_CONFLICT"]),
        ("O23.41", Patient(age_years=30), []),
        ("Z38.00", Patient(birth_date=date(1990, 1, 1)), ["AGE_CONFLICT"]),
        ("C61", Patient(sex=Sex.FEMALE), ["SEX_CONFLICT"]),
        ("C61", Patient(sex=Sex.MALE), []),
        ("C61", Patient(), []),
    ],
)
def test_a_code_of_another_age_or_sex_is_an_alert(code: str, patient: Patient, kinds: list[str]) -> None:
    draft = draft_of(code)
    person_conflicts(draft, patient, date(2026, 11, 16))
    assert [alert.kind for alert in draft.alerts] == kinds


@pytest.mark.parametrize(("born", "age"), [(date(2000, 11, 16), 26), (date(2000, 11, 17), 25), (date(2026, 11, 16), 0)])
def test_age_is_in_completed_years(born: date, age: int) -> None:
    assert age_on(Patient(birth_date=born), date(2026, 11, 16)) == age
