"""`detect-icd detect`: one document, here or on a server."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from detect_icd.cli import options
from detect_icd.cli.exits import UsageError
from detect_icd.model import Detection


class Format(StrEnum):
    """How the answer is shown."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def detect(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Text file; - is standard input.")] = options.STDIN,
    *,
    target: options.Target = "",
    form: Annotated[Format, typer.Option("--format", help="How to show the answer.")] = Format.TABLE,
    date_of_service: options.DateOfService = "",
    setting: options.SettingName = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show for each mention its words, cues, rules and lexicon rows.")
    ] = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to the terminal.")
    ] = "",
    timeout: options.Timeout = options.DEFAULT_TIMEOUT_SECONDS,
) -> None:
    """Find and code the diagnoses of one document.

    Works here without a server, or asks one with --target; both print the same.
    """
    if explain and form is not Format.TABLE:
        raise UsageError("--explain goes with --format table: json and html carry the evidence already")
    text = options.read_text(file)
    name = "" if file == options.STDIN else Path(file).name
    with options.detector(target, timeout) as run:
        detection = run(options.request(text, date_of_service, setting, name))
    if output:
        with Path(output).open("w", encoding="utf-8", newline="\n") as out:
            _show(text, detection, form, explain, Console(file=out, width=120))
    else:
        _show(text, detection, form, explain, Console(file=sys.stdout))


def _show(text: str, detection: Detection, form: Format, explain: bool, console: Console) -> None:
    if form is Format.JSON:
        from detect_icd.formats.json import dump_page, to_plain

        console.file.write(dump_page(to_plain(detection)) + "\n")
    elif form is Format.HTML:
        from detect_icd.formats.html import detection_page

        console.file.write(detection_page(text, detection))
    else:
        from detect_icd.formats.table import detection_table

        console.print(detection_table(detection))
        if explain:
            from detect_icd.formats.explanation import explanation

            console.print(explanation(detection), soft_wrap=True)
