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

_LONGEST_MESSAGE = 300
"""A status travels in trailers, three times over, and clients take 8 kB of them: an error that names what was asked for
(a code, a procedure) may not grow with it."""
ERROR_DOMAIN = "detect-icd"
DETAILS_KEY = "grpc-status-details-bin"

log = logging.getLogger("detect_icd.service")


class OverloadedError(DetectIcdError):
    """The server is full; nothing was begun."""

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class WorkerLostError(DetectIcdError):
    """The process at work on the call died, or there is none at the moment; the call can be repeated."""

    reason = "WORKER_LOST"
    retry_after_seconds = 0.2

    def __init__(self) -> None:
        super().__init__("the process at work on this call has died: repeat the call")


class StoppingError(DetectIcdError):
    """The server is being stopped; another one, or the same later, will answer."""

    reason = "STOPPING"


class RefusedError(DetectIcdError):
    """A worker's answer that is an error: its code and its status as they came."""

    def __init__(self, code: int, status: bytes) -> None:
        super().__init__("refused by the worker")
        self.code = code
        self.status = status


class UnauthenticatedError(DetectIcdError):
    """Nobody this server knows makes the call."""

    reason = "UNAUTHENTICATED"


class ForbiddenError(DetectIcdError):
    """The caller is known and may not do this."""

    reason = "PERMISSION_DENIED"


class RateLimitedError(DetectIcdError):
    """The caller has made more calls than it may."""

    reason = "RATE_LIMITED"

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("more calls than this caller may make: repeat the call after the delay in RetryInfo")
        self.retry_after_seconds = retry_after_seconds


class StreamLeftError(DetectIcdError):
    """A stream on which nothing moved for too long, or that was open for too long, is closed."""

    reason = "STREAM_IDLE"


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
    (RateLimitedError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED),
    (ForbiddenError, grpc.StatusCode.PERMISSION_DENIED),
    (WorkerLostError, grpc.StatusCode.UNAVAILABLE),
    (StoppingError, grpc.StatusCode.UNAVAILABLE),
    (StreamLeftError, grpc.StatusCode.ABORTED),
    (DeadlineError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (CancelledError, grpc.StatusCode.CANCELLED),
    (DocumentOpenError, grpc.StatusCode.ALREADY_EXISTS),
    (UnknownMethodError, grpc.StatusCode.UNIMPLEMENTED),
)

_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


def status_of(error: Exception) -> tuple[grpc.StatusCode, status_pb2.Status]:
    """The gRPC code and the full status of an error; what is not ours is logged without its words and told as INTERNAL."""
    if isinstance(error, RefusedError):
        return _BY_NUMBER[error.code], status_pb2.Status.FromString(error.status)
    if not isinstance(error, DetectIcdError):
        _log_unexpected(error)
        error = DetectIcdError("internal error: the server's log says where; please report it")
    code = next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
    words = error.message if len(error.message) <= _LONGEST_MESSAGE else f"{error.message[:_LONGEST_MESSAGE]}…"
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN)
    details: list[Message] = [info]
    if isinstance(error, InvalidRequestError):
        info.metadata["field"] = error.field
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=words, reason=error.reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    seconds = retry_after(error)
    if seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(seconds * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return code, status_pb2.Status(code=code.value[0], message=words, details=[_packed(d) for d in details])


def retry_after(error: Exception) -> float | None:
    """Seconds after which the call may be repeated; None where that would change nothing."""
    if isinstance(error, OverloadedError | RateLimitedError | WorkerLostError):
        return error.retry_after_seconds
    return None


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
