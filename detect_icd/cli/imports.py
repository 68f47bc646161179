"""`detect-icd lexicon import`, `list`, `remove`, `refresh`: official lists and a site's words beside the packaged lexicon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detect_icd.imports.store import Store, default_directory

Directory = Annotated[
    str,
    typer.Option(
        "--lexicon-dir",
        metavar="DIR",
        help="Folder of the imports; default DETECT_ICD_LEXICON_DIR or the user's data folder.",
    ),
]


def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Official lists as published (zip files too), OBO, or your TSV."),
    ],
    *,
    lexicon_dir: Directory = "",
) -> None:
    """Read official ICD-10-CM lists or your own words into your lexicon.

    What a file is shows in its content. All files are taken or, where one is refused, none. Importing a file again changes
    nothing.
    """
    for item in _store(lexicon_dir).add(files):
        record = item.record
        brought = ", ".join(f"{count:,} {name}" for name, count in record.counts.items())
        left = f" ({record.left_out:,} entries without a code known were left out)" if record.left_out else ""
        done = f"imported {brought}{left}" if item.new else "was imported already"
        typer.echo(f"{record.file}: {' '.join(part for part in (record.kind, record.release) if part)}: {done}")


def list_imports(*, lexicon_dir: Directory = "") -> None:
    """Show what is imported, with release, time and SHA-256."""
    store = _store(lexicon_dir)
    records = store.records()
    if not records:
        typer.echo(f"nothing is imported ({store.path.parent})")
        return
    table = Table(box=None)
    for column in ("kind", "release", "file", "imported", "brought", "sha256"):
        table.add_column(column)
    for record in records:
        brought = ", ".join(f"{count} {name}" for name, count in record.counts.items())
        cells = (record.kind, record.release, record.file, record.imported_at, brought, record.sha256[:12])
        table.add_row(*map(Text, cells))
    Console().print(table)


def remove(
    which: Annotated[str, typer.Argument(metavar="KIND|FILE|SHA256", help="As `lexicon list` shows it.")],
    *,
    lexicon_dir: Directory = "",
) -> None:
    """Take an import out of your lexicon."""
    for record in _store(lexicon_dir).remove(which):
        typer.echo(f"{record.file}: {record.kind} {record.release} removed")


def refresh(*, lexicon_dir: Directory = "") -> None:
    """Join your imports to the lexicon of this detect-icd, after an update of it."""
    typer.echo(f"{len(_store(lexicon_dir).refresh())} imports joined anew")


def _store(lexicon_dir: str) -> Store:
    return Store(Path(lexicon_dir) if lexicon_dir else default_directory())
