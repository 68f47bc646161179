"""The front of the service: every call of ours passes here, as bytes, on its way to a worker and back.

Who calls and whether it may, limits, deadlines, errors as statuses, metrics and the log: once, for every method.
Messages are not decoded here; that is the workers' work, and the event loop stays free for health and for the others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from detect_icd.errors import InvalidRequestError
from detect_icd.service.access import Access, Caller
from detect_icd.service.calls import Call, Calls
from detect_icd.service.frames import Report
from detect_icd.service.handlers import methods_of
from detect_icd.service.settings import ServerSettings
from detect_icd.service.status import (
    DETAILS_KEY,
    OverloadedError,
    RateLimitedError,
    StoppingError,
    StreamLeftError,
    UnknownMethodError,
    retry_after,
    status_of,
)

OUR_METHODS = "/detect_icd."


class Stream(Protocol):
    """One stream's place among the workers."""

    async def handle(self, data: bytes, deadline: float) -> tuple[bytes | None, Report]:
        """The answer to one message."""

    def close(self) -> None:
        """It is over."""


class Pool(Protocol):
    """Workers: processes (pool.Pool) or threads (local.LocalPool)."""

    async def call(self, method: str, data: bytes, deadline: float) -> tuple[bytes, Report]:
        """The answer to one call; `deadline` by the monotonic clock."""

    def open(self, method: str) -> Stream:
        """A stream."""


class Router(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the handler of a method; our own methods that do not exist get a status with details like all errors."""

    def __init__(self, pool: Pool, access: Access, calls: Calls, settings: ServerSettings) -> None:
        super().__init__()
        self._pool = pool
        self._access = access
        self._calls = calls
        self._settings = settings
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}
        self.streams = 0
        self.stopping = False

    def add(self, services: Iterable[ServiceDescriptor]) -> None:
        """Serve every method of `services`."""
        for service in services:
            for name, method in methods_of(service):
                if method.client_streaming:
                    handler = grpc.stream_stream_rpc_method_handler(partial(self._stream, name))
                else:
                    # A stream to gRPC, so that who may not call is refused before its message is waited for, and a
                    # message that never comes is not waited for for ever.
                    handler = grpc.stream_unary_rpc_method_handler(partial(self._unary, name))
                self._handlers[name] = handler

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Called by gRPC for each call."""
        name: str = handler_call_details.method
        if name in self._handlers or not name.startswith(OUR_METHODS):
            return self._handlers.get(name)
        return grpc.stream_stream_rpc_method_handler(self._unknown)

    async def _unary(self, method: str, _: Any, context: grpc.aio.ServicerContext) -> bytes:
        call = self._calls.begin(method, context)
        try:
            self._admit(call, context)
            request = await self._read(context)
            if request is grpc.aio.EOF:
                raise InvalidRequestError(  # noqa: TRY301 - as below
                    "no message was sent: a unary call has one", field="", reason="REQUEST_EMPTY"
                )
            answer, report = await self._pool.call(method, request, self._deadline(call))
            call.add(report, len(request), len(answer))
            call.end("OK")
        except asyncio.CancelledError:
            call.end(_cancelled(call))
            raise
        except Exception as error:  # noqa: BLE001 - the one place where errors become statuses
            await _abort(context, call, error)
        else:
            return answer

    async def _stream(self, method: str, _: Any, context: grpc.aio.ServicerContext) -> None:
        call = self._calls.begin(method, context)
        stream = None
        self.streams += 1
        try:
            caller = self._admit(call, context)
            if self._settings.max_streams < self.streams:
                raise OverloadedError(  # noqa: TRY301 - as above
                    f"{self._settings.max_streams} streams are open, more this server does not hold: come back later",
                    retry_after_seconds=1.0,
                )
            stream = self._pool.open(method)
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._settings.max_stream_seconds):
                while True:
                    message = await self._read(context)
                    if message is grpc.aio.EOF:
                        break
                    if 0 < call.messages:  # the stream's opening has paid for its first message
                        await self._pace(caller)
                    answer, report = await stream.handle(message, self._deadline(call))
                    call.add(report, len(message), len(answer or b""))
                    if answer is not None:
                        await self._write(context, answer)
            call.end("OK")
        except asyncio.CancelledError:
            call.end(_cancelled(call))
            raise
        except Exception as error:  # noqa: BLE001 - as above
            fault: Exception = error
            if isinstance(error, TimeoutError):
                fault = StreamLeftError("the stream was open for the longest time allowed: open another")
            if stream is not None:  # the status may wait long behind answers that a client does not read
                stream.close()
            await _abort(context, call, fault)
        finally:
            self.streams -= 1
            if stream is not None:
                stream.close()

    async def _read(self, context: grpc.aio.ServicerContext) -> Any:
        try:
            async with asyncio.timeout(self._settings.stream_idle_seconds):
                return await context.read()
        except TimeoutError:
            raise StreamLeftError("nothing was sent for too long: call again") from None

    async def _write(self, context: grpc.aio.ServicerContext, answer: bytes) -> None:
        try:
            async with asyncio.timeout(self._settings.stream_write_seconds):
                await context.write(answer)
        except TimeoutError:
            raise StreamLeftError("the stream's answers were not read for too long: open another") from None

    async def _unknown(self, _: Any, context: grpc.aio.ServicerContext) -> None:
        call = self._calls.begin("unknown", context)
        words = "this server does not have this method: compare the client's proto files"
        await _abort(context, call, UnknownMethodError(words))

    def _admit(self, call: Call, context: grpc.aio.ServicerContext) -> Caller:
        if self.stopping:
            raise StoppingError("the server is being stopped: repeat the call")
        caller = self._access.admit(call.method, context)
        call.caller = caller.name
        self._access.count(caller)
        return caller

    async def _pace(self, caller: Caller) -> None:
        """A stream's message waits for its turn, and so slows its sender: refusing it would cost all open documents."""
        while True:
            try:
                self._access.count(caller)
            except RateLimitedError as error:
                await asyncio.sleep(error.retry_after_seconds)
            else:
                return

    def _deadline(self, call: Call) -> float:
        """Of the work on one message, by the monotonic clock, which the workers share."""
        return min(call.until, time.monotonic() + self._settings.max_seconds)


def _cancelled(call: Call) -> str:
    """Why the call ends before its answer: gRPC tells its handler of both as of a cancellation."""
    return "DEADLINE_EXCEEDED" if call.until <= time.monotonic() else "CANCELLED"


async def _abort(context: grpc.aio.ServicerContext, call: Call, error: Exception) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    code, status = status_of(error)
    call.end(code.name)
    metadata = [(DETAILS_KEY, status.SerializeToString()), ("x-request-id", call.request_id)]
    delay = retry_after(error)
    if delay is not None:  # gRPC's own retry heeds this one
        metadata.append(("grpc-retry-pushback-ms", str(round(delay * 1000))))
    await context.abort(code, status.message, trailing_metadata=tuple(metadata))
    raise AssertionError("abort returned")


def service_names(services: Iterable[ServiceDescriptor]) -> list[str]:
    """Full names, for health and reflection."""
    return [service.full_name for service in services]
