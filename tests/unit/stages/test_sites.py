"""Findings completed by the site named after them."""

from __future__ import annotations

import pytest

from detect_icd import Detector


@pytest.mark.parametrize(
    ("text", "mention", "code"),
    [
        ("There is a mass in the left kidney.", "mass in the left kidney", "N28.89"),
        ("A mass of 5 x 3 cm was seen in the left kidney.", "mass", "N28.89"),
        ("Adenopathies in the mediastinum.", "Adenopathies in the mediastinum", "R59.0"),
        ("Lesions in the liver and brain.", "brain", "G93.9"),
        ("Disorder of the vagus nerve.", "Disorder of the vagus nerve", "G52.2"),
        ("Rupture of an aneurysm of the aorta.", "aneurysm of the aorta", "I71.9"),
        ("Space-occupying pain within the thoracic spine.", "pain within the thoracic spine", "M54.6"),
    ],
)
def test_the_site_behind_a_finding_completes_it(text: str, mention: str, code: str) -> None:
    coded = {m.text: m.codes[0].code for m in Detector.default().detect(text).mentions if m.codes}
    assert coded.get(mention) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A mass was seen. In the left kidney there was a stone.", "N28.89"),
        ("A mass, not in the left kidney.", "N28.89"),
        ("A mass with a hematoma in the left kidney.", "N28.89"),
    ],
)
def test_a_stop_a_denial_or_another_finding_keeps_the_site_away(text: str, code: str) -> None:
    mentions = Detector.default().detect(text).mentions
    assert code not in {candidate.code for m in mentions for candidate in m.codes}


def test_a_word_that_needs_its_site_is_no_finding_without_it() -> None:
    assert not Detector.default().detect("The disorder was explained.").mentions


def test_what_denies_a_finding_between_it_and_its_site_still_denies_it() -> None:
    (mention,) = Detector.default().detect("Lesions were ruled out in the liver.").mentions
    assert (mention.text, mention.codes[0].code, mention.assertion.presence.name) == ("Lesions", "K76.9", "ABSENT")


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("Metastatic breast cancer to the bone.", {"bone": "C79.51"}),
        ("Metastatic colon cancer to liver, spleen and left adrenal.", {"liver": "C78.7", "adrenal": "C79.72"}),
        ("Metastatic breast cancer (bone, liver).", {"bone": "C79.51", "liver": "C78.7"}),
        ("Metastatic breast cancer (bone scan negative).", {}),
        ("Metastatic breast cancer. Referred to the bone clinic.", {}),
    ],
)
def test_where_a_cancer_has_spread_to_is_a_finding_of_its_own(text: str, sites: dict[str, str]) -> None:
    coded = {m.text: m.codes[0].code for m in Detector.default().detect(text).mentions if m.codes}
    assert {site: coded.get(site) for site in sites} == sites
    assert sites or not any(code.startswith(("C77", "C78", "C79")) for code in coded.values())
