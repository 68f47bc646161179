"""`detect-icd batch`: a corpus, line by line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from detect_icd.batch import run
from detect_icd.batch.lines import AbortBatchError, Detect
from detect_icd.cli import options
from detect_icd.cli.exits import DOCUMENT_CODES, FAILED, SERVER, UsageError
from detect_icd.model import Detection, DetectRequest


def batch(
    input_file: Annotated[
        str, typer.Argument(metavar="INPUT.jsonl", help="Lines of {id, text, ...}; - is standard input.")
    ],
    output_file: Annotated[str, typer.Argument(metavar="OUTPUT.jsonl", help="Where to write; - is standard output.")],
    *,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes here, calls at once there.")] = 1,
    target: options.Target = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the lines that OUTPUT has already.")] = False,
    date_of_service: options.DateOfService = "",
    setting: options.SettingName = "",
    timeout: options.Timeout = options.DEFAULT_TIMEOUT_SECONDS,
) -> None:
    """Find and code the diagnoses of many documents.

    One output line for each input line, in order: the detection, or {document_id, line, error}. A request's fields
    may stand in the line; the options hold for lines without them. Exit code 1: some documents failed.
    """
    defaults = options.request("", date_of_service, setting)
    _check_paths(input_file, output_file, resume)
    with ExitStack() as stack:
        source = _open(stack, input_file, "rb", sys.stdin.buffer)
        skip = run.lines_written(Path(output_file)) if resume else 0
        sink = _open(stack, output_file, "ab" if resume else "wb", sys.stdout.buffer)
        if target:
            submit = stack.enter_context(_remote(target, timeout, workers, defaults))
        else:
            submit = stack.enter_context(run.in_processes(workers, defaults))
        on_progress = stack.enter_context(_progress_bar(source))
        tally = run.run_batch(source, sink, submit, workers=workers, skip=skip, on_progress=on_progress)
        sink.flush()
    skipped = f", {tally.skipped} were there already" if resume else ""
    sys.stderr.write(f"{tally.done} documents, {tally.failed} failed{skipped}\n")
    if tally.failed:
        raise typer.Exit(FAILED)


def _check_paths(input_file: str, output_file: str, resume: bool) -> None:
    if input_file != options.STDIN and not Path(input_file).is_file():
        what = "is a directory" if Path(input_file).is_dir() else "there is no such file"
        raise UsageError(f"{input_file}: {what}; give a file of JSON lines")
    if output_file != options.STDIN and Path(output_file).is_dir():
        raise UsageError(f"{output_file} is a directory: give a file to write to")
    if resume and output_file == options.STDIN:
        raise UsageError("--resume needs an output file: what went to standard output cannot be counted")
    both_files = options.STDIN not in (input_file, output_file) and Path(output_file).exists()
    if both_files and Path(input_file).samefile(output_file):
        raise UsageError("input and output are the same file: give another name to write to")


def _open(stack: ExitStack, name: str, mode: str, standard: BinaryIO) -> BinaryIO:
    if name == options.STDIN:
        return standard
    return cast(BinaryIO, stack.enter_context(Path(name).open(mode)))


@contextmanager
def _remote(target: str, timeout: float, workers: int, defaults: DetectRequest) -> Iterator[run.Submit]:
    from detect_icd.client import Client

    with (
        Client(target, timeout=timeout) as client,
        run.in_threads(workers, defaults, _stopping(client.detect)) as submit,
    ):
        yield submit


def _stopping(detect: Detect) -> Detect:
    """A client's `detect` that ends the run where the server itself is at fault: no line may blame its document."""
    from detect_icd.client import ServerError

    def run_one(request: DetectRequest) -> Detection:
        try:
            return detect(request)
        except ServerError as error:
            if error.code in DOCUMENT_CODES:
                raise
            raise AbortBatchError(f"{error.message} (go on with --resume)", exit_code=SERVER) from None

    return run_one


@contextmanager
def _progress_bar(source: BinaryIO) -> Iterator[Callable[[int], None]]:
    """On a terminal only; counts bytes, since lines are not known before they are read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    size = os.fstat(source.fileno()).st_size or None
    columns = ("reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("batch", total=size)
        yield lambda count: progress.advance(task, count)
