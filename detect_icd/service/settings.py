"""What can be set of a server: flags of `detect-icd serve`, or environment variables DETECT_ICD_* of the same names.

The one place: flags, their help, the README's table and `serve --print-config` are made from or tested against it.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from detect_icd.errors import DetectIcdError
from detect_icd.model import MAX_TEXT_BYTES


class SetUpError(DetectIcdError):
    """The server cannot be set up as its settings say."""

    reason = "SET_UP"


DEFAULT_ADDRESS = "127.0.0.1:50051"


class ServerSettings(BaseSettings):
    """One server's settings; a bad value raises pydantic's ValidationError naming the field."""

    model_config = SettingsConfigDict(env_prefix="DETECT_ICD_", frozen=True)

    address: str = Field(default=DEFAULT_ADDRESS, description="Where to listen, HOST:PORT; port 0 takes a free one.")
    insecure_ok: bool = Field(
        default=False, description="Speak plain text beyond loopback: only behind something that encrypts."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes; as many as cores to spare.")
    queue: int = Field(
        default=64, ge=0, description="Calls that may wait for a worker; further ones are asked to come back."
    )
    max_text_bytes: int = Field(
        default=MAX_TEXT_BYTES, ge=1, le=MAX_TEXT_BYTES, description="Longest text taken, in bytes of UTF-8."
    )
    max_streams: int = Field(default=1000, ge=1, description="Streams open at once.")
    max_open_documents: int = Field(default=64, ge=1, description="Documents open at once on one stream.")
    max_connection_calls: int = Field(default=1000, ge=1, description="Calls and streams at once on one connection.")
    max_seconds: float = Field(default=120.0, gt=0, description="Longest work on one message, whatever the deadline.")
    stuck_seconds: float = Field(
        default=10.0, gt=0, description="A worker that goes on so long after it was told to stop is killed."
    )
    stream_idle_seconds: float = Field(
        default=900.0, gt=0, description="A stream that sends nothing so long is closed."
    )
    stream_write_seconds: float = Field(
        default=60.0, gt=0, description="A stream whose client does not read an answer so long is closed."
    )
    max_stream_seconds: float = Field(
        default=14400.0, gt=0, description="Longest life of a stream, and of what it holds of an older lexicon."
    )
    max_connection_age_seconds: float = Field(
        default=0.0, ge=0, description="Connections are renewed after this, calls under way finished; 0: never."
    )
    keepalive_seconds: float = Field(default=60.0, gt=0, description="A quiet connection is asked whether it lives.")
    keepalive_timeout_seconds: float = Field(default=20.0, gt=0, description="Time it has to answer that.")
    worker_memory_mb: int = Field(default=1024, ge=64, description="A worker that has grown beyond this is replaced.")
    grace_seconds: float = Field(
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
    rate_per_second: float = Field(default=0.0, ge=0, description="Messages a second for each caller; 0: no limit.")
    rate_burst: int = Field(default=100, ge=1, description="Messages a caller may make at once before that counts.")
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
        needed = {"lexicon_dir", "necessity_dir", "max_text_bytes", "max_open_documents", "log_format", "log_level"}
        return json.dumps(self.model_dump(mode="json", include=needed))

    def shown(self) -> str:
        """JSON of all settings, secrets masked."""
        return self.model_dump_json(indent=2)


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT can be reached from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
