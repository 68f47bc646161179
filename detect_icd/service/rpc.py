"""Puts plain functions behind gRPC methods: decoding that says what is wrong, workers, deadlines, errors as statuses.

A servicer is an object with one function a method, named as in the proto:

    def GetCode(self, request: pb.GetCodeRequest, checkpoint: Callable[[], None]) -> pb.GetCodeResponse

run in a worker; it raises the errors of the domain. A method that streams both ways opens a session instead, whose
`handle(message)` gives the answer to one message or None:

    def DetectStream(self, checkpoint: Callable[[], None]) -> Session
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from detect_icd.service.status import DETAILS_KEY, OverloadedError, UnknownMethodError, status_of
from detect_icd.service.wire import Undecodable, decode
from detect_icd.service.work import Ticket, Workers

OUR_METHODS = "/detect_icd."


class Session(Protocol):
    """What one stream's messages do."""

    def handle(self, message: Any) -> Message | None:
        """The answer to one message, if it has one."""


class Router(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the handler of a method; our own methods that do not exist get a status with details like all errors."""

    def __init__(self, workers: Workers, *, max_streams: int) -> None:
        super().__init__()
        self._workers = workers
        self._max_streams = max_streams
        self._streams = 0
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}

    def add(self, service: ServiceDescriptor, servicer: object) -> None:
        """Serve every method of `service` that `servicer` has a function for."""
        for method in service.methods:
            function = getattr(servicer, method.name, None)
            if function is not None:
                self._handlers[f"/{service.full_name}/{method.name}"] = self._handler(method, function)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Called by gRPC for each call."""
        name: str = handler_call_details.method
        if name in self._handlers or not name.startswith(OUR_METHODS):
            return self._handlers.get(name)
        return grpc.unary_unary_rpc_method_handler(_unknown_method)

    def _handler(self, method: MethodDescriptor, function: Callable[..., Any]) -> grpc.RpcMethodHandler:
        decoder = partial(decode, kind=GetMessageClass(method.input_type))
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(partial(self._stream, function), request_deserializer=decoder)
        return grpc.unary_unary_rpc_method_handler(partial(self._unary, function), request_deserializer=decoder)

    # Answers are serialised in the worker: a dense note's answer has megabytes, and the event loop must stay free.

    async def _unary(self, function: Callable[..., Message], request: Any, context: grpc.aio.ServicerContext) -> bytes:
        try:
            if isinstance(request, Undecodable):
                raise request.error  # noqa: TRY301 - one way for all faults
            ticket = Ticket(context.time_remaining())
            return await self._workers.run(lambda _: function(request, ticket).SerializeToString(), ticket)
        except Exception as error:  # noqa: BLE001 - the one place where errors become statuses
            await _abort(context, error)

    async def _stream(
        self, open_session: Callable[..., Session], messages: AsyncIterator[Any], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        ticket = Ticket(context.time_remaining())
        session = open_session(ticket)
        self._streams += 1
        try:
            if self._streams > self._max_streams:
                raise OverloadedError(  # noqa: TRY301 - as above
                    f"{self._max_streams} streams are open, more this server does not hold: come back later",
                    retry_after_seconds=1.0,
                )
            async for message in messages:
                answer = await self._workers.run(partial(_answer, session, message), ticket, shed=False)
                if answer is not None:
                    yield answer
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(context, error)
        finally:
            ticket.drop()
            self._streams -= 1


def _answer(session: Session, message: Any, _: Ticket) -> bytes | None:
    answer = session.handle(message)
    return None if answer is None else answer.SerializeToString()


async def _unknown_method(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
    await _abort(context, UnknownMethodError("this server does not have this method: compare the client's proto files"))


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    code, status = status_of(error)
    await context.abort(code, status.message, trailing_metadata=((DETAILS_KEY, status.SerializeToString()),))
    raise AssertionError("abort returned")


def service_names(services: Iterable[ServiceDescriptor]) -> list[str]:
    """Full names, for health and reflection."""
    return [service.full_name for service in services]
