"""What is told of each call: a line in the log, metrics, a span. Never a word of a text, nor a document's id."""

from __future__ import annotations

import logging
import math
import re
import secrets
import time
from typing import Any, Protocol

from detect_icd.service.frames import Report

log = logging.getLogger("detect_icd.service.calls")

_REQUEST_ID = re.compile(r"[0-9a-fA-F]{16,64}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""UUIDs and long runs of hexadecimal digits are taken over from the client; what is shorter may be a patient's number or a
date of birth, and other letters a name."""


class Observer(Protocol):
    """Told of calls; metrics and traces are observers."""

    def begun(self, call: Call) -> None:
        """A call has come."""

    def answered(self, call: Call, report: Report, received: int, sent: int) -> None:
        """One of its messages is answered."""

    def ended(self, call: Call) -> None:
        """It is over."""


class Call:
    """One call on its way; times by the monotonic clock, so that a jump of the wall clock changes nothing.

    `remaining`: the seconds that the caller will wait, None for ever.
    """

    def __init__(self, calls: Calls, method: str, metadata: dict[str, Any], remaining: float | None) -> None:
        self._calls = calls
        self.method = method
        asked = str(metadata.get("x-request-id", ""))
        self.request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        self.trace_parent = str(metadata.get("traceparent", ""))
        self.caller = ""
        self.code = ""
        self.messages = 0
        self.characters = 0
        self.mentions = 0
        self.received = 0
        self.began = time.monotonic()
        self.until = math.inf if remaining is None else self.began + remaining
        self.seconds = 0.0
        self.span: Any = None

    @property
    def name(self) -> str:
        """Service/Method, without the package."""
        return self.method.rpartition(".")[2]

    def add(self, report: Report, received: int, sent: int) -> None:
        """One of its messages is answered."""
        self.messages += 1
        self.characters += report.characters
        self.mentions += report.mentions
        self.received += received
        for observer in self._calls.observers:
            observer.answered(self, report, received, sent)

    def end(self, code: str) -> None:
        """It is over, with this gRPC code; only the first end counts."""
        if self.code:
            return
        self.code = code
        self.seconds = time.monotonic() - self.began
        for observer in self._calls.observers:
            observer.ended(self)
        log.info(
            "%s %s in %.1f ms",
            self.name,
            code,
            self.seconds * 1000,
            extra={
                "fields": {
                    "method": self.name,
                    "code": code,
                    "milliseconds": round(self.seconds * 1000, 1),
                    "request_id": self.request_id,
                    "caller": self.caller,
                    "messages": self.messages,
                    "characters": self.characters,
                    "mentions": self.mentions,
                    "bytes": self.received,
                }
            },
        )


class Calls:
    """Makes calls and passes on what happens to them."""

    def __init__(self, observers: list[Observer]) -> None:
        self.observers = observers

    def begin(self, method: str, context: Any) -> Call:
        """A call has come."""
        call = Call(self, method, dict(context.invocation_metadata() or ()), context.time_remaining())
        for observer in self.observers:
            observer.begun(call)
        return call
