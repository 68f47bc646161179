"""Each format is read by its content; what is not whole is refused with what was expected."""

from __future__ import annotations

import json
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from detect_icd.codeset import CodeSet
from detect_icd.imports.facts import Facts, ImportRefusedError
from detect_icd.imports.index import Template, read_index
from detect_icd.imports.recognise import read_facts
from detect_icd.imports.release import add_release
from detect_icd.imports.xml import parse
from detect_icd.lexicon import Lexicon

sys.path.insert(0, str(Path(__file__).parent))
from conftest import shared

ADDENDA = """\
Add:         1 M67A01  Plantar fasc r                                               Title of the right one
Add:         0 M67A    Plantar fasc                                                 Title of the header
Delete:      1 M722    Plantar                                                      Plantar fascial fibromatosis
Add:         0 M722    Plantar                                                      Plantar fascial fibromatosis
Revise from: 1 Z2914   Rabies                                                       With a slip
Revise to:   1 Z2914   Rabies                                                       Without a slip

Headers
  23467 headers in icd10cm_order_2026.txt
  23524 headers in icd10cm_order_2027.txt
      2 additions
      0 deletions
      0 revisions
of which
      0 revisions to both long and short titles
      0 revisions to long title only
      0 revisions to short title only

Codes
  74719 codes in icd10cm_order_2026.txt
  74879 codes in icd10cm_order_2027.txt
      1 additions
      1 deletions
      1 revisions
of which
      1 revisions to both long and short titles
      0 revisions to long title only
      0 revisions to short title only
"""
OBO = """\
format-version: 1.2
data-version: releases/2026-09-30

[Term]
id: DOID:1
name: disease of the thing
is_a: DOID:2 ! disease

[Term]
id: DOID:3
name: tarsal tunnel disease
synonym: "posterior tibial neuralgia" EXACT []
synonym: "foot trouble" BROAD []
xref: ICD10CM:G57.5
is_a: DOID:2 ! disease

[Term]
id: DOID:4
name: two codes at once
xref: ICD10CM:G57.5
xref: ICD10CM:G57.6
is_a: DOID:2 ! disease

[Term]
id: DOID:2
name: disease

[Typedef]
id: has_part
"""
INDEX = """\
<?xml version="1.0" encoding="utf-8"?>
<ICD10CM.index>
  <version>2026</version>
  <title>ICD-10-CM INDEX TO DISEASES and INJURIES</title>
  <letter><title>A</title>
    <mainTerm><title>Abscess<nemod>(connective tissue) (deep)</nemod></title><code>L02.91</code>
      <term level="1"><title>liver<nemod>(cholangitic)</nemod></title><code>K75.0</code>
        <term level="2"><title>due to Entamoeba histolytica</title><code>A06.4</code></term>
      </term>
      <term level="1"><title>hepatic</title><see>Abscess, liver</see></term>
      <term level="1"><title>with</title>
        <term level="2"><title>fistula<nemod>(chronic)</nemod>tract</title><code>L02.92</code></term>
      </term>
      <term level="1"><title>in gonorrhea</title><code>A54.1</code><manif>N16</manif></term>
    </mainTerm>
    <mainTerm><title>Pain<nemod>(see also Painful)</nemod></title><code>R52</code>
      <term level="1"><title>abdominal</title><code>R10.9</code></term>
    </mainTerm>
  </letter>
</ICD10CM.index>
"""


def read(codeset: CodeSet, templates: tuple[Template, ...], data: bytes, name: str = "some file") -> Facts:
    return read_facts(name, data, codeset, templates)


def test_order_file(codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes) -> None:
    facts = read(codeset, templates, order_file)
    assert (facts.kind, facts.release) == ("order", "FY2027")
    assert facts.titles["M67.A01"] == "Title of M67.A01"
    assert len(facts.titles) == 98_403


@pytest.mark.parametrize("cut", [1, 2, 3, 80, 81, 5000, 1_000_000])
def test_a_truncated_order_file_is_refused(
    codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes, cut: int
) -> None:
    with pytest.raises(ImportRefusedError):
        read(codeset, templates, order_file[:-cut])


def test_a_truncated_order_file_is_refused_at_a_line_end_too(
    codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes
) -> None:
    last = order_file.rstrip(b"\r\n").rfind(b"\n") + 1
    with pytest.raises(ImportRefusedError, match="order file of no release known"):
        read(codeset, templates, order_file[:last])


