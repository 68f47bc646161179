"""The table and the page for people."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from stub_detector import VERSIONS, mentions

from detect_icd.formats.html import detection_page
from detect_icd.formats.table import detection_table
from detect_icd.formats.words import assertion_class, assertion_words
from detect_icd.model import Assertion, Certainty, Cue, CueCategory, Detection, Experiencer, Presence, Temporality
from detect_icd.spans import Span


def detection(text: str) -> Detection:
    return Detection("note <1>", mentions(text), (), (), (), VERSIONS)


def shown_text(page: str) -> str:
    inner = page.split('<div class="text">')[1].split("</div>", maxsplit=1)[0]
    return unescape(re.sub(r"<small>.*?</small>|<[^>]+>", "", inner))


@given(st.text(st.sampled_from("pain <>&\"'\n😀é"), max_size=40))
def test_the_page_shows_the_whole_text(text):
    assert shown_text(detection_page(text, detection(text))) == text


def test_the_page_escapes_what_it_is_given():
    page = detection_page("<script>pain</script>", detection("<script>pain</script>"))
    assert "<script>" not in page
    assert "note &lt;1&gt;" in page


def test_the_page_needs_nothing_else():
    page = detection_page("pain", detection("pain"))
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page)


def test_overlapping_marks_do_not_repeat_the_text():
    mention = replace(mentions("no pain")[0], span=Span(0, 7), cues=(Cue(Span(0, 2), "no", CueCategory.NEGATION),))
    page = detection_page("no pain", replace(detection(""), mentions=(mention,)))
    assert shown_text(page) == "no pain"


def test_the_table_shows_every_mention():
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(detection_table(detection("pain [bold]and pain")))
    assert [line.split()[:2] for line in capture.get().splitlines() if line.startswith("m")] == [
        ["m1", "pain"],
        ["m2", "pain"],
    ]


@pytest.mark.parametrize(
    ("assertion", "words", "kind"),
    [
        (Assertion(), "present", "present"),
        (Assertion(presence=Presence.ABSENT), "absent", "absent"),
        (Assertion(certainty=Certainty.UNCERTAIN), "uncertain", "uncertain"),
        (Assertion(temporality=Temporality.HISTORICAL), "historical", "historical"),
        (Assertion(experiencer=Experiencer.FAMILY, relative="mother"), "family (mother)", "family"),
        (Assertion(presence=Presence.ABSENT, temporality=Temporality.HISTORICAL), "absent, historical", "absent"),
    ],
)
def test_assertions_in_words(assertion, words, kind):
    assert (assertion_words(assertion), assertion_class(assertion)) == (words, kind)
