"""The 17 sample articles, imported from an export, answer as they say. Skipped where the measuring data is absent."""

from __future__ import annotations

import json
import sqlite3

import pytest
from golden.claims import claim, line
from tools import mcd_export

from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.importing.files import ImportRefusedError
from detect_icd.necessity.importing.run import import_file
from detect_icd.necessity.store import CoverageStore

SHARED = mcd_export.shared()
pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the measuring data is not at {SHARED}: set DETECT_ICD_SHARED"
)


def articles():
    return mcd_export.samples(SHARED / "mcd_samples") if SHARED.is_dir() else []


def home(article):
    """A state in which the article binds: WPS names 48 and administers six."""
    return "MI" if "Wisconsin" in article["contractors"][0] else article["states"][0].replace("CNMI", "MP")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    out = tmp_path_factory.mktemp("mcd") / "export.zip"
    columns = json.loads((SHARED / "mcd_csv_columns.json").read_text(encoding="utf-8"))
    mcd_export.write(articles(), columns, out)
    return out


@pytest.fixture(scope="module")
def store(export, detector):
    path = export.parent / "necessity.sqlite3"
    [done] = import_file(export, path, detector.lexicon)
    assert done.counts["policies"] == len(articles()) == 17
    return path


@pytest.fixture(scope="module")
def check(store, detector):
    checker = NecessityChecker(detector.lexicon, detector, CoverageStore(store))
    return lambda *codes, **fields: checker.check(claim(*codes, **fields))


@pytest.fixture(scope="module")
def first(check):
    """The finding of one article for one line."""

    def ask(codes, procedure, state, policy, beside=()):
        lines = [line(procedure, pointers=tuple(range(1, len(codes) + 1))), *(line(p) for p in beside)]
        found = check(*codes, state=state, lines=lines).lines[0]
        return found.determination, next(f.reason for f in found.findings if f.policy_id == policy)

    return ask


# For each article: what a covered, a non-covered and another diagnosis answer.
ANSWERS = {
    "A52369": (None, "DX_EXPLICITLY_NON_COVERED", "POLICY_HAS_NO_DX_LIST"),
    "A53019": (None, None, "POLICY_HAS_NO_DX_LIST"),
    "A54061": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A56431": (None, None, "POLICY_HAS_NO_DX_LIST"),
    "A56731": (None, "DX_EXPLICITLY_NON_COVERED", "POLICY_HAS_NO_DX_LIST"),
    "A57528": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A57589": (None, "DX_EXPLICITLY_NON_COVERED", "POLICY_HAS_NO_DX_LIST"),
    "A57663": (None, "DX_EXPLICITLY_NON_COVERED", "POLICY_HAS_NO_DX_LIST"),
    "A57791": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A57826": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A58745": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A59466": ("DX_LISTED", None, "DX_NOT_LISTED"),
    "A56034": ("DX_LISTED", "DX_NOT_LISTED", "DX_NOT_LISTED"),
}
PLAIN = [article for article in articles() if article["displayId"] in ANSWERS]


@pytest.mark.parametrize("article", PLAIN, ids=lambda article: article["displayId"])
def test_every_listed_diagnosis_answers_as_its_article_says(article, first):
    covered, excluded, other = ANSWERS[article["displayId"]]
    procedure = article["codes"]["1"][0]

    def ask(code):
        return first([code], procedure, home(article), article["displayId"])[1]

    for group, expected in (("covered", covered), ("noncovered", excluded)):
        for code in {c for codes in article[group].values() for c in codes} - {"XX000"}:
            listed = "DX_ASTERISKED" if code in article["asterisked"] else expected
            assert ask(code) == (listed if group == "covered" else expected), code
    assert ask("A00.0") == other


@pytest.mark.parametrize(
    ("code", "determination", "reason"),
    [
        ("M25.561", "SUPPORTED", "DX_LISTED"),
        ("M17.11", "NOT_SUPPORTED", "DX_NOT_LISTED"),
        ("G57.91", "SUPPORTED_WITH_CONDITIONS", "DX_ASTERISKED"),
    ],
)
def test_64640_in_california(first, code, determination, reason):
    assert first([code], "64640", "CA", "A56034") == (determination, reason)


@pytest.mark.parametrize(
    ("beside", "reason"),
    [(("76942",), "DX_EXPLICITLY_NON_COVERED"), ((), "DX_ASTERISKED"), (("99213",), "DX_ASTERISKED")],
)
def test_64450_with_guidance_is_denied_as_the_paragraph_says(first, beside, reason):
    assert first(["G57.92"], "64450", "CA", "A56034", beside)[1] == reason


@pytest.mark.parametrize(
    ("procedure", "state", "policy"), [("64492", "NY", "A57826"), ("62320", "NY", "A58745"), ("0525T", "MI", "A56902")]
)
def test_non_covered_codes(first, procedure, state, policy):
    assert first(["M54.16"], procedure, state, policy) == ("NOT_COVERED", "PROCEDURE_NON_COVERED")


@pytest.mark.parametrize(
    ("procedure", "code", "reason"), [("82306", "N20.0", "DX_NOT_LISTED"), ("82652", "N20.0", "DX_LISTED")]
)
def test_two_groups_pair_by_their_paragraphs(first, procedure, code, reason):
    assert first([code], procedure, "NY", "A57736")[1] == reason


def test_wps_does_not_bind_in_texas_though_the_export_names_it(check):
    [found] = check("G62.9", state="OK", lines=[line("64450")]).lines
    assert found.determination == "NO_POLICY"


def test_siblings_are_offered_with_the_words_they_need(check):
    [found] = check("G57.90", state="CA", lines=[line("64640")]).lines
    assert {("G57.91", ("right",)), ("G57.92", ("left",))} <= {(a.code, a.missing) for a in found.alternatives}


def test_importing_again_changes_nothing(export, store, detector):
    before = store.read_bytes()
    [done] = import_file(export, store, detector.lexicon)
    assert not done.new
    assert store.read_bytes() == before


def test_windows_encoding(tmp_path, detector):
    columns = json.loads((SHARED / "mcd_csv_columns.json").read_text(encoding="utf-8"))
    mcd_export.write(articles(), columns, tmp_path / "export.zip", encoding="cp1252")
    [done] = import_file(tmp_path / "export.zip", tmp_path / "s.sqlite3", detector.lexicon)
    assert done.counts["policies"] == 17


def test_a_torn_export_is_refused_and_changes_nothing(export, store, tmp_path, detector):
    torn = tmp_path / "torn.zip"
    torn.write_bytes(export.read_bytes()[:-2000])
    before = sqlite3.connect(store).execute("SELECT count(*) FROM diagnosis").fetchone()
    with pytest.raises(ImportRefusedError):
        import_file(torn, store, detector.lexicon)
    assert sqlite3.connect(store).execute("SELECT count(*) FROM diagnosis").fetchone() == before
