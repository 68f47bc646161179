"""What can be set of a server: flags of `detect-icd serve`, or environment variables DETECT_ICD_* of the same names."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from detect_icd.model import MAX_TEXT_BYTES

DEFAULT_ADDRESS = "127.0.0.1:50051"


class ServerSettings(BaseSettings):
    """One server's settings; a bad value raises pydantic's ValidationError naming the field."""

    model_config = SettingsConfigDict(env_prefix="DETECT_ICD_", frozen=True)

    address: str = Field(default=DEFAULT_ADDRESS, description="Where to listen, HOST:PORT; port 0 takes a free one.")
    max_text_bytes: int = Field(
        default=MAX_TEXT_BYTES, ge=1, le=MAX_TEXT_BYTES, description="Longest text taken, in bytes of UTF-8."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Detections at work at once.")
    queue: int = Field(
        default=64, ge=0, description="Calls that may wait for a worker; further ones are asked to come back."
    )
    max_streams: int = Field(default=1000, ge=1, description="Streams open at once.")
    max_open_documents: int = Field(default=64, ge=1, description="Documents open at once on one stream.")
    lexicon_dir: str = Field(
        default="", description="Folder of `detect-icd lexicon import`; empty: the user's, where there is one."
    )
    necessity_dir: str = Field(
        default="", description="Folder of `detect-icd necessity import`; empty: the user's, where there is one."
    )
    reflection: bool = Field(default=True, description="Answer server reflection (grpcurl and the like).")
    grace_seconds: float = Field(
        default=10.0, ge=0, description="Time for calls under way once the server is told to stop."
    )

    @property
    def max_message_bytes(self) -> int:
        """Transport limit for requests: a text over the limit still arrives, and gets its clear error."""
        return 4 * self.max_text_bytes + 4 * 1024 * 1024
