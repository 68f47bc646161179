"""The schema of every authored table: the columns in order, which may be empty, which values are allowed."""

from __future__ import annotations

from types import MappingProxyType

from detect_icd.compile.necessity_schemas import NECESSITY_TABLES
from detect_icd.compile.tables import Schema
from detect_icd.model import Certainty, CueCategory, Experiencer, Presence, Setting, Temporality

_CASE = frozenset({"any", "exact"})

CONCEPTS = Schema(("concept", "code", "phrases", "history", "why"), frozenset({"history"}))
"""Every file of `concepts/`, one a chapter."""

TABLES = MappingProxyType(
    {
        "abbreviations": Schema(
            ("short", "case", "expansion", "needs", "unless", "why", "example"),
            frozenset({"needs", "unless"}),
            {"case": _CASE},
        ),
        "alternatives": Schema(("concept", "code", "why", "example")),
        "attributes": Schema(
            ("words", "kind", "value", "case", "inside", "why", "example"),
            frozenset({"value", "inside"}),
            {"case": _CASE, "inside": frozenset({"yes"})},
        ),
        "codeset/index_templates": Schema(
            ("table", "column", "template", "detect", "why"), values={"detect": frozenset({"yes", "no"})}
        ),
        "combinations": Schema(
            ("rule", "components", "bond", "attribute", "unless", "result", "drops", "guideline", "why", "example"),
            frozenset({"bond", "attribute", "unless", "drops"}),
            {"bond": frozenset({"sentence", "linked"})},
        ),
        "confirmed_only": Schema(("rule", "codes", "result", "guideline", "why", "example"), frozenset({"result"})),
        "cues": Schema(
            ("cue", "category", "direction", "scope", "relative", "why", "example"),
            frozenset({"direction", "scope", "relative"}),
            {
                "category": frozenset(
                    {*CueCategory, "CURRENT", "NUMBER", "OPEN", "PATIENT", "PSEUDO", "SOUGHT", "TERMINATOR"}
                ),
                "direction": frozenset({"forward", "backward", "both"}),
            },
        ),
        "drug_effects": Schema(
            ("rule", "pattern", "effect", "unless", "guideline", "why", "example"), frozenset({"unless"})
        ),
        "drugs": Schema(("names", "code", "why")),
        "durations": Schema(
            ("word", "kind", "value", "why"), frozenset({"value"}), {"kind": frozenset({"NUMBER", "UNIT", "AGO"})}
        ),
        "elapsed": Schema(("rule", "codes", "days", "result", "guideline", "why", "example")),
        "family": Schema(("prefix", "family", "why")),
        "findings": Schema(("concept", "code", "phrases", "why", "example"), frozenset({"code"})),
        "history": Schema(("prefix", "history", "why")),
        "integral_symptoms": Schema(("rule", "codes", "by", "guideline", "why", "example")),
        "links": Schema(("phrase", "why", "example")),
        "meanings": Schema(("finding", "concept", "needs", "unless", "why", "example"), frozenset({"unless"})),
        "measures": Schema(
            ("measure", "concept", "before", "after", "low", "high", "code", "why", "example"),
            frozenset({"before", "after"}),
        ),
        "pregnancy": Schema(
            ("rule", "codes", "result", "keeps", "guideline", "why", "example"),
            frozenset({"result", "keeps"}),
            {"keeps": frozenset({"yes", "no"})},
        ),
        "refinements": Schema(("code", "kind", "value", "result", "why", "example")),
        "repeated": Schema(("rule", "codes", "days", "result", "guideline", "why", "example")),
        "reporting_order": Schema(
            ("section", "order", "score", "stay", "why", "example"), frozenset({"stay"}), {"stay": frozenset({"yes"})}
        ),
        "sections": Schema(
            ("header", "section", "presence", "certainty", "temporality", "experiencer", "why", "example"),
            frozenset({"presence", "certainty", "temporality", "experiencer"}),
            {
                "presence": frozenset(Presence),
                "certainty": frozenset(Certainty),
                "temporality": frozenset(Temporality),
                "experiencer": frozenset(Experiencer),
            },
        ),
        "sequencing": Schema(
            ("rule", "codes", "kind", "companions", "guideline", "why", "example"),
            frozenset({"companions"}),
            {"kind": frozenset({"FIRST", "NEVER_FIRST", "LAST", "BEFORE", "NEEDS"})},
        ),
        "superseded": Schema(
            ("rule", "codes", "by", "same", "setting", "guideline", "why", "example"),
            frozenset({"same", "setting"}),
            {"setting": frozenset(Setting)},
        ),
        "suppressions": Schema(("phrase", "why", "example")),
        "trimesters": Schema(("codes", "phrases", "trimester", "why", "example")),
        "unlinks": Schema(("phrase", "why", "example")),
        "visit_reasons": Schema(("rule", "phrases", "codes", "guideline", "why", "example")),
        "title_exclusions": Schema(("phrase", "why")),
        "title_rewrites": Schema(("find", "replace", "why", "example")),
        "words": Schema(("word", "canonical", "why")),
        **NECESSITY_TABLES,
    }
)
"""Table name -> schema; the file is `lexicon/<name>.tsv`."""
