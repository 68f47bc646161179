"""The flat official tables and a site's own policies: read, replaced, refused."""

from __future__ import annotations

import os
import resource
import zipfile
from datetime import date
from pathlib import Path

import pytest
from golden.claims import claim, line

from detect_icd.lexicon import Lexicon
from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.importing.files import ImportRefusedError, iso_date
from detect_icd.necessity.importing.run import import_file
from detect_icd.necessity.model import ClaimType, Payer
from detect_icd.necessity.store import CoverageStore

DAY = date(2026, 11, 2)
PFS = """,,2026 National Physician Fee Schedule Relative Value File July Release,,,,,,,
,,NOTE,,,,,,,
,,,STATUS,PCTC,GLOB,BILAT,ASST,CO-,TEAM
HCPCS,MOD,DESCRIPTION,CODE,IND,DAYS,SURG,SURG,SURG,SURG
11111,,words,A,0,000,1,2,0,0
11111,26,words,A,0,000,1,2,0,0
"""
FULL_PFS = """,,2026 National Physician Fee Schedule Relative Value File July Release,,,,,,,,,,,
,,,,,,,,,,,PHYSICIAN,,DIAGNOSTIC
,,,,,,,,,,,SUPERVISION OF,,IMAGING
,,,STATUS,PCTC,GLOB,MULT,BILAT,ASST,CO-,TEAM,DIAGNOSTIC,CALCULATION,FAMILY
HCPCS,MOD,DESCRIPTION,CODE,IND,DAYS,PROC,SURG,SURG,SURG,SURG,PROCEDURES,FLAG,INDICATOR
11111,,words,A,1,000,2,1,2,0,0,09,0,99
11111,26,words,A,1,000,2,1,2,0,0,09,0,99
"""
MUE = """"A notice,
over lines",,,
"HCPCS/
CPT Code",Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale
11111,2,2 Date of Service Edit: Policy,Code Descriptor
"""
PTP = (
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n"
    "11111\t22222\t\t20200101\t*\t1\twhy\n11111\t33333\t\t20200101\t20211231\t0\twhy\n"
)
ASC = "Addendum AA -- Final (July 2026)\nHCPCS Code,Short Descriptor,Payment Indicator\n11111,,J8\n"
HCPCS = (
    "HCPC,SEQNUM,RECID,LONG DESCRIPTION,SHORT DESCRIPTION,COV,ADD DT,ACT EFF DT,TERM DT,ACTION CD\n"
    "A4575,0010,3,Topical chamber,Topical chamber,I,19920101,19920101,,N\n"
)
LAB = (
    "NCD,Title,HCPCS,ICD-10,List\n190.15,Blood counts,85025;85027,D50.9,Covered\n190.15,Blood counts,85025,I10,Does not support\n"
    "190.15,Blood counts,85025,Z00.00,Denied\n"
)
YAML = """
format: detect-icd-policies/1
release: 2026-10
payers: [{id: ACME, name: Acme Health, aliases: [Acme]}]
policies:
  - id: ACME-1
    kind: PAYER
    publisher: Acme Health
    payers: [ACME]
    effective_from: 2026-01-01
    rules:
      - {procedures: [64450, 0441T], says: SUPPORTS, diagnoses: [G57.-, M79.2]}
      - {procedures: [64640], says: INVESTIGATIONAL}
indications:
  - {procedure: "99999", diagnoses: [G57.-], note: our clinic does it}
"""


