"""Options that several commands share, and what they mean."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from detect_icd import validation
from detect_icd.batch.lines import Detect
from detect_icd.cli.exits import UsageError
from detect_icd.errors import InvalidRequestError
from detect_icd.model import DetectRequest, Setting

STDIN = "-"
DEFAULT_TIMEOUT_SECONDS = 60.0

Target = Annotated[str, typer.Option("--target", metavar="HOST:PORT", help="Ask this server instead of working here.")]
DateOfService = Annotated[
    str,
    typer.Option(
        "--date-of-service", metavar="YYYY-MM-DD", help="Chooses the code set and the policies; default today."
    ),
]
SettingName = Annotated[
    str,
    typer.Option("--setting", metavar="OUTPATIENT|INPATIENT", help="Whose coding rules apply; default OUTPATIENT."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds to wait for the server's answer.")]


def request(text: str, date_of_service: str, setting: str, document_id: str = "") -> DetectRequest:
    """The request that the options describe."""
    return DetectRequest(
        text,
        document_id=document_id,
        date_of_service=validation.optional_date(date_of_service, "date_of_service"),
        setting=validation.optional_enum(Setting, setting, "setting") or Setting.OUTPATIENT,
    )


@contextmanager
def detector(target: str, timeout: float) -> Iterator[Detect]:
    """A server's `detect` where there is a target, else this machine's."""
    if target:
        from detect_icd.client import Client

        with Client(target, timeout=timeout) as client:
            yield client.detect
    else:
        from detect_icd.detector import Detector
        from detect_icd.imports.store import lexicon_in_force

        yield Detector(lexicon_in_force()).detect


def read_text(name: str) -> str:
    """A whole file or standard input as text: nothing is changed in it, so that offsets count the file's own characters."""
    shown = "standard input" if name == STDIN else name
    path = Path(name)
    if name != STDIN and not path.exists():
        raise UsageError(f"{shown}: there is no such file")
    if name != STDIN and path.is_dir():
        raise UsageError(f"{shown} is a directory: give a text file")
    try:
        data = sys.stdin.buffer.read() if name == STDIN else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            f"{shown} is not UTF-8 text (byte {error.start}): binary data, or another encoding to convert first",
            field="text",
            reason="INVALID_UNICODE",
        ) from None
    validation.check_piece(text)
    return text
