"""The context stage made from the authored tables, once a test run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detect_icd.compile.schemas import TABLES
from detect_icd.compile.tables import read_table
from detect_icd.spans import Span
from detect_icd.stages.context import ContextRules, ContextStage, locate
from detect_icd.stages.sections import SectionTable, find_sections
from detect_icd.stages.sentences import split_sentences
from detect_icd.stages.verdict import Judgement
from detect_icd.text import NormalizedText

LEXICON = Path(__file__).parents[1] / "lexicon"
CUES = read_table(LEXICON / "cues.tsv", TABLES["cues"])
SECTIONS = read_table(LEXICON / "sections.tsv", TABLES["sections"])


@lru_cache(maxsize=1)
def table() -> SectionTable:
    return SectionTable(SECTIONS)


@lru_cache(maxsize=1)
def rules() -> ContextRules:
    return ContextRules(CUES, table())


@lru_cache(maxsize=1)
def stage() -> ContextStage:
    return ContextStage(rules())


def judge(text: str, spans: list[Span]) -> list[Judgement]:
    normalized = NormalizedText.of(text)
    sections = find_sections(normalized, table())
    sentences = split_sentences(normalized, sections)
    return stage().assess(normalized, sections, sentences, locate(normalized, sentences, spans))