@pytest.fixture
def bring(tmp_path):
    """Write a file, import it, and get the store's checker."""
    lexicon = Lexicon.default()
    store = tmp_path / "store" / "necessity.sqlite3"

    def run(name, text, **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        run.done = import_file(path, store, lexicon, **options)
        return NecessityChecker(lexicon, None, CoverageStore(store))

    run.store = store
    return run


def test_fee_schedule(bring):
    facts = bring("PPRRVU2026_Jul.csv", FULL_PFS).facts.facts("11111", DAY)
    assert {name: facts[name].value for name in ("status", "pc_tc", "bilateral", "team", "supervision", "imaging_family")} == {
        "status": "A", "pc_tc": "1", "bilateral": "1", "team": "0", "supervision": "09", "imaging_family": "99",
    }  # fmt: skip


def test_a_fee_schedule_without_its_columns_is_refused(bring):
    with pytest.raises(ImportRefusedError, match="MULTPROC"):
        bring("PPRRVU.csv", PFS)
    assert not bring.store.exists() or CoverageStore(bring.store).releases() == []


def test_units_limits(bring):
    checker = bring("MCR_MUE_PractitionerServices_Eff_07-01-2026.csv", MUE)
    [limit] = {checker.facts.units("11111", kind, DAY) for kind in (ClaimType.PROFESSIONAL,)}
    assert (limit.units, limit.indicator) == (2, "2")
    assert checker.facts.units("11111", ClaimType.OUTPATIENT_HOSPITAL, DAY) is None
    [found] = checker.check(claim("G57.92", lines=[line("11111", units=3)])).lines
    assert [e.kind for e in found.line_edits] == ["UNITS_EXCEED_MUE"]


def test_code_pairs(bring):
    checker = bring("ccipra-v322r0-f1.txt", PTP)
    assert bring.done[0].release == "v32.2"
    found = checker.check(claim("G57.92", lines=[line("11111"), line("22222"), line("33333")])).lines
    assert [[e.bypass_modifiers[:1] for e in one.line_edits] for one in found] == [[], [("59",)], []]


def test_code_pairs_come_in_parts_and_a_new_release_replaces_all_of_them(bring):
    second = PTP.split("11111", maxsplit=1)[0] + "44444\t55555\t\t20200101\t*\t0\twhy\n"
    bring("ccipra-v322r0-f1.txt", PTP)
    facts = bring("ccipra-v322r0-f2.txt", second).facts
    assert len(facts.pairs("11111", DAY)) == len(facts.pairs("44444", DAY)) == 1
    facts = bring("ccipra-v323r0-f2.txt", second).facts
    assert (len(facts.pairs("11111", DAY)), len(facts.pairs("44444", DAY))) == (0, 1)


def test_surgery_centre_addendum(bring):
    assert bring("july_2026_asc_aa.csv", ASC).facts.facts("11111", DAY)["asc_indicator"].value == "J8"


def test_hcpcs(bring):
    facts = bring("HCPC2026_OCT_ANWEB.csv", HCPCS).facts.facts("A4575", DAY)
    assert (facts["coverage"].value, facts["added"].value) == ("I", "1992-01-01")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("D50.9", "DX_LISTED"),
        ("I10", "DX_EXPLICITLY_NON_COVERED"),
        ("Z00.00", "DX_EXPLICITLY_NON_COVERED"),
        ("E11.9", "DX_NOT_LISTED"),
    ],
)
def test_laboratory_lists_bind_everywhere(bring, code, reason):
    [found] = bring("ncd_lists_2026.csv", LAB).check(claim(code, lines=[line("85025")])).lines
    assert (found.findings[0].policy_id, found.findings[0].reason) == ("NCD 190.15", reason)


class TestOwnPolicies:
    @pytest.mark.parametrize(
        ("code", "procedure", "determination"),
        [("G57.92", "64450", "SUPPORTED"), ("I10", "0441T", "NOT_SUPPORTED"), ("G57.92", "64640", "NOT_COVERED")],
    )
    def test_bind_for_their_payer(self, bring, code, procedure, determination):
        checker = bring("own.yaml", YAML)
        [found] = checker.check(claim(code, payer=Payer(name="acme health"), lines=[line(procedure)])).lines
        assert (found.determination, found.findings[0].policy_id) == (determination, "ACME-1")

    def test_do_not_bind_for_medicare(self, bring):
        [found] = bring("own.yaml", YAML).check(claim("G57.92", lines=[line("64640")])).lines
        assert found.determination == "NO_POLICY"

    def test_local_indications(self, bring):
        [found] = bring("own.yaml", YAML).check(claim("G57.92", lines=[line("99999")])).lines
        assert found.indication.status == "SUPPORTED"

    def test_a_new_release_replaces_the_old(self, bring):
        bring("own.yaml", YAML)
        checker = bring("own.yaml", YAML.replace("INVESTIGATIONAL", "NON_COVERED").replace("[G57.-, M79.2]", "[I10]"))
        assert (
            checker.check(claim("I10", payer=Payer(name="Acme"), lines=[line("64450")])).lines[0].determination
            == "SUPPORTED"
        )

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ("format: other\nrelease: x", "format must be one of"),
            ("format: detect-icd-policies/1", "release is missing"),
            (YAML.replace("SUPPORTS", "LIKES"), r"policies\[0\]\.rules\[0\]\.says"),
            (YAML.replace("M79.2", "nerve"), r"diagnoses\[1\]"),
            (YAML.replace("2026-01-01", "soon"), "effective_from must be a date"),
            ("- [", "not YAML"),
        ],
    )
    def test_are_refused_with_the_place_of_the_fault(self, bring, wrong, said):
        with pytest.raises(ImportRefusedError, match=said):
            bring("own.yaml", wrong)


