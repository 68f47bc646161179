"""`detect-icd serve`: the gRPC server."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import typer

from detect_icd.cli.exits import UsageError


def serve(
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one. [127.0.0.1:50051]"),
    ] = None,
    *,
    max_text_bytes: Annotated[int | None, typer.Option(help="Longest text taken, bytes of UTF-8. [1048576]")] = None,
    workers: Annotated[int | None, typer.Option(help="Detections at work at once. [2]")] = None,
    queue: Annotated[int | None, typer.Option(help="Calls that may wait for a worker. [64]")] = None,
    max_streams: Annotated[int | None, typer.Option(help="Streams open at once. [1000]")] = None,
    max_open_documents: Annotated[int | None, typer.Option(help="Documents open at once on one stream. [64]")] = None,
    lexicon_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of `lexicon import`. [the user's]")
    ] = None,
    reflection: Annotated[bool | None, typer.Option(help="Answer server reflection (grpcurl). [yes]")] = None,
    grace_seconds: Annotated[float | None, typer.Option(help="Time for calls under way at the end. [10]")] = None,
) -> None:
    """Serve detection over gRPC until stopped (SIGTERM, Ctrl-C).

    Every option can be given as environment variable too: DETECT_ICD_ADDRESS, DETECT_ICD_MAX_TEXT_BYTES ...
    """
    flags = {
        "address": address,
        "max_text_bytes": max_text_bytes,
        "workers": workers,
        "queue": queue,
        "max_streams": max_streams,
        "max_open_documents": max_open_documents,
        "lexicon_dir": lexicon_dir,
        "reflection": reflection,
        "grace_seconds": grace_seconds,
    }
    run({name: value for name, value in flags.items() if value is not None})


def run(flags: dict[str, Any]) -> None:
    """Load the detector and serve; the first line on stdout names the address once calls are taken."""
    from pydantic import ValidationError

    from detect_icd.detector import Detector
    from detect_icd.imports.store import lexicon_in_force
    from detect_icd.service.server import AddressError
    from detect_icd.service.server import serve as serve_until_stopped
    from detect_icd.service.settings import ServerSettings

    try:
        settings = ServerSettings(**flags)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = "_".join(map(str, fault["loc"]))
        raise UsageError(f"--{name.replace('_', '-')} (DETECT_ICD_{name.upper()}): {fault['msg']}") from None
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    detector = Detector(lexicon_in_force(settings.lexicon_dir))
    try:
        serve_until_stopped(detector, settings, _say_ready)
    except AddressError as error:
        raise UsageError(error.message) from None


def _say_ready(address: str) -> None:
    sys.stdout.write(f"detect-icd is listening on {address}\n")
    sys.stdout.flush()
