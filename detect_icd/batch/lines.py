"""One line of a corpus in, one line out: a detection, or the error that took its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detect_icd import validation
from detect_icd.errors import DetectIcdError, InvalidRequestError
from detect_icd.formats.json import document_id, dump_line, parse_object, request_from_plain, to_plain
from detect_icd.model import Detection, DetectRequest

Detect = Callable[[DetectRequest], Detection]
"""A Detector's or a Client's `detect`."""


class AbortBatchError(DetectIcdError):
    """Not this document's fault: the run must stop, and can be resumed. `exit_code` is the program's."""

    reason = "BATCH_STOPPED"

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def answer_line(line: bytes, number: int, defaults: DetectRequest, detect: Detect) -> tuple[str, bool]:
    """The output line for input line `number` (from 1), and whether it is a detection.

    Raises AbortBatchError where `detect` does; all other faults become an error line.
    """
    name = ""
    try:
        plain = parse_object(line)
        name = document_id(plain)
        request = request_from_plain(plain, defaults)
        validation.check_encodable(request.document_id, "document_id")
        return dump_line(to_plain(detect(request))), True
    except AbortBatchError:
        raise
    except InvalidRequestError as error:
        return error_line(name, number, "INVALID_ARGUMENT", error.reason, error.message), False
    except DetectIcdError as error:
        code = getattr(error, "code", "INTERNAL")
        return error_line(name, number, code, error.reason, error.message), False
    except Exception as error:  # noqa: BLE001 - the rest goes on; its words may quote the text, so only its type is told
        message = f"internal error ({type(error).__name__}): please report it"
        return error_line(name, number, "INTERNAL", "INTERNAL", message), False


def error_line(name: str, number: int, code: str, reason: str, message: str) -> str:
    """The contract's line for a document that has no detection."""
    plain: dict[str, Any] = {
        "document_id": name,
        "line": number,
        "error": {"code": code, "reason": reason, "message": message},
    }
    return dump_line(plain)


def is_blank(line: bytes) -> bool:
    """Lines that hold nothing are passed over, in counting too."""
    return not line.strip()