class TestRefusals:
    def test_ama_terms(self, bring):
        bearing = MUE.replace("A notice", "CPT copyright American Medical Association")
        with pytest.raises(ImportRefusedError, match="accept-cms-ama-terms"):
            bring("mue.csv", bearing)
        assert (
            bring("mue.csv", bearing, accept_ama_terms=True).facts.units("11111", ClaimType.PROFESSIONAL, DAY).units
            == 2
        )

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("x.csv", b""), ("x.csv", b"a,b\n1,2\n"), ("x.zip", b"PK\x03\x04 torn"), ("x.csv", os.urandom(500)),
            ("mue.csv", MUE.replace("11111,2", "11111,many").encode()),
            ("ccipra.txt", PTP.rsplit("\t20211231", 1)[0].encode()),
        ],
    )  # fmt: skip
    def test_damaged_and_unknown_files(self, bring, name, data):
        with pytest.raises(ImportRefusedError):
            bring(name, data)

    def test_a_refused_file_leaves_the_former_release(self, bring):
        bring("mue.csv", MUE)
        with pytest.raises(ImportRefusedError):
            bring("mue.csv", MUE + "22222,many,1 Line Edit,x\n")
        assert CoverageStore(bring.store).units("11111", ClaimType.PROFESSIONAL, DAY).units == 2

    def test_several_tables_in_one_zip(self, bring, tmp_path):
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("a/mue.csv", MUE)
            archive.writestr("ccipra-v322r0.txt", PTP)
        bring("copy.zip", (tmp_path / "all.zip").read_bytes())
        assert [done.kind for done in bring.done] == ["mue-professional", "ptp-practitioner"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-07-01 00:00:00.000", "2026-07-01"), ("20260701", "2026-07-01"), ("7/1/2026", "2026-07-01"), ("*", ""),
        ("9999-12-31", ""), ("", ""), ("soon", ""),
    ],
)  # fmt: skip
def test_dates_of_official_files(written, day):
    assert iso_date(written) == day


HEADS = (
    Path(os.environ.get("DETECT_ICD_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    / "data/necessity/formats"
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PPRRVU2026_Jul_nonQPP.head.csv", "pfs"), ("MCR_MUE_PractitionerServices_Eff_07-01-2026.head.csv", "mue-professional"),
        ("ccipra-v322r0-f1.head.txt", "ptp-practitioner-f1"), ("HCPC2026_OCT_ANWEB.head.csv", "hcpcs"),
    ],
)  # fmt: skip
@pytest.mark.skipif(not HEADS.is_dir(), reason=f"the heads of the official files are not at {HEADS}")
def test_heads_of_the_official_files(bring, name, kind):
    bring(name, (HEADS / name).read_bytes(), accept_ama_terms=True)
    [done] = bring.done
    assert (done.kind, done.release[:2]) == (kind, {"ptp-practitioner-f1": "v3"}.get(kind, "20"))


def test_memory_stays_bounded(bring):
    """50,000 rows cost no more than a few megabytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = "".join(f"{10000 + n // 10:05}\t{20000 + n % 5000:05}\t\t20200101\t*\t1\twhy\n" for n in range(50_000))
    bring("ccipra-v322r0.txt", PTP + rows)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def policies(*said):
    """Own policies that name one code in Ohio: (kind, what they say, diagnoses)."""
    lines = ["format: detect-icd-policies/1", "release: x", "policies:"]
    for number, (kind, says, codes) in enumerate(said):
        lines += [
            f"  - id: P{number}", f"    kind: {kind}", "    publisher: someone", "    states: [OH]",
            f"    rules: [{{procedures: [11111], says: {says}, diagnoses: [{codes}]}}]",
        ]  # fmt: skip
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("said", "determination", "decisive"),
    [
        ([("NCD", "SUPPORTS", "I10"), ("ARTICLE", "SUPPORTS", "I11.9")], "SUPPORTED", ["P0"]),
        ([("ARTICLE", "SUPPORTS", "I10"), ("NCD", "EXCLUDES", "I10")], "NOT_COVERED", ["P1"]),
        ([("ARTICLE", "SUPPORTS", "I10"), ("ARTICLE", "SUPPORTS", "I11.9")], "NOT_SUPPORTED", ["P1"]),
        ([("NOTICE", "NON_COVERED", ""), ("ARTICLE", "SUPPORTS", "I10")], "SUPPORTED", ["P1"]),
        ([("LCD", "NO_LIST", ""), ("ARTICLE", "SUPPORTS", "I10")], "SUPPORTED", ["P1"]),
        ([("ARTICLE", "NO_LIST", ""), ("ARTICLE", "SUPPORTS", "I10")], "MANUAL_REVIEW", ["P0"]),
        ([("ARTICLE", "UNRESOLVED", "")], "MANUAL_REVIEW", ["P0"]),
    ],
)
def test_national_over_local_over_notice_and_then_the_stricter(bring, said, determination, decisive):
    checker = bring("own.yaml", policies(*said))
    [found] = checker.check(claim("I10", state="OH", lines=[line("11111")])).lines
    assert (found.determination, [f.policy_id for f in found.findings if f.decisive]) == (determination, decisive)
    assert len(found.findings) == len(said)


def test_a_store_can_be_read_where_nothing_can_be_written(bring):
    bring("mue.csv", MUE)
    assert [path.name for path in bring.store.parent.iterdir()] == ["necessity.sqlite3"]


def test_a_file_that_is_no_store_is_left_alone(bring):
    bring.store.parent.mkdir()
    bring.store.write_bytes(b"something else, not a database at all" * 50)
    with pytest.raises(ImportRefusedError, match="cannot be written"):
        bring("mue.csv", MUE)
    assert bring.store.read_bytes().startswith(b"something else")
