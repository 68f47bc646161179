"""`detect-icd stream`: text as it is typed or piped, mentions as they settle."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from detect_icd.cli import options
from detect_icd.cli.exits import UsageError

DOCUMENT = "stream"


def stream(
    *,
    target: Annotated[str, typer.Option("--target", metavar="HOST:PORT", help="The server.")] = "127.0.0.1:50051",
    date_of_service: options.DateOfService = "",
    setting: options.SettingName = "",
) -> None:
    """Send standard input to a server as it comes, and print mentions as they settle.

    Type, end with Ctrl-D; or pipe a text in. The tables of the whole text come last.
    """
    from detect_icd.client import Client, StreamError, appended, closed, opened
    from detect_icd.formats.table import detection_table
    from detect_icd.formats.words import assertion_words, one_line
    from detect_icd.model import Settled

    request = options.request("", date_of_service, setting, DOCUMENT)

    def messages() -> Iterator[object]:
        yield opened(request)
        for line in _lines():
            yield appended(DOCUMENT, line)
        yield closed(DOCUMENT)

    console = Console()
    with Client(target) as client:
        for answer in client.detect_stream(messages()):  # type: ignore[arg-type]
            if isinstance(answer, StreamError):
                raise answer.error
            if isinstance(answer, Settled):
                for m in answer.mentions:
                    said = (
                        f"{m.span.start}-{m.span.end}",
                        one_line(m.text),
                        m.concept.name,
                        assertion_words(m.assertion),
                    )
                    sys.stdout.write("\t".join(said) + "\n")
                sys.stdout.flush()
            else:
                console.print()
                console.print(detection_table(answer))


def _lines() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(f"line {number} of standard input is not UTF-8 text: convert it first") from None
