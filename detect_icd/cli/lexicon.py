"""`detect-icd lexicon`: what the lexicon knows."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from detect_icd.errors import NotFoundError

app = typer.Typer(help="Look into the lexicon.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def lexicon() -> None:
    """Look into the lexicon."""


@app.command()
def explain(
    phrase: Annotated[str, typer.Argument(help="A phrase as a clinician writes it, in inverted commas.")],
) -> None:
    """Say which rows know a phrase and what it yields."""
    from detect_icd.formats.explanation import senses_table
    from detect_icd.imports.store import lexicon_in_force

    senses = lexicon_in_force().phrases.find(phrase)
    if not senses:
        raise NotFoundError("the lexicon does not know this phrase; `detect-icd detect` also reads its parts")
    Console().print(senses_table(phrase, senses))
