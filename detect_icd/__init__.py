"""detect-icd: ICD-10-CM diagnoses found in clinical text, with proof, and linked to procedures.

>>> from detect_icd import Detector
>>> detection = Detector.default().detect("Type 2 diabetes with polyneuropathy.")

The names below load their module when first used: importing this package is cheap and pulls in neither spaCy
nor gRPC.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from detect_icd._version import __version__

if TYPE_CHECKING:
    from detect_icd.detector import Detector, OpenDocument
    from detect_icd.errors import (
        CancelledError,
        DetectIcdError,
        InvalidRequestError,
        LexiconError,
        NotFoundError,
        UnknownDateError,
    )
    from detect_icd.lexicon import Lexicon
    from detect_icd.model import (
        Alert,
        Assertion,
        Assignment,
        Attribute,
        Certainty,
        CodeCandidate,
        Concept,
        Cue,
        CueCategory,
        Detection,
        DetectRequest,
        Experiencer,
        MatchKind,
        Mention,
        NotReportableReason,
        OffsetUnit,
        Patient,
        Presence,
        ProcedureLink,
        Removed,
        Setting,
        Settled,
        Sex,
        Temporality,
        Versions,
    )
    from detect_icd.spans import Span

_HOME = {
    "detect_icd.detector": ("Detector", "OpenDocument"),
    "detect_icd.errors": (
        "CancelledError",
        "DetectIcdError",
        "InvalidRequestError",
        "LexiconError",
        "NotFoundError",
        "UnknownDateError",
    ),
    "detect_icd.lexicon": ("Lexicon",),
    "detect_icd.model": (
        "Alert",
        "Assertion",
        "Assignment",
        "Attribute",
        "Certainty",
        "CodeCandidate",
        "Concept",
        "Cue",
        "CueCategory",
        "DetectRequest",
        "Detection",
        "Experiencer",
        "MatchKind",
        "Mention",
        "NotReportableReason",
        "OffsetUnit",
        "Patient",
        "Presence",
        "ProcedureLink",
        "Removed",
        "Setting",
        "Settled",
        "Sex",
        "Temporality",
        "Versions",
    ),
    "detect_icd.spans": ("Span",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF022 - sorted by home above; a test compares the two lists
    "__version__",
    *_MODULE_OF,
]


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use (PEP 562)."""
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'detect_icd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
