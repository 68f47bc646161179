"""What can be set of a server: flags of `detect-icd serve`, or environment variables DETECT_ICD_* of the same names.

The one place: flags, their help, the README's table and `serve --print-config` are made from or tested against it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from detect_icd.errors import DetectIcdError
from detect_icd.model import MAX_TEXT_BYTES


class SetUpError(DetectIcdError):
    """The server cannot be set up as its settings say."""

    reason = "SET_UP"


DEFAULT_ADDRESS = "127.0.0.1:50051"
Seconds = Annotated[float, Field(le=2_000_000)]
"""More milliseconds gRPC's 32-bit options do not hold."""
Count = Annotated[int, Field(le=1_000_000)]
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", re.ASCII)
_FROM_ELSEWHERE = re.compile(r"SHARED|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")
"""Variables DETECT_ICD_* that are no settings: the tests', and those Kubernetes sets for a Service named detect-icd."""


class ServerSettings(BaseSettings):
    """One server's settings; a bad value raises pydantic's ValidationError naming the field."""

    model_config = SettingsConfigDict(env_prefix="DETECT_ICD_", frozen=True)

    address: str = Field(default=DEFAULT_ADDRESS, description="Where to listen, HOST:PORT; port 0 takes a free one.")
    insecure_ok: bool = Field(
        default=False, description="Speak plain text beyond loopback: only behind something that encrypts."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes; as many as cores to spare.")
    queue: Count = Field(
        default=64, ge=0, description="Calls that may wait for a worker; further ones are asked to come back."
    )
    max_text_bytes: int = Field(
        default=MAX_TEXT_BYTES, ge=1, le=MAX_TEXT_BYTES, description="Longest text taken, in bytes of UTF-8."
    )
    max_streams: Count = Field(default=1000, ge=1, description="Streams open at once.")
    max_open_documents: Count = Field(default=64, ge=1, description="Documents open at once on one stream.")
    max_open_bytes: int = Field(
        default=67_108_864, ge=1, description="Text of all open documents that one worker holds, in bytes of UTF-8."
    )
    max_connection_calls: Count = Field(default=1000, ge=1, description="Calls and streams at once on one connection.")
    max_seconds: Seconds = Field(default=120.0, gt=0, description="Longest work on one message, whatever the deadline.")
    stuck_seconds: Seconds = Field(
        default=10.0, gt=0, description="A worker that goes on so long after it was told to stop is killed."
    )
    stream_idle_seconds: Seconds = Field(
        default=900.0, gt=0, description="A stream that sends nothing so long is closed."
    )
    stream_write_seconds: Seconds = Field(
        default=60.0, gt=0, description="A stream whose client does not read an answer so long is closed."
    )
    max_stream_seconds: Seconds = Field(
        default=14400.0, gt=0, description="Longest life of a stream, and of what it holds of an older lexicon."
    )
    max_connection_age_seconds: Seconds = Field(
        default=0.0, ge=0, description="Connections are renewed after this, calls under way finished; 0: never."
    )
    keepalive_seconds: Seconds = Field(default=60.0, gt=0, description="A quiet connection is asked whether it lives.")
    keepalive_timeout_seconds: Seconds = Field(default=20.0, gt=0, description="Time it has to answer that.")
    worker_memory_mb: Count = Field(default=1024, ge=64, description="A worker that has grown beyond this is replaced.")
    grace_seconds: Seconds = Field(
        default=10.0, ge=0, description="Time for calls under way once the server is told to stop."
    )
    lexicon_dir: str = Field(
        default="", description="Folder of `detect-icd lexicon import`; empty: the user's, where there is one."
    )
    necessity_dir: str = Field(
        default="", description="Folder of `detect-icd necessity import`; empty: the user's, where there is one."
    )
    reflection: bool = Field(default=True, description="Answer server reflection (grpcurl and the like).")
    channelz: bool = Field(default=False, description="Answer gRPC channelz (connections and their counts).")
    tls_certificate: str = Field(default="", description="PEM file of the server's certificate chain: TLS.")
    tls_key: str = Field(default="", description="PEM file of its private key.")
    tls_client_ca: str = Field(default="", description="PEM file of the authority of client certificates: mutual TLS.")
    auth_keys: str = Field(default="", description="File of hashed API keys (docs/operations.md).")
    auth_jwks: str = Field(default="", description="JWKS file of the keys that sign JWTs.")
    auth_issuer: str = Field(default="", description="Who must have issued a JWT (iss).")
    auth_audience: str = Field(default="", description="For whom a JWT must be (aud).")
    auth_leeway_seconds: float = Field(default=30.0, ge=0, le=300, description="Clock skew forgiven in JWTs.")
    rate_per_second: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000,
        description="Messages a second for each caller (without a name: each address); 0: no limit.",
    )
    rate_burst: Count = Field(default=100, ge=1, description="Messages a caller may make at once before that counts.")
    health_address: str = Field(
        default="", description="HOST:PORT of health alone in plain text, for probes that speak no TLS; empty: none."
    )
    metrics_address: str = Field(default="", description="HOST:PORT of Prometheus metrics over HTTP; empty: none.")
    traces_endpoint: str = Field(default="", description="OTLP/gRPC address for OpenTelemetry spans; empty: none.")
    traces_headers: SecretStr = Field(
        default=SecretStr(""), description="Headers for it, NAME=VALUE, comma between; may hold a secret."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log on stderr.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")

    @field_validator("address", "health_address", "metrics_address")
    @classmethod
    def _host_and_port(cls, value: str, info: ValidationInfo) -> str:
        found = _ADDRESS.fullmatch(value)
        if not (
            (found and int(found[1]) <= 65_535)
            or (info.field_name == "address" and value.startswith("unix:"))
            or (info.field_name != "address" and not value)
        ):
            raise ValueError("write it HOST:PORT, as in 127.0.0.1:50051 or [::1]:50051")
        return value

    @model_validator(mode="after")
    def _secure(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError("tls_client_ca asks for client certificates, which needs tls_certificate and tls_key")
        if self.auth_jwks and not (self.auth_issuer and self.auth_audience):
            raise ValueError(
                "auth_jwks needs auth_issuer and auth_audience: a token for another service is no permit here"
            )
        if not self.tls_certificate and not self.insecure_ok and not is_loopback(self.address):
            raise ValueError(
                f"{self.address} is not loopback and there is no TLS: give tls_certificate and tls_key, or say "
                "--insecure-ok (DETECT_ICD_INSECURE_OK=1) where something before this server encrypts"
            )
        return self

    @property
    def max_message_bytes(self) -> int:
        """Transport limit for requests: a text over the limit still arrives, and gets its clear error."""
        return 4 * self.max_text_bytes + 4 * 1024 * 1024

    def for_workers(self) -> str:
        """JSON of the settings that workers need: no secret, nothing of the network."""
        needed = {
            "lexicon_dir",
            "necessity_dir",
            "max_text_bytes",
            "max_open_documents",
            "max_open_bytes",
            "log_format",
            "log_level",
        }
        return json.dumps(self.model_dump(mode="json", include=needed))

    def shown(self) -> str:
        """JSON of all settings, secrets masked."""
        return self.model_dump_json(indent=2)


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Those of the environment that look like a setting and are none: a misspelt one would be silently without effect."""
    prefix = "DETECT_ICD_"
    settings = {f"{prefix}{name.upper()}" for name in ServerSettings.model_fields}
    ours = [name for name in names if name.upper().startswith(prefix) and name.upper() not in settings]
    return sorted(name for name in ours if not _FROM_ELSEWHERE.fullmatch(name.upper().removeprefix(prefix)))


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT can be reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
