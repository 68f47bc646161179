"""`detect-icd necessity`: does the documentation support a procedure, and what is known of it."""

from __future__ import annotations

import dataclasses
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from detect_icd import validation
from detect_icd.cli import options
from detect_icd.cli.exits import UsageError
from detect_icd.errors import InvalidRequestError
from detect_icd.necessity.model import NecessityRequest

app = typer.Typer(help="Medical necessity of procedures.", no_args_is_help=True, rich_markup_mode=None)


class Format(StrEnum):
    """How the answer is shown."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to show the answer.")]
DataDir = Annotated[
    str,
    typer.Option(
        "--necessity-dir",
        metavar="DIR",
        help="Folder of imported coverage data; default DETECT_ICD_NECESSITY_DIR or the user's data folder.",
    ),
]


@app.callback()
def necessity() -> None:
    """Medical necessity of procedures."""


@app.command()
def check(
    claim: Annotated[
        str,
        typer.Argument(metavar="[CLAIM.json|-]", help="The claim as JSON; - is standard input; none: the note alone."),
    ] = "",
    *,
    note: Annotated[str, typer.Option("--note", metavar="FILE", help="The clinical note, a text file.")] = "",
    target: options.Target = "",
    form: FormatOption = Format.TABLE,
    necessity_dir: DataDir = "",
    timeout: options.Timeout = options.DEFAULT_TIMEOUT_SECONDS,
) -> None:
    """Say for each line of a claim whether policies and the note support it.

    An unsupported line is an answer, not a failure.
    """
    if not claim and not note:
        raise UsageError("give a claim, a note (--note FILE), or both")
    request = _request(claim)
    if note:
        document = request.document
        text = options.read_text(note)
        from detect_icd.model import DetectRequest

        document = dataclasses.replace(document, text=text) if document else DetectRequest(text)
        request = dataclasses.replace(request, document=document)
    if target:
        from detect_icd.client import Client

        with Client(target, timeout=timeout) as client:
            verdict = client.check_necessity(request)
    else:
        verdict = _checker(necessity_dir).check(request)
    from detect_icd.formats.necessity_table import verdict_table

    _show(form, verdict, verdict_table(verdict))


@app.command()
def procedure(
    code: Annotated[str, typer.Argument(metavar="PROCEDURE", help="A procedure code, as in 0441T.")],
    *,
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    necessity_dir: DataDir = "",
) -> None:
    """Tell all that is known of a procedure: facts, modifiers, limits, policies."""
    from detect_icd.formats.necessity_table import procedure_table
    from detect_icd.necessity.lookup import procedure_record

    found = _checker(necessity_dir)
    day = validation.optional_date(date_of_service, "date_of_service")
    record = procedure_record(found, _codeset(), code, day)
    _show(form, record, procedure_table(record))


@app.command()
def diagnoses(
    code: Annotated[str, typer.Argument(metavar="PROCEDURE", help="A procedure code, as in 0441T.")],
    *,
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    state: Annotated[str, typer.Option("--state", help="Only policies that bind in this state.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most diagnoses to show.")] = 100,
    necessity_dir: DataDir = "",
) -> None:
    """List the diagnoses that support a procedure, and who says so."""
    from detect_icd.formats.necessity_table import diagnoses_table
    from detect_icd.necessity.lookup import supporting_diagnoses

    day = validation.optional_date(date_of_service, "date_of_service")
    found = supporting_diagnoses(_checker(necessity_dir), _codeset(), code, day, state=state, page_size=limit)
    _show(form, found, diagnoses_table(found))


@app.command()
def procedures(
    codes: Annotated[list[str] | None, typer.Argument(metavar="[CODE...]", help="ICD-10-CM codes.")] = None,
    *,
    note: Annotated[str, typer.Option("--note", metavar="FILE", help="A clinical note to detect diagnoses in.")] = "",
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    necessity_dir: DataDir = "",
) -> None:
    """List the procedures that diagnoses, or those of a note, indicate."""
    from detect_icd.formats.necessity_table import procedures_table
    from detect_icd.model import DetectRequest

    if not codes and not note:
        raise UsageError("give ICD-10-CM codes or a note (--note FILE)")
    document = DetectRequest(options.read_text(note)) if note else None
    day = validation.optional_date(date_of_service, "date_of_service")
    found = _checker(necessity_dir).supported(tuple(codes or ()), document, day)
    _show(form, found, procedures_table(found))


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Official files as downloaded (zip files too), or your YAML."),
    ],
    *,
    accept_cms_ama_terms: Annotated[
        bool,
        typer.Option(
            "--accept-cms-ama-terms", help="You hold the licence CMS asks for; descriptors are dropped all the same."
        ),
    ] = False,
    necessity_dir: DataDir = "",
) -> None:
    """Read official coverage files, or your own policies, into your coverage data.

    What a file is shows in its content. A file is taken whole or refused with a reason; importing it again changes nothing.
    """
    from detect_icd.imports.store import lexicon_in_force
    from detect_icd.necessity.default import store_path
    from detect_icd.necessity.importing.run import import_file

    lexicon = lexicon_in_force()
    for file in files:
        for done in import_file(file, store_path(necessity_dir), lexicon, accept_ama_terms=accept_cms_ama_terms):
            brought = ", ".join(f"{count:,} {name}" for name, count in done.counts.items())
            said = f"imported {brought}" if done.new else "was imported already"
            typer.echo(f"{done.file}: {' '.join(part for part in (done.name, done.release) if part)}: {said}")


@app.command("list")
def list_imports(*, necessity_dir: DataDir = "") -> None:
    """Show what is imported, with release, time and SHA-256."""
    from detect_icd.necessity.default import store_path
    from detect_icd.necessity.store import CoverageStore

    path = store_path(necessity_dir)
    if not path.exists():
        typer.echo(f"nothing is imported ({path.parent})")
        return
    for name, release, file, digest, at in CoverageStore(path).records():
        typer.echo(f"{name} {release}: {file}, {at}, sha256 {digest}")


@app.command()
def schema() -> None:
    """Print the JSON schema of your own policies and indications."""
    from detect_icd.formats.json import dump_page
    from detect_icd.necessity.importing.local import schema as published

    sys.stdout.write(dump_page(published()) + "\n")


def _request(claim: str) -> NecessityRequest:
    from detect_icd.formats.json import parse_object
    from detect_icd.formats.necessity import necessity_from_plain

    if not claim:
        return NecessityRequest()
    if claim != options.STDIN and not Path(claim).exists():
        raise UsageError(f"{claim}: there is no such file")
    data = sys.stdin.buffer.read() if claim == options.STDIN else Path(claim).read_bytes()
    try:
        return necessity_from_plain(parse_object(data))
    except InvalidRequestError as error:
        if error.reason == "INVALID_JSON":
            raise UsageError(
                f"{claim}: not a JSON object: a claim looks as `detect-icd necessity check --help` says"
            ) from None
        raise


def _checker(directory: str) -> Any:
    from detect_icd.detector import Detector
    from detect_icd.imports.store import lexicon_in_force
    from detect_icd.necessity.default import checker

    lexicon = lexicon_in_force()
    return checker(lexicon, _Lazy(lambda: Detector(lexicon)), directory)


def _codeset() -> Any:
    from detect_icd.imports.store import lexicon_in_force

    return lexicon_in_force().codeset


class _Lazy:
    """A detector that is made when a note is there to read: a claim alone needs none."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def detect(self, request: Any, *, checkpoint: Any) -> Any:
        return self._make().detect(request, checkpoint=checkpoint)


def _show(form: Format, answer: Any, table: RenderableType) -> None:
    if form is Format.JSON:
        from detect_icd.formats.json import dump_page, to_plain

        sys.stdout.write(dump_page(to_plain(answer)) + "\n")
    else:
        Console(file=sys.stdout).print(table)
