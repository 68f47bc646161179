"""A client of a detect-icd server: the model's values in and out, errors of the domain instead of statuses.

>>> with Client("127.0.0.1:50051") as client:
...     detection = client.detect("Type 2 diabetes with polyneuropathy.")
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from detect_icd.codes.model import CheckedClaim, Claim, CodeRecord, SearchPage
from detect_icd.errors import DetectIcdError
from detect_icd.formats import proto
from detect_icd.model import Detection, DetectRequest, Settled
from detect_icd.necessity.model import NecessityRequest, NecessityVerdict
from detect_icd.v1 import code_pb2, code_pb2_grpc, detection_pb2_grpc, necessity_pb2, necessity_pb2_grpc
from detect_icd.v1 import detection_pb2 as pb

DEFAULT_TIMEOUT_SECONDS = 60.0

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            # Nothing is changed on the server by any call, so one that got no answer may be repeated. A stream may not:
            # what was sent on it would be lost.
            "name": [
                {"service": "detect_icd.v1.IcdDetectionService", "method": "Detect"},
                {"service": "detect_icd.v1.CodeService"},
                {"service": "detect_icd.v1.MedicalNecessityService"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ],
}

_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A connection that died unnoticed is found within a minute and a half.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


class ServerError(DetectIcdError):
    """What a server answered instead of a result; `code` is the gRPC code's name, `field` the field at fault or ""."""

    def __init__(self, message: str, *, code: str, reason: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field


class UnreachableError(ServerError):
    """No answer from the server, or none in time."""


@dataclass(frozen=True, slots=True)
class StreamError:
    """Of one document of a stream: why there is no result."""

    document_id: str
    error: ServerError


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS to the server; `root_certificates` None: the system's. Certificate and key: for mutual TLS."""

    root_certificates: Path | None = None
    certificate_chain: Path | None = None
    private_key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC wants."""
        files = (self.root_certificates, self.private_key, self.certificate_chain)
        return grpc.ssl_channel_credentials(*(None if path is None else path.read_bytes() for path in files))


class Client:
    """One channel to a server; safe to share between threads. Close it, or use it as a context manager."""

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        tls: Tls | None = None,
        token: str = "",
    ) -> None:
        """`target`: HOST:PORT, several of IPv4 or of IPv6 with commas between (calls go to them in turn), or any gRPC target.

        `timeout` in seconds a call, its repetitions included. `token` is sent as bearer token with every call; send
        one only over TLS.
        """
        if tls is None:
            self._channel = grpc.insecure_channel(_target(target), options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(_target(target), tls.credentials(), options=_OPTIONS)
        self._stub = detection_pb2_grpc.IcdDetectionServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._codes = code_pb2_grpc.CodeServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._necessity = necessity_pb2_grpc.MedicalNecessityServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._timeout = timeout
        self._metadata = _metadata(token)

    def detect(self, request: DetectRequest | str, *, timeout: float | None = None) -> Detection:
        """What `Detector.detect` gives, from the server.

        Raises InvalidRequestError for what cannot be sent, UnreachableError, and ServerError for everything the
        server refuses.
        """
        if isinstance(request, str):
            request = DetectRequest(request)
        message = proto.request_to_proto(request)
        try:
            answer = self._stub.Detect(message, timeout=timeout or self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _server_error(error) from None
        return proto.detection_from_proto(answer)

    def detect_stream(
        self, messages: Iterable[pb.DetectStreamRequest], *, timeout: float | None = None
    ) -> Iterator[Settled | Detection | StreamError]:
        """Answers as they come; make the messages with `whole`, `opened`, `appended`, `closed`, `cancelled`."""
        answers = self._stub.DetectStream(iter(messages), timeout=timeout, metadata=self._metadata)
        try:
            for answer in answers:
                yield from _values(answer)
        except grpc.RpcError as error:
            raise _server_error(error) from None
        finally:
            answers.cancel()

    def get_code(self, code: str, day: date | None = None, *, timeout: float | None = None) -> CodeRecord:
        """All about one code on a day; ServerError with code NOT_FOUND where no release has it."""
        return proto.from_message(self._ask(self._codes.GetCode, _get(code, day), timeout), CodeRecord)

    def search_codes(
        self,
        query: str,
        day: date | None = None,
        *,
        billable_only: bool = False,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> SearchPage:
        """One page of codes for the words, best first."""
        request = _search(query, day, billable_only, page_size, page_token)
        return proto.from_message(self._ask(self._codes.SearchCodes, request, timeout), SearchPage)

    def validate_codes(self, claim: Claim, *, timeout: float | None = None) -> CheckedClaim:
        """What is right and wrong with a claim's list."""
        request = proto.to_message(claim, code_pb2.ValidateCodesRequest)
        return proto.from_message(self._ask(self._codes.ValidateCodes, request, timeout), CheckedClaim)

    def check_necessity(self, request: NecessityRequest, *, timeout: float | None = None) -> NecessityVerdict:
        """What `NecessityChecker.check` gives, from the server; raises as `detect` does."""
        message = proto.to_message(request, necessity_pb2.CheckMedicalNecessityRequest)
        return proto.from_message(self._ask(self._necessity.CheckMedicalNecessity, message, timeout), NecessityVerdict)

    def _ask(self, method: Callable[..., Message], request: Message, timeout: float | None) -> Message:
        try:
            return method(request, timeout=timeout or self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _server_error(error) from None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _get(code: str, day: date | None) -> code_pb2.GetCodeRequest:
    return code_pb2.GetCodeRequest(code=code, date_of_service=_iso(day))


def _search(
    query: str,
    day: date | None,
    billable_only: bool,
    page_size: int,
    page_token: str,
) -> code_pb2.SearchCodesRequest:
    return code_pb2.SearchCodesRequest(
        query=query,
        date_of_service=_iso(day),
        billable_only=billable_only,
        page_size=page_size,
        page_token=page_token,
    )


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


class AsyncClient:
    """As Client, for asyncio; made and used on one event loop."""

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        tls: Tls | None = None,
        token: str = "",
    ) -> None:
        """As Client."""
        if tls is None:
            self._channel = grpc.aio.insecure_channel(_target(target), options=_OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(_target(target), tls.credentials(), options=_OPTIONS)
        self._stub = detection_pb2_grpc.IcdDetectionServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._codes = code_pb2_grpc.CodeServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._necessity = necessity_pb2_grpc.MedicalNecessityServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._timeout = timeout
        self._metadata = _metadata(token)

    async def detect(
        self,
        request: DetectRequest | str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - gRPC's deadline, which the server heeds too
    ) -> Detection:
        """As Client.detect."""
        if isinstance(request, str):
            request = DetectRequest(request)
        answer = await self._ask(self._stub.Detect, proto.request_to_proto(request), timeout)
        return proto.detection_from_proto(answer)

    async def detect_stream(
        self,
        messages: AsyncIterable[pb.DetectStreamRequest],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> AsyncIterator[Settled | Detection | StreamError]:
        """As Client.detect_stream."""
        answers = self._stub.DetectStream(aiter(messages), timeout=timeout, metadata=self._metadata)
        try:
            async for answer in answers:
                for value in _values(answer):
                    yield value
        except grpc.RpcError as error:
            raise _server_error(error) from None
        finally:
            answers.cancel()

    async def get_code(self, code: str, day: date | None = None) -> CodeRecord:
        """As Client.get_code."""
        return proto.from_message(await self._ask(self._codes.GetCode, _get(code, day)), CodeRecord)

    async def search_codes(
        self,
        query: str,
        day: date | None = None,
        *,
        billable_only: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> SearchPage:
        """As Client.search_codes."""
        request = _search(query, day, billable_only, page_size, page_token)
        return proto.from_message(await self._ask(self._codes.SearchCodes, request), SearchPage)

    async def validate_codes(self, claim: Claim) -> CheckedClaim:
        """As Client.validate_codes."""
        request = proto.to_message(claim, code_pb2.ValidateCodesRequest)
        return proto.from_message(await self._ask(self._codes.ValidateCodes, request), CheckedClaim)

    async def check_necessity(self, request: NecessityRequest) -> NecessityVerdict:
        """As Client.check_necessity."""
        message = proto.to_message(request, necessity_pb2.CheckMedicalNecessityRequest)
        return proto.from_message(await self._ask(self._necessity.CheckMedicalNecessity, message), NecessityVerdict)

    async def _ask(self, method: Callable[..., Any], request: Message, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        try:
            return await method(request, timeout=timeout or self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _server_error(error) from None

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def whole(request: DetectRequest) -> pb.DetectStreamRequest:
    """A stream message: read a whole document."""
    return pb.DetectStreamRequest(document=proto.request_to_proto(request))


def opened(request: DetectRequest) -> pb.DetectStreamRequest:
    """A stream message: open a document; `request.text` must be empty."""
    return pb.DetectStreamRequest(open=proto.request_to_proto(request))


def appended(document_id: str, text: str) -> pb.DetectStreamRequest:
    """A stream message: more text."""
    return pb.DetectStreamRequest(append=pb.DetectStreamRequest.Append(document_id=document_id, text=text))


def closed(document_id: str) -> pb.DetectStreamRequest:
    """A stream message: the text is complete."""
    return pb.DetectStreamRequest(close=pb.DetectStreamRequest.Close(document_id=document_id))


def cancelled(document_id: str) -> pb.DetectStreamRequest:
    """A stream message: forget the document."""
    return pb.DetectStreamRequest(cancel=pb.DetectStreamRequest.Cancel(document_id=document_id))


def _target(target: str) -> str:
    """Several addresses as one target of gRPC."""
    if "," not in target or ":///" in target or target.startswith("ipv"):
        return target
    return f"ipv6:{target}" if target.startswith("[") else f"ipv4:{target}"


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


def _values(answer: pb.DetectStreamResponse) -> Iterator[Settled | Detection | StreamError]:
    """The value of one answer; none where a newer server sends a kind this client does not know."""
    kind = answer.WhichOneof("response")
    if kind == "settled":
        yield proto.settled_from_proto(answer)
    elif kind == "result":
        yield proto.detection_from_proto(answer.result)
    elif kind == "error":
        yield StreamError(answer.document_id, _from_status(answer.error))


def _server_error(error: grpc.RpcError) -> ServerError:
    status = rpc_status.from_call(error)
    name = str(error.code().name)
    if status is not None:
        return _from_status(status)
    if name in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}:
        words = {
            "UNAVAILABLE": "the server cannot be reached: is it running, and is the address right?",
            "DEADLINE_EXCEEDED": "the server did not answer in time: allow more time or send less text",
            "CANCELLED": "the call was cancelled",
        }
        return UnreachableError(words[name], code=name, reason=name)
    return ServerError(str(error.details()), code=name, reason=name)


def _from_status(status: status_pb2.Status) -> ServerError:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, bad):
            _unpack(detail, message)
    code = next((code.name for code in grpc.StatusCode if code.value[0] == status.code), "UNKNOWN")
    field = bad.field_violations[0].field if bad.field_violations else ""
    return ServerError(status.message, code=code, reason=info.reason or code, field=field)


def _unpack(detail: object, message: Message) -> None:
    detail.Unpack(message)  # type: ignore[attr-defined]