def test_addenda(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    facts = read(codeset, templates, ADDENDA.encode())
    assert (facts.kind, facts.release) == ("addenda", "FY2027")
    assert facts.titles == {
        "M67.A01": "Title of the right one",
        "M67.A": "Title of the header",
        "M72.2": "Plantar fascial fibromatosis",
        "Z29.14": "Without a slip",
    }


@pytest.mark.parametrize("cut", range(10, len(ADDENDA), 7))
def test_truncated_addenda_are_refused(codeset: CodeSet, templates: tuple[Template, ...], cut: int) -> None:
    whole = ADDENDA.rstrip()
    with pytest.raises(ImportRefusedError):
        read(codeset, templates, whole[: min(cut, len(whole) - 1)].encode())


def test_obo(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    facts = read(codeset, templates, OBO.encode())
    assert (facts.kind, facts.release, facts.left_out) == ("obo", "releases/2026-09-30", 1)
    assert [(p.code, p.text) for p in facts.phrases] == [
        ("G57.5", "tarsal tunnel disease"),
        ("G57.5", "posterior tibial neuralgia"),
    ]


def test_a_truncated_obo_is_refused(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    with pytest.raises(ImportRefusedError, match="truncated"):
        read(codeset, templates, OBO[: OBO.index("[Term]\nid: DOID:2")].encode())


def test_alphabetic_index(codeset: CodeSet, templates: tuple[Template, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules["detect_icd.imports.index"]._ENTRIES_AT_LEAST, "index", 1)
    facts = read_index("index", parse("index", INDEX.encode()), codeset, templates)
    said = {(p.code, p.text): p.detect for p in facts.phrases}
    assert (facts.kind, facts.release) == ("index", "FY2026")
    # A main term alone is too plain a word to look for in notes.
    assert not said["L02.91", "Abscess"]
    assert said["L02.92", "Abscess with fistula tract"]
    assert said["R10.9", "abdominal Pain"]
    assert said["K75.0", "liver Abscess"]
    assert said["K75.0", "hepatic Abscess"]
    assert said["A06.4", "liver Abscess due to Entamoeba histolytica"]
    # A manifestation pair is two codes: searched, not looked for in notes.
    assert not said["A54.1", "Abscess in gonorrhea"]


def test_an_index_that_is_a_piece_is_refused(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    with pytest.raises(ImportRefusedError, match="not the whole file"):
        read(codeset, templates, INDEX.encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello world\n", "of no kind known"),
        (b"\xff\xfe\x00bad", "not UTF-8"),
        (b"<html><body/></html>", "another kind"),
        (b"<ICD10CM.index><version>2026</version><novelty/></ICD10CM.index>", "newer detect-icd"),
        (b"<ICD10CM.index><version>soon</version></ICD10CM.index>", "no version element"),
        (b"<ICD10CM.tabular><version>2026</version></ICD10CM.tabular>", "0 chapters"),
        (INDEX[:-20].encode(), "no complete XML"),
        (INDEX.encode("utf-16"), "no complete XML"),
        (INDEX.replace("Abscess", "Absc\u00e8s").encode("latin-1"), "no complete XML"),
        (b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><ICD10CM.index>&c;</ICD10CM.index>', "declares entities"),
        (
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ICD10CM.index>&a;</ICD10CM.index>',
            "declares entities",
        ),
        (b"<a>" * 100 + b"</a>" * 100, "deeper"),
        (b"phrase\tcode\nfoot drop\tM21.37\nbad\tZZZ\n", "line 3"),
        (b"phrase\tcode\nfoot drop\n", "line 2"),
        (b"phrase\tcode\nfoot drop\tM21.37", "within a line"),
        (b"phrase\tcode\n", "no row"),
    ],
)
def test_what_is_not_right_is_refused_with_its_reason(
    codeset: CodeSet, templates: tuple[Template, ...], data: bytes, words: str
) -> None:
    with pytest.raises(ImportRefusedError, match=words):
        read(codeset, templates, data)


@pytest.mark.parametrize(
    ("name", "kind", "release"),
    [
        ("icd10cm_order_addenda_2027.txt", "addenda", "FY2027"),
        ("addenda_fy2026.json", "addenda", "FY2026"),
        ("icd10cm_codes_fy2027.tsv", "order", "FY2027"),
        ("mce_edits_oihuegbu.json", "code edits", "2026-07-11"),
        ("icd10cm-neoplasm-April-1-2026.xml", "neoplasm", "FY2026"),
        ("icd10cm-drug-April-1-2026.xml", "drug", "FY2026"),
        ("icd10cm-eindex-April-1-2026.xml", "eindex", "FY2026"),
    ],
)
def test_official_lists_are_read_whole_or_not_at_all(
    codeset: CodeSet, templates: tuple[Template, ...], name: str, kind: str, release: str
) -> None:
    data = shared(name).read_bytes()
    facts = read(codeset, templates, data, "renamed")
    assert (facts.kind, facts.release, facts.left_out) == (kind, release, 0)
    whole = data.rstrip()
    for share in (0.001, 0.3, 0.7, 0.999):
        with pytest.raises(ImportRefusedError):
            read(codeset, templates, whole[: int(len(whole) * share)])


def test_the_tabular_list_is_read(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    package = find_spec("simple_icd_10_cm")
    if package is None or package.origin is None:
        pytest.skip("simple-icd-10-cm is a build requirement and not installed here")
    path = Path(package.origin).parent / "data" / "icd10c-tabular-April-1-2026.xml"
    facts = read(codeset, templates, path.read_bytes())
    assert (facts.kind, facts.release) == ("tabular", "FY2026")
    assert facts.titles["E11.42"] == "Type 2 diabetes mellitus with diabetic polyneuropathy"
    assert "type 1 diabetes mellitus (E10.-)" in facts.notes["E11"][2]
    assert facts.seventh["S52"]["A"] == "initial encounter for closed fracture"


def test_chronic_conditions_are_read(codeset: CodeSet, templates: tuple[Template, ...]) -> None:
    facts = read(codeset, templates, shared("icd10cm_chronic_oihuegbu.json").read_bytes())
    assert facts.kind == "chronic conditions"
    assert "I10" in facts.flags["chronic"]
    assert "J00" not in facts.flags["chronic"]


def next_year(order_file: bytes) -> bytes:
    """The order file of a year to come: I10 has become a header of two codes, one title is new."""
    lines = [line[6:] for line in order_file.decode().split("\r\n") if line]
    at = next(n for n, line in enumerate(lines) if line.startswith("I10 "))
    lines[at] = lines[at].replace("I10     1", "I10     0")
    lines[at + 1 : at + 1] = [
        f"{code:<7} 1 {title[:60]:<60} {title}"
        for code, title in (("I100", "Hypertension in the clinic"), ("I109", "Hypertension, unspecified"))
    ]
    return "".join(f"{number:05} {line}\r\n" for number, line in enumerate(lines, 1)).encode()


def test_next_years_order_file_is_a_new_release(
    codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes
) -> None:
    facts = read(codeset, templates, next_year(order_file), "icd10cm-order-2028.txt")
    assert facts.new_release is not None
    assert (facts.release, facts.new_release.effective_from.isoformat()) == ("FY2028", "2027-10-01")
    assert Facts.from_plain(json.loads(json.dumps(facts.to_plain()))) == facts
    member = json.loads(Lexicon.default().read("codes.json"))
    add_release(member, facts.new_release, facts.titles)
    after = CodeSet.from_member(member)
    before, release = after.on(date(2027, 9, 30)), after.on(date(2027, 10, 1))
    assert (before.name, release.name) == ("FY2027", "FY2028")
    assert before.is_billable("I10")
    assert release.children("I10") == ("I10.0", "I10.9")
    assert release.successors("I10") == ("I10.0", "I10.9")
    assert release.title("I10.0") == "Hypertension in the clinic"
    assert [before.is_billable(code) for code in codeset.codes()] == [
        codeset.on(date(2027, 9, 30)).is_billable(code) for code in codeset.codes()
    ]
    assert sum(map(release.is_billable, release.codes())) == 74_879 + 1


@pytest.mark.parametrize("name", ["icd10cm-order.txt", "icd10cm-order-2029.txt", "icd10cm_order_2026.txt"])
def test_an_unknown_order_file_that_is_not_next_years_is_refused(
    codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes, name: str
) -> None:
    with pytest.raises(ImportRefusedError, match="no release known"):
        read(codeset, templates, next_year(order_file), name)


@pytest.mark.parametrize("share", [0.5, 0.99, 0.9999])
def test_a_piece_of_next_years_order_file_is_refused(
    codeset: CodeSet, templates: tuple[Template, ...], order_file: bytes, share: float
) -> None:
    whole = next_year(order_file)
    cut = whole.rfind(b"\n", 0, int(len(whole) * share)) + 1
    with pytest.raises(ImportRefusedError):
        read(codeset, templates, whole[:cut], "icd10cm-order-2028.txt")
