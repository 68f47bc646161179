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

__all__ = [
    "Alert",
    "Assertion",
    "Assignment",
    "Attribute",
    "CancelledError",
    "Certainty",
    "CodeCandidate",
    "Concept",
    "Cue",
    "CueCategory",
    "DetectIcdError",
    "DetectRequest",
    "Detection",
    "Detector",
    "Experiencer",
    "InvalidRequestError",
    "Lexicon",
    "LexiconError",
    "MatchKind",
    "Mention",
    "NotFoundError",
    "NotReportableReason",
    "OffsetUnit",
    "OpenDocument",
    "Patient",
    "Presence",
    "ProcedureLink",
    "Removed",
    "Setting",
    "Settled",
    "Sex",
    "Span",
    "Temporality",
    "UnknownDateError",
    "Versions",
    "__version__",
]

_HOME = {
    "CancelledError": "errors",
    "DetectIcdError": "errors",
    "Detector": "detector",
    "InvalidRequestError": "errors",
    "Lexicon": "lexicon",
    "LexiconError": "errors",
    "NotFoundError": "errors",
    "OpenDocument": "detector",
    "Span": "spans",
    "UnknownDateError": "errors",
}
"""The module of a public name; all others are of `model`."""


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use (PEP 562)."""
    if name in __all__:
        return getattr(import_module(f"detect_icd.{_HOME.get(name, 'model')}"), name)
    raise AttributeError(f"module 'detect_icd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
