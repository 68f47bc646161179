"""The schemas of `procedures/` and `policies/`: facts of procedures, indications, payers' policies and their codes."""

from __future__ import annotations

from types import MappingProxyType

from detect_icd.compile.tables import Schema

_DETERMINATIONS = frozenset(
    {
        "SUPPORTED",
        "SUPPORTED_WITH_CONDITIONS",
        "NOT_SUPPORTED",
        "NOT_COVERED",
        "MANUAL_REVIEW",
        "NO_POLICY",
        "INVALID_REQUEST",
    }
)
_STATEMENTS = frozenset(
    {
        "SUPPORTS", "EXCLUDES", "NON_COVERED", "INVESTIGATIONAL", "NO_LIMIT", "NO_LIST", "CASE_BY_CASE", "UNRESOLVED",
        "NOT_NAMED", "ADVICE",
    }
)  # fmt: skip
_CLAIM_TYPES = frozenset({"PROFESSIONAL", "ASC", "OUTPATIENT_HOSPITAL"})

NECESSITY_TABLES = MappingProxyType(
    {
        "policies/adjustments": Schema(
            ("kind", "number", "meaning", "why"), values={"kind": frozenset({"CARC", "RARC"})}
        ),
        "policies/contractors": Schema(("contractor", "name", "aliases", "states", "why")),
        "policies/payers": Schema(
            ("payer", "name", "aliases", "line_of_business", "why"),
            values={"line_of_business": frozenset({"MEDICARE_FFS", "MEDICARE_ADVANTAGE", "MEDICAID", "COMMERCIAL"})},
        ),
        "policies/policies": Schema(
            (
                "policy",
                "version",
                "kind",
                "publisher",
                "contractor",
                "payers",
                "states",
                "title",
                "link",
                "effective_from",
                "effective_until",
                "provenance",
                "why",
            ),
            frozenset({"version", "contractor", "payers", "states", "link", "effective_from", "effective_until"}),
            {
                "kind": frozenset({"NCD", "LCD", "ARTICLE", "NOTICE", "PAYER"}),
                "provenance": frozenset({"CURATED", "UNRESOLVED"}),
            },
        ),
        "policies/reasons": Schema(
            (
                "reason",
                "meaning",
                "outcome",
                "carc",
                "rarc",
                "rarc_national",
                "covered",
                "info_needed",
                "detail",
                "why",
            ),
            frozenset({"outcome", "carc", "rarc", "rarc_national", "covered", "info_needed", "detail"}),
            {"outcome": _DETERMINATIONS},
        ),
        "policies/rules": Schema(
            (
                "policy",
                "group",
                "procedures",
                "statement",
                "role",
                "codes",
                "unless",
                "only_with",
                "world",
                "message",
                "provenance",
                "why",
                "example",
            ),
            frozenset({"group", "codes", "unless", "only_with", "world", "message"}),
            {
                "statement": _STATEMENTS,
                "role": frozenset({"ANY", "PRIMARY", "SECONDARY", "ON_CLAIM", "COMPANION"}),
                "world": frozenset({"CLOSED", "OPEN"}),
                "provenance": frozenset({"CURATED", "UNRESOLVED"}),
            },
        ),
        "policies/states": Schema(("state", "name", "aliases", "why"), frozenset({"aliases"})),
        "procedures/evidence": Schema(("requirement", "part", "words", "why", "example")),
        "procedures/facts": Schema(
            ("procedure", "fact", "value", "meaning", "from", "until", "release", "source", "why"),
            frozenset({"from", "until", "release"}),
        ),
        "procedures/indications": Schema(
            ("procedure", "codes", "except", "seventh", "role", "needs", "source", "why", "example"),
            frozenset({"except", "seventh", "needs"}),
            {"role": frozenset({"ANY", "SECONDARY"})},
        ),
        "procedures/modifier_rules": Schema(
            ("fact", "value", "modifiers", "outcome", "message", "why", "example"),
            values={"outcome": frozenset({"REFUSED", "DOCUMENT"})},
        ),
        "procedures/modifiers": Schema(("modifier", "meaning", "kind", "why")),
        "procedures/named_modifiers": Schema(("procedure", "modifiers", "source", "why")),
        "procedures/pairs": Schema(
            ("column1", "column2", "indicator", "from", "until", "release", "source", "why"),
            frozenset({"from", "until"}),
        ),
        "procedures/places": Schema(("place", "words", "why")),
        "procedures/procedures": Schema(
            ("procedure", "name", "words", "related", "why"), frozenset({"words", "related"})
        ),
        "procedures/requirements": Schema(
            ("procedures", "requirement", "description", "min_days", "source", "why"), frozenset({"min_days"})
        ),
        "procedures/units": Schema(
            (
                "procedure",
                "claim_type",
                "units",
                "indicator",
                "meaning",
                "rationale",
                "from",
                "release",
                "source",
                "why",
            ),
            values={"claim_type": _CLAIM_TYPES},
        ),
    }
)
"""Table name -> schema; the file is `lexicon/<name>.tsv`."""
