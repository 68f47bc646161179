"""The worked examples of medical necessity: claims and notes with the verdicts a coverage expert gives them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from golden.claims import claim, line

from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.model import ClaimType, Payer

DEMO = Path(__file__).resolve().parents[2] / "examples" / "pain_clinic.txt"


@pytest.fixture(scope="module")
def checker(detector):
    return NecessityChecker(detector.lexicon, detector)


@pytest.fixture(scope="module")
def check(checker):
    return lambda *codes, **fields: checker.check(claim(*codes, **fields))


def reasons(verdict):
    return [finding.reason for finding in verdict.findings]


class TestNerveFreezing:
    def test_in_ohio_the_contractor_reviews_each_case(self, check):
        [found] = check("G57.91", state="OH", lines=[line("0441T", "RT")]).lines
        assert found.determination == "MANUAL_REVIEW"
        assert [f.policy_id for f in found.findings] == ["CGS-CRYO-2022"]
        assert found.indication.status == "SUPPORTED"

    def test_in_texas_nothing_governs_it_and_that_is_no_denial(self, check):
        [found] = check("G57.91", state="TX", lines=[line("0441T", "RT")]).lines
        assert (found.determination, reasons(found)) == ("NO_POLICY", ["NO_POLICY_LOADED"])
        assert found.indication.status == "SUPPORTED"
        assert found.coverage_information.covered == "indeterminate"

    @pytest.mark.parametrize("state", ["CA", "Oregon"])
    def test_noridians_instructions_are_read_by_hand(self, check, state):
        [found] = check("G57.91", state=state, lines=[line("0441T", "RT")]).lines
        assert found.determination == "MANUAL_REVIEW"
        assert {f.policy_id for f in found.findings} == {"A59752", "A59753"}

    def test_before_the_instructions_nothing_is_in_effect(self, check):
        day = date(2023, 6, 1)
        [found] = check("G57.91", state="CA", lines=[line("0441T", "RT")], date_of_service=day).lines
        assert (found.determination, set(reasons(found))) == ("NO_POLICY", {"POLICY_OUT_OF_EFFECT"})

    def test_on_neither_list_of_wps_is_no_denial(self, check):
        [found] = check("G57.91", state="MI", lines=[line("0441T", "RT")]).lines
        assert (found.determination, found.findings[0].policy_id) == ("NO_POLICY", "A56902")

    def test_wps_named_binds_outside_its_states(self, check):
        [found] = check("G57.91", state="TX", contractor="WPS", lines=[line("0441T", "RT")]).lines
        assert found.findings[0].policy_id == "A56902"

    @pytest.mark.parametrize("code", ["M17.11", "G57.91"])
    def test_elevance_calls_it_investigational(self, check, code):
        [found] = check(code, payer=Payer(name="Elevance"), lines=[line("0441T", "RT")]).lines
        assert (found.determination, reasons(found)) == ("NOT_COVERED", ["PROCEDURE_INVESTIGATIONAL"])
        assert [a.number for a in found.findings[0].adjustments if a.kind == "CARC"] == ["55"]
        assert not [n for n in found.notices if n.kind == "ABN_ADVISED"]

    @pytest.mark.parametrize(("code", "determination"), [("M17.11", "NOT_COVERED"), ("G90.522", "MANUAL_REVIEW")])
    def test_alabamas_policy_lists_conditions(self, check, code, determination):
        [found] = check(code, payer=Payer(name="BCBS of Alabama"), lines=[line("0441T")]).lines
        assert found.determination == determination

    def test_another_commercial_payer_has_no_policy_here(self, check):
        [found] = check("G57.91", state="OH", payer=Payer(name="Some Plan"), lines=[line("0441T", "RT")]).lines
        assert found.determination == "NO_POLICY"

    def test_medicare_is_assumed_and_said(self, check):
        assumed = check("G57.91", state="OH", lines=[line("0441T", "RT")]).assumptions
        assert any("Medicare Part B" in words for words in assumed)

    def test_after_the_last_list_seen_its_validity_is_not_verified(self, check):
        day = date(2027, 1, 1)
        [found] = check("G57.91", state="OH", lines=[line("0441T", "RT")], date_of_service=day).lines
        assert "CODE_VALIDITY_NOT_VERIFIED" in [notice.kind for notice in found.notices]


class TestLineEdits:
    def test_a_clean_line_has_none(self, check):
        [found] = check("G57.92", state="TX", lines=[line("0441T", "LT")]).lines
        assert found.line_edits == ()

    def test_four_units(self, check):
        [found] = check("G57.92", lines=[line("0441T", "LT", units=4)]).lines
        [edit] = found.line_edits
        assert (edit.kind, edit.severity, edit.allowed_units, edit.billed_units) == ("UNITS_EXCEED_MUE", "DENY", 3, 4)

    def test_units_are_summed_over_the_day(self, check):
        verdict = check("G57.92", lines=[line("0441T", "LT", units=2), line("0441T", "LT", "76", units=2)])
        assert [edit.kind for found in verdict.lines for edit in found.line_edits] == ["UNITS_EXCEED_MUE"] * 2

    def test_units_of_another_day_do_not_count(self, check):
        other = line("0441T", "LT", units=2, day=date(2026, 11, 3))
        verdict = check("G57.92", lines=[line("0441T", "LT", units=2), other])
        assert [found.line_edits for found in verdict.lines] == [(), ()]

    @pytest.mark.parametrize("modifier", ["26", "TC", "62", "66", "50"])
    def test_modifiers_that_the_indicators_rule_out(self, check, modifier):
        [found] = check("G57.93", lines=[line("0441T", modifier)]).lines
        assert [(e.kind, e.severity) for e in found.line_edits] == [("MODIFIER_NOT_ALLOWED", "DENY")]

    def test_an_assistant_needs_documentation(self, check):
        [found] = check("G57.92", lines=[line("0441T", "80")]).lines
        assert [(e.kind, e.severity) for e in found.line_edits] == [("DOCUMENTATION_REQUIRED", "WARN")]

    @pytest.mark.parametrize("modifier", ["RT", "51", "59", "76", "AQ", "GC", "X4"])
    def test_modifiers_that_go_with_it(self, check, modifier):
        [found] = check("G57.91", lines=[line("0441T", modifier)]).lines
        assert found.line_edits == ()

    def test_the_other_side(self, check):
        [found] = check("G57.92", lines=[line("0441T", "RT")]).lines
        assert [(e.kind, e.diagnosis) for e in found.line_edits] == [("LATERALITY_MISMATCH", "G57.92")]

    def test_one_diagnosis_of_the_right_side_is_enough(self, check):
        [found] = check("G57.92", "G57.91", lines=[line("0441T", "RT", pointers=(1, 2))]).lines
        assert found.line_edits == ()

    def test_the_block_is_part_of_it_without_a_way_out(self, check):
        first, second = check("G57.92", lines=[line("0441T", "LT"), line("64450", "59", "RT")]).lines
        pair = [e for e in second.line_edits if e.kind == "PTP_CONFLICT"]
        assert [(e.severity, e.other_line, e.bypass_modifiers) for e in pair] == [("DENY", 1, ())]
        assert first.line_edits == ()

    def test_a_visit_is_part_of_it_unless_25_says_otherwise(self, check):
        _, bare, marked = check("G57.92", lines=[line("0441T", "LT"), line("99213"), line("99213", "25")]).lines
        assert [(e.severity, e.bypass_modifiers[0]) for e in bare.line_edits] == [("DENY", "25")]
        assert [e.severity for e in marked.line_edits] == ["INFO"]

    def test_lines_billed_already_count(self, check):
        verdict = check("G57.92", lines=[line("64450")], other_lines=(line("0441T", "LT"),))
        assert len(verdict.lines) == 1
        assert [e.kind for e in verdict.lines[0].line_edits] == ["PTP_CONFLICT"]

    def test_edits_do_not_touch_the_determination(self, check):
        [found] = check("G57.92", state="OH", lines=[line("0441T", "RT", "26", units=9)]).lines
        assert found.determination == "MANUAL_REVIEW"


class TestRequests:
    def test_a_professional_line_needs_pointers(self, check):
        [found] = check("G57.92", state="OH", lines=[line("0441T", pointers=())]).lines
        assert (found.determination, found.findings[0].reason) == ("INVALID_REQUEST", "POINTERS_INVALID")

    def test_a_hospital_line_has_none(self, check):
        [found] = check(
            "G57.92", state="OH", claim_type=ClaimType.OUTPATIENT_HOSPITAL, lines=[line("0441T", pointers=())]
        ).lines
        assert found.determination == "MANUAL_REVIEW"

    def test_a_pointer_into_nothing(self, check):
        [found] = check("G57.92", lines=[line("0441T", pointers=(2,))]).lines
        assert found.determination == "INVALID_REQUEST"

    @pytest.mark.parametrize("code", ["G57.9", "M51.36", "A99.99"])
    def test_a_diagnosis_that_is_not_billable_on_the_day(self, check, code):
        [found] = check(code, lines=[line("0441T")]).lines
        assert (found.determination, found.findings[0].reason) == ("INVALID_REQUEST", "DX_INVALID_FOR_DOS")


class TestShortLists:
    @pytest.mark.parametrize(
        ("codes", "procedure", "pointers", "reason", "determination"),
        [
            (["F33.2"], "90867", (1,), "DX_LISTED", "SUPPORTED"),
            (["F33.1"], "90868", (1,), "DX_NOT_LISTED", "NOT_SUPPORTED"),
            (["G47.33", "Z68.30"], "64582", (1, 2), "DX_LISTED", "SUPPORTED"),
            (["G47.33", "Z68.30"], "64582", (2, 1), "DX_WRONG_POSITION", "NOT_SUPPORTED"),
            (["G47.33"], "64583", (1,), "SECONDARY_DX_REQUIRED", "NOT_SUPPORTED"),
            (["Z68.30"], "64583", (1,), "PRIMARY_DX_REQUIRED", "NOT_SUPPORTED"),
            (["G47.33", "Z68.41"], "64582", (1, 2), "SECONDARY_DX_REQUIRED", "NOT_SUPPORTED"),
            (["I10"], "64584", (1,), "NO_DX_LIMIT", "SUPPORTED_WITH_CONDITIONS"),
            (["M17.11"], "29877", (1,), "DX_EXPLICITLY_NON_COVERED", "NOT_COVERED"),
            (["M17.11", "I10"], "29877", (1, 2), "DX_EXPLICITLY_NON_COVERED", "NOT_COVERED"),
            (["M17.11", "S83.241A"], "29877", (1, 2), "CASE_BY_CASE", "MANUAL_REVIEW"),
            (["S83.241A"], "G0289", (1,), "POLICY_HAS_NO_DX_LIST", "MANUAL_REVIEW"),
        ],
    )
    def test_of_new_york(self, check, codes, procedure, pointers, reason, determination):
        [found] = check(*codes, state="NY", lines=[line(procedure, pointers=pointers)]).lines
        assert (found.findings[0].reason, found.determination) == (reason, determination)

    @pytest.mark.parametrize(
        ("codes", "pointers", "reason"),
        [
            (["B35.1", "M79.674"], (1, 2), "DX_LISTED"),
            (["M79.674", "B35.1"], (1,), "DX_LISTED"),
            (["B35.1"], (1,), "SECONDARY_DX_REQUIRED"),
            (["M79.674"], (1,), "PRIMARY_DX_REQUIRED"),
            (["I10"], (1,), "DX_NOT_LISTED"),
        ],
    )
    def test_of_nails_in_texas(self, check, codes, pointers, reason):
        [found] = check(*codes, state="TX", lines=[line("11721", pointers=pointers)]).lines
        assert found.findings[0].reason == reason

    def test_advice_of_a_notice_only_for_necessity_in_medicare(self, check):
        [found] = check("F33.1", state="NY", lines=[line("90867")]).lines
        [advice] = [n.message for n in found.notices if n.kind == "ABN_ADVISED"]
        assert "GZ" in advice

    def test_with_a_notice_on_file_ga(self, check):
        [found] = check("F33.1", state="NY", abn_on_file=True, lines=[line("90867")]).lines
        assert [n.message.endswith("GA") for n in found.notices if n.kind == "ABN_ADVISED"] == [True]


class TestNotes:
    def test_the_demo_note_ends_in_a_verdict(self, check):
        verdict = check("G57.92", state="OH", note=DEMO.read_text(), lines=[line("0441T", "LT")])
        [found] = verdict.lines
        assert (found.determination, found.indication.status, found.line_edits) == ("MANUAL_REVIEW", "SUPPORTED", ())
        [support] = found.indication.supported_by
        assert "Mononeuropathy of the left lower limb" in [quote.text for quote in support.quotes]
        met = {r.id: r.status for r in found.requirements}
        assert met["CONSERVATIVE_TREATMENT_FAILED"] == met["DURATION"] == met["LATERALITY"] == "MET"
        assert met["IMAGING_GUIDANCE"] == met["DIAGNOSTIC_BLOCK"] == "NOT_FOUND"

    @pytest.mark.parametrize(
        "note",
        [
            "Patient denies neuropathic pain of the left lower limb.",
            "Mother has neuropathic pain of the left lower limb.",
            "Possible neuropathic pain of the left lower limb.",
        ],
    )
    def test_a_note_that_does_not_assert_it_supports_nothing_and_says_so(self, check, note):
        [found] = check(state="TX", note=note, lines=[line("0441T", "LT", pointers=())]).lines
        assert found.indication.status == "NOT_SUPPORTED"
        assert found.indication.not_supporting[0].quotes

    def test_a_contradicted_diagnosis_cannot_support(self, check):
        note = "Patient denies neuropathic pain of the left lower limb."
        verdict = check("M79.2", state="TX", note=note, lines=[line("0441T", "LT")])
        assert [(d.note_support, d.reason) for d in verdict.diagnoses] == [("CONTRADICTED", "NEGATED")]
        assert verdict.lines[0].indication.status == "NOT_SUPPORTED"

    def test_the_other_side_in_the_note_contradicts(self, check):
        note = "Mononeuropathy of the left lower limb."
        verdict = check("G57.91", note=note, lines=[line("0441T", "RT")])
        assert [(d.note_support, d.reason) for d in verdict.diagnoses] == [("CONTRADICTED", "OTHER_SIDE")]
        assert [a.code for a in verdict.lines[0].alternatives] == ["G57.92"]

    def test_a_diagnosis_not_mentioned_stays_and_is_marked(self, check):
        verdict = check("G57.92", note="Acute sinusitis.", lines=[line("0441T", "LT")])
        assert verdict.diagnoses[0].note_support == "NOT_MENTIONED"
        assert "DX_NOT_IN_NOTE" in [n.kind for n in verdict.lines[0].notices]

    def test_one_found_only_in_the_note_is_offered_never_added(self, check):
        verdict = check("I10", note="Mononeuropathy of the left lower limb. Hypertension.", lines=[line("0441T", "LT")])
        assert [d.code for d in verdict.diagnoses] == ["I10"]
        assert "G57.92" in [a.code for a in verdict.lines[0].alternatives]

    @pytest.mark.parametrize(
        ("note", "status"),
        [
            ("Neuropathic pain of the left lower limb.", "SUPPORTED"),
            ("Neuropathic pain of the right arm.", "NEEDS_DOCUMENTATION"),
        ],
    )
    def test_nerve_pain_needs_words_that_place_it(self, check, note, status):
        [found] = check("M79.2", note=note, lines=[line("0441T")]).lines
        assert found.indication.status == status

    def test_a_side_that_the_note_does_not_state_is_said(self, check):
        verdict = check("G57.92", note="Mononeuropathy of lower limb.", lines=[line("0441T", "LT")])
        assert [(d.note_support, d.reason) for d in verdict.diagnoses] == [("NOT_MENTIONED", "SIDE_NOT_STATED")]

    def test_a_note_alone_is_asked_for_the_procedures_it_names_and_indicates(self, check):
        note = "Obstructive sleep apnea. Polysomnography ordered, 0441T discussed, CPT 64450 done. Zip 62323."
        verdict = check(state="OH", note=note, lines=[])
        assert [found.procedure for found in verdict.lines][:3] == ["95810", "0441T", "64450"]
        assert "62323" not in [found.procedure for found in verdict.lines]
