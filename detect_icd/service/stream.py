"""One DetectStream: which documents are open on it, and what each message does to them. Knows no transport."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from detect_icd import validation
from detect_icd.errors import CancelledError, InvalidRequestError, NotFoundError
from detect_icd.formats import proto
from detect_icd.model import Detection, DetectRequest, Settled
from detect_icd.service.status import DocumentOpenError, OverloadedError, status_of
from detect_icd.service.wire import Undecodable
from detect_icd.v1 import detection_pb2 as pb

_REMEMBERED_FAILURES = 1024


class OpenDocument(Protocol):
    """The part of detector.OpenDocument used here."""

    def append(self, text: str) -> Settled | None:
        """More text."""

    def close(self) -> Detection:
        """No more text."""


class Detector(Protocol):
    """The part of detector.Detector used here."""

    def detect(self, request: DetectRequest, *, checkpoint: Callable[[], None]) -> Detection:
        """A whole document."""

    def open(self, request: DetectRequest, *, checkpoint: Callable[[], None]) -> OpenDocument:
        """A document that comes in pieces."""


@dataclass(slots=True)
class _Open:
    document: OpenDocument
    size: int = 0


class Held:
    """The text of all open documents of this process, in bytes: bounded, whatever the number of streams."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._returned: deque[int] = deque()
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """So much more; raises OverloadedError where it is too much."""
        with self._lock:
            while self._returned:
                self._size -= self._returned.popleft()
            if self._limit < self._size + size:
                raise OverloadedError(
                    "the server holds as much text of open documents as it may: send this one again later",
                    retry_after_seconds=1.0,
                )
            self._size += size

    def give_back(self, documents: dict[str, _Open]) -> None:
        """The documents' share, which are open no more.

        Takes no lock: the garbage collector calls it for a stream that has ended, even amid `take` in the same thread.
        """
        self._returned.append(sum(opened.size for opened in documents.values()))


class StreamSession:
    """The open documents of one stream.

    An error costs the one document it is about. What is sent of that document afterwards was sent before the client
    could know, so it is passed over until the client closes, cancels or opens the id again: one error a document.
    """

    def __init__(
        self,
        detector: Detector,
        checkpoint: Callable[[], None],
        *,
        max_text_bytes: int,
        max_open_documents: int,
        held: Held,
    ) -> None:
        self._detector = detector
        self._checkpoint = checkpoint
        self._max_text_bytes = max_text_bytes
        self._max_open = max_open_documents
        self._held = held
        self._open: dict[str, _Open] = {}
        # However the stream ends, what was open on it is given back.
        weakref.finalize(self, held.give_back, self._open)
        self._failed: OrderedDict[str, None] = OrderedDict()

    def handle(self, message: pb.DetectStreamRequest | Undecodable) -> pb.DetectStreamResponse | None:
        """The answer to one message, if it has one; raises CancelledError only: nobody waits for the stream any more."""
        if isinstance(message, Undecodable):
            kind, name = message.kind, message.document_id
        else:
            kind = message.WhichOneof("request") or ""
            name = getattr(message, kind).document_id if kind else ""
        try:
            if isinstance(message, Undecodable):
                raise message.error  # noqa: TRY301 - one way for all faults
            return self._answer(message, kind, name)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever goes wrong costs this document, never the stream
            was_open = name in self._open
            if was_open:
                self._drop(name)
            if was_open or kind in ("open", "append"):
                self._remember_failure(name)
            return pb.DetectStreamResponse(document_id=name, error=status_of(error)[1])

    def _answer(self, message: pb.DetectStreamRequest, kind: str, name: str) -> pb.DetectStreamResponse | None:
        match kind:
            case "document":
                return self._read_whole(proto.request_from_proto(message.document))
            case "open":
                self._start(name, message.open)
                return None
            case "append" | "close" | "cancel":
                return self._continue(name, kind, message.append.text)
        raise InvalidRequestError(
            "the message says nothing: set one of document, open, append, close, cancel",
            field="request",
            reason="REQUEST_EMPTY",
        )

    def _read_whole(self, request: DetectRequest) -> pb.DetectStreamResponse:
        if request.document_id in self._open:
            raise DocumentOpenError("a document of this id is open on the stream: both were dropped; use distinct ids")
        self._failed.pop(request.document_id, None)
        validation.check_request(request, max_text_bytes=self._max_text_bytes)
        return _result(self._detector.detect(request, checkpoint=self._checkpoint))

    def _start(self, name: str, message: pb.DetectRequest) -> None:
        if name in self._open:
            raise DocumentOpenError("a document of this id is open on the stream: both were dropped; use distinct ids")
        self._failed.pop(name, None)
        if len(self._open) >= self._max_open:
            raise OverloadedError(
                f"{self._max_open} documents are open on this stream, more it does not hold: close some first",
                retry_after_seconds=1.0,
            )
        if message.text:
            raise InvalidRequestError(
                "open carries no text: send it with append, or the whole as document",
                field="text",
                reason="TEXT_NOT_EXPECTED",
            )
        request = proto.request_from_proto(message)
        validation.check_settings(request)
        self._open[name] = _Open(self._detector.open(request, checkpoint=self._checkpoint))

    def _continue(self, name: str, kind: str, text: str) -> pb.DetectStreamResponse | None:
        if name in self._failed:
            if kind != "append":
                del self._failed[name]
            return None
        if name not in self._open:
            if kind == "cancel":  # it may just have been answered
                return None
            raise NotFoundError("no document of this id is open on the stream: open it first")
        if kind == "append":
            return self._append(self._open[name], text)
        document = self._drop(name)
        return None if kind == "cancel" else _result(document.close())

    def _drop(self, name: str) -> OpenDocument:
        opened = self._open.pop(name)
        self._held.give_back({name: opened})
        return opened.document

    def _append(self, opened: _Open, text: str) -> pb.DetectStreamResponse | None:
        validation.check_piece(text)
        size = validation.utf8_length(text)
        validation.check_size(opened.size + size, self._max_text_bytes)
        self._held.take(size)
        opened.size += size
        settled = opened.document.append(text)
        return None if settled is None else proto.settled_to_proto(settled)

    def _remember_failure(self, name: str) -> None:
        self._failed[name] = None
        if len(self._failed) > _REMEMBERED_FAILURES:
            self._failed.popitem(last=False)


def _result(detection: Detection) -> pb.DetectStreamResponse:
    return pb.DetectStreamResponse(document_id=detection.document_id, result=proto.detection_to_proto(detection))
