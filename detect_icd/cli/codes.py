"""`detect-icd code`, `search` and `validate`: questions about codes, answered here or by a server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from detect_icd import validation
from detect_icd.cli import options
from detect_icd.cli.exits import UsageError
from detect_icd.codes.catalog import Catalog
from detect_icd.codes.model import CheckedClaim, CheckedCode, Claim, CodeRecord, SearchPage
from detect_icd.errors import DetectIcdError, NotFoundError
from detect_icd.imports.store import lexicon_in_force
from detect_icd.model import Patient, Setting, Sex


class Format(StrEnum):
    """How the answer is shown."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to show the answer.")]
LexiconDir = Annotated[
    str,
    typer.Option("--lexicon-dir", metavar="DIR", help="Lexicon with imports; default the user's, else the packaged."),
]


def code(
    code: Annotated[str, typer.Argument(metavar="CODE", help="An ICD-10-CM code, with the dot or without.")],
    *,
    target: options.Target = "",
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    lexicon_dir: LexiconDir = "",
) -> None:
    """Tell all about one code on a day: title, place, validity, notes, 7th characters.

    A code that no release has is an answer too: what it may have meant is shown.
    """
    day = validation.optional_date(date_of_service, "date_of_service")
    with _answering(target, lexicon_dir) as codes:
        try:
            record = codes.get(code, day)
        except DetectIcdError as error:
            if error.reason != NotFoundError.reason:
                raise
            claim = codes.validate(Claim((code,), day))
            _show(form, claim.codes[0], Text(_said(claim.codes[0])))
        else:
            _show(form, record, _record_view(record))


def search(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS...", help="Words, an abbreviation or a code's beginning.")
    ],
    *,
    target: options.Target = "",
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    billable: Annotated[bool, typer.Option("--billable", help="Only codes a claim may carry.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Most codes to show.")] = 20,
    lexicon_dir: LexiconDir = "",
) -> None:
    """Find codes by words, best first; typing errors are forgiven."""
    day = validation.optional_date(date_of_service, "date_of_service")
    with _answering(target, lexicon_dir) as codes:
        page = codes.search(" ".join(words), day, billable_only=billable, page_size=limit)
    _show(form, page, _page_view(page))


def validate(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="The claim's codes in their order.")],
    *,
    target: options.Target = "",
    form: FormatOption = Format.TABLE,
    date_of_service: options.DateOfService = "",
    setting: options.SettingName = "",
    sex: Annotated[str, typer.Option("--sex", metavar="FEMALE|MALE", help="The patient's sex, where known.")] = "",
    age: Annotated[
        int | None, typer.Option("--age", min=0, max=150, help="The patient's age in years, where known.")
    ] = None,
    lexicon_dir: LexiconDir = "",
) -> None:
    """Check a claim's list of codes on a day.

    A wrong code is an answer, not a failure: the exit code is 0.
    """
    claim = Claim(
        tuple(codes),
        validation.optional_date(date_of_service, "date_of_service"),
        validation.optional_enum(Setting, setting, "setting") or Setting.OUTPATIENT,
        Patient(sex=validation.optional_enum(Sex, sex, "sex"), age_years=age),
    )
    with _answering(target, lexicon_dir) as answering:
        checked = answering.validate(claim)
    _show(form, checked, _claim_view(checked))


class _Answering(NamedTuple):
    """Who answers: this machine's catalog or a server."""

    get: Callable[[str, date | None], CodeRecord]
    search: Callable[..., SearchPage]
    validate: Callable[[Claim], CheckedClaim]


@contextmanager
def _answering(target: str, lexicon_dir: str) -> Iterator[_Answering]:
    if target and lexicon_dir:
        raise UsageError("--lexicon-dir goes without --target: a server has a lexicon of its own")
    if target:
        from detect_icd.client import Client

        with Client(target) as client:
            yield _Answering(client.get_code, client.search_codes, client.validate_codes)
    else:
        catalog = Catalog(lexicon_in_force(lexicon_dir))
        yield _Answering(catalog.get, catalog.search, catalog.validate)


def _show(form: Format, answer: object, view: RenderableType) -> None:
    if form is Format.JSON:
        from detect_icd.formats.json import dump_page, to_plain

        sys.stdout.write(dump_page(to_plain(answer)) + "\n")
    else:
        Console(file=sys.stdout).print(view)


def _record_view(record: CodeRecord) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    title = record.description if record.own_title else f"{record.description} (its own title needs `lexicon import`)"
    rows: list[tuple[str, str]] = [
        (record.code, title),
        ("status", f"{record.status} in {record.code_set.name}"),
        ("chapter", f"{record.chapter.id} {record.chapter.title}"),
        ("block", f"{record.block.id} {record.block.title}"),
        *(("billable", f"{period.effective_from} to {period.effective_until}") for period in record.periods),
        *(("under", f"{parent.code} {parent.description}") for parent in record.parents),
        *(("child", f"{child.code} {child.description}") for child in record.children),
        *(("before", f"{other.code} {other.description}") for other in record.predecessors),
        *(("instead", f"{other.code} {other.description}") for other in record.successors),
        *((note.kind.lower().replace("_", " "), f"{note.text}  [{note.at}]") for note in record.notes),
        *(("7th", f"{item.character} {item.meaning}") for item in record.seventh_characters),
        *((flag.name, f"{flag.meaning} ({flag.source})") for flag in record.flags),
    ]
    before = ""
    for name, value in rows:
        table.add_row(Text(name if name != before else "", style="bold"), Text(value))
        before = name
    return table


def _page_view(page: SearchPage) -> RenderableType:
    if not page.results:
        return Text("nothing found: try fewer or other words")
    table = Table(box=None)
    for column in ("code", "description", "billable", "score"):
        table.add_column(column)
    for found in page.results:
        billable = "yes" if found.billable else "no"
        table.add_row(Text(found.code, style="bold"), Text(found.description), billable, f"{found.score:.2f}")
    return table


def _claim_view(claim: CheckedClaim) -> RenderableType:
    table = Table(box=None)
    for column in ("code", "status", "description"):
        table.add_column(column)
    for item in claim.codes:
        table.add_row(Text(item.code, style="bold"), str(item.status), Text(item.description))
    parts: list[RenderableType] = [table]
    parts += [Text(_said(item)) for item in claim.codes if item.problem]
    for alert in claim.alerts:
        parts.append(Text(f"{alert.severity}: {alert.message} ({alert.source})"))
        parts += [Text(f"    {note.at}: {note.text}") for note in alert.notes]
    return Group(*parts)


def _said(item: CheckedCode) -> str:
    instead = ", ".join(suggestion.code for suggestion in item.suggestions[:8])
    return item.message + (f": {instead}" if instead else "")
