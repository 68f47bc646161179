"""Which errors end the program how: 0 done, 1 some documents failed, 2 usage, 3 server unreachable or refused."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from detect_icd.batch.lines import AbortBatchError
from detect_icd.errors import DetectIcdError, InvalidRequestError

DONE, FAILED, USAGE, SERVER = 0, 1, 2, 3

DOCUMENT_CODES = frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "DEADLINE_EXCEEDED"})
"""gRPC codes that speak of one document; every other one of the server itself."""


class UsageError(DetectIcdError):
    """The command cannot be run as it was given."""

    reason = "USAGE"


@dataclass(frozen=True, slots=True)
class Fault:
    """How the program ends: one line, one exit code."""

    message: str
    exit_code: int


def fault_of(error: Exception) -> Fault | None:
    """The end an error means; None for one that is no fault of use, data or server: a bug."""
    if isinstance(error, typer.TyperException):
        message = error.format_message()
        return Fault(message + "; see --help" if message else "", USAGE)
    if isinstance(error, typer.Abort):
        return Fault("stopped", 130)
    if isinstance(error, OSError):
        return Fault(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}", USAGE)
    if not isinstance(error, DetectIcdError):
        return None
    return Fault(error.message, _exit_code(error))


def _exit_code(error: DetectIcdError) -> int:
    code = getattr(error, "code", "INVALID_ARGUMENT" if isinstance(error, InvalidRequestError) else "")
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, AbortBatchError):
        return error.exit_code
    if code == "INVALID_ARGUMENT":
        # Bad text is a failed document; every other field of a request comes from the command line.
        return FAILED if getattr(error, "field", "") == "text" else USAGE
    return FAILED if not code or code in DOCUMENT_CODES else SERVER
