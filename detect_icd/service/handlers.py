"""Every method of ours as a function from bytes to bytes, with the domain's errors; run in a worker.

A servicer is an object with one function a method, named as in the proto:

    def GetCode(self, request: pb.GetCodeRequest, checkpoint: Callable[[], None]) -> pb.GetCodeResponse

A method that streams both ways opens a session instead, whose `handle(message)` gives the answer to one message or None:

    def DetectStream(self, checkpoint: Callable[[], None]) -> Session
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from detect_icd.service.wire import Undecodable, decode

Checkpoint = Callable[[], None]


class Session(Protocol):
    """What one stream's messages do."""

    def handle(self, message: Any) -> Message | None:
        """The answer to one message, if it has one."""


@dataclass(frozen=True, slots=True)
class Done:
    """An answer's bytes (None: there is none), the characters read for it and the mentions in it."""

    data: bytes | None
    characters: int = 0
    mentions: int = 0


class Handlers:
    """The methods of some services by their full names, "/package.Service/Method"."""

    def __init__(self, services: Mapping[ServiceDescriptor, object]) -> None:
        self._methods: dict[str, tuple[type[Message], Callable[..., Any]]] = {}
        for service, servicer in services.items():
            for name, method in methods_of(service):
                function = getattr(servicer, method.name, None)
                if function is not None:
                    self._methods[name] = (GetMessageClass(method.input_type), function)

    def call(self, method: str, data: bytes, checkpoint: Checkpoint) -> Done:
        """The answer to one call; raises the domain's errors."""
        kind, function = self._methods[method]
        request = decode(data, kind)
        if isinstance(request, Undecodable):
            raise request.error
        checkpoint()
        return _done(request, function(request, checkpoint))

    def open(self, method: str, checkpoint: Checkpoint) -> Callable[[bytes], Done]:
        """A function that answers one message of a stream after the other."""
        kind, function = self._methods[method]
        session: Session = function(checkpoint)

        def answer(data: bytes) -> Done:
            message = decode(data, kind)
            return _done(message, session.handle(message))

        return answer


def methods_of(service: ServiceDescriptor) -> Iterable[tuple[str, MethodDescriptor]]:
    """Full names and descriptors of a service's methods."""
    return [(f"/{service.full_name}/{method.name}", method) for method in service.methods]


def _done(request: Any, answer: Message | None) -> Done:
    """Counts for the metrics are taken here, where messages are at hand: the front process sees bytes only."""
    if answer is None:
        return Done(None, len(_text(request)))
    result: Any = getattr(answer, "result", answer)
    return Done(answer.SerializeToString(), len(_text(request)), len(getattr(result, "mentions", ())))


def _text(request: Any) -> str:
    for holder in (request, getattr(request, "document", None), getattr(request, "append", None)):
        text = getattr(holder, "text", "")
        if text:
            return str(text)
    return ""
