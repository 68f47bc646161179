"""The one place where errors of the domain become google.rpc statuses with details."""

from __future__ import annotations

import logging
import traceback

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from detect_icd.errors import (
    CancelledError,
    DetectIcdError,
    InvalidRequestError,
    NotFoundError,
)

ERROR_DOMAIN = "detect-icd"
DETAILS_KEY = "grpc-status-details-bin"

log = logging.getLogger("detect_icd.service")


class OverloadedError(DetectIcdError):
    """The server is full; nothing was begun."""

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineError(CancelledError):
    """The caller's deadline passed; the work was dropped."""

    reason = "DEADLINE_EXCEEDED"


class DocumentOpenError(DetectIcdError):
    """A document was opened twice on one stream."""

    reason = "DOCUMENT_ALREADY_OPEN"


class UnknownMethodError(DetectIcdError):
    """A call of ours that this version does not have."""

    reason = "METHOD_UNKNOWN"


_CODES: tuple[tuple[type[DetectIcdError], grpc.StatusCode], ...] = (
    (InvalidRequestError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (OverloadedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (DeadlineError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (CancelledError, grpc.StatusCode.CANCELLED),
    (DocumentOpenError, grpc.StatusCode.ALREADY_EXISTS),
    (UnknownMethodError, grpc.StatusCode.UNIMPLEMENTED),
)


def status_of(error: Exception) -> tuple[grpc.StatusCode, status_pb2.Status]:
    """The gRPC code and the full status of an error; what is not ours is logged without its words and told as INTERNAL."""
    if not isinstance(error, DetectIcdError):
        _log_unexpected(error)
        error = DetectIcdError("internal error: the server's log says where; please report it")
    code = next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN)
    details: list[Message] = [info]
    if isinstance(error, InvalidRequestError):
        info.metadata["field"] = error.field
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message, reason=error.reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, OverloadedError):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after_seconds * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return code, status_pb2.Status(code=code.value[0], message=error.message, details=[_packed(d) for d in details])


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _log_unexpected(error: Exception) -> None:
    """Type and places only: the words of an unexpected error may quote the text, and the text is PHI."""
    places = " <- ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    log.error("unexpected %s at %s", type(error).__name__, places)
