from __future__ import annotations

import pytest

from detect_icd.codes.references import references


@pytest.mark.parametrize(
    ("note", "code", "covered"),
    [
        ("type 1 diabetes mellitus (E10.-)", "E10.9", True),
        ("type 1 diabetes mellitus (E10.-)", "E11.9", False),
        ("mononeuropathies (G56-G58)", "G58.9", True),
        ("mononeuropathies (G56-G58)", "G59", False),
        ("mononeuropathies (G56-G58)", "G56.0", True),
        ("neonatal diabetes mellitus (P70.2)", "P70.2", True),
        ("neonatal diabetes mellitus (P70.2)", "P70.20", True),
        ("neonatal diabetes mellitus (P70.2)", "P70.3", False),
        ("gestational diabetes (O24.4-)", "O24.410", True),
        ("complications of pregnancy (O00-O9A)", "O9A.11", True),
        ("poisoning (T36-T50 with fifth or sixth character 1-4)", "T36.0X1A", True),
        ("adverse effect (T36-T50 with fifth or sixth character 5)", "T36.0X1A", False),
        ("adverse effect (T36-T50 with fifth or sixth character 5)", "T36.0X5A", True),
        ("disorders of specific genes (QA0.-)", "QA0.0101", True),
        ("colitis (K50.-, K51.-)", "K51.00", True),
        ("BMI NOS NEC", "B99.9", False),
    ],
)
def test_a_note_covers_the_codes_it_names(note: str, code: str, covered: bool) -> None:
    assert any(reference.covers(code) for reference in references(note)) is covered
