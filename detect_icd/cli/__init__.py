"""The command `detect-icd`: one module a command, errors as one line on stderr, exit codes as the contract says."""

from __future__ import annotations

import sys

import typer

from detect_icd.cli import batch, codes, detect, imports, lexicon, necessity, serve, stream, version
from detect_icd.cli.exits import fault_of

app = typer.Typer(
    name="detect-icd",
    help="ICD-10-CM diagnoses in clinical text: found, asserted, coded and explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("detect")(detect.detect)
app.command("batch")(batch.batch)
app.command("stream")(stream.stream)
app.command("code")(codes.code)
app.command("search")(codes.search)
app.command("validate")(codes.validate)
app.command("serve")(serve.serve)
lexicon.app.command("import")(imports.import_files)
lexicon.app.command("list")(imports.list_imports)
lexicon.app.command("remove")(imports.remove)
lexicon.app.command("refresh")(imports.refresh)
app.add_typer(lexicon.app, name="lexicon")
app.add_typer(necessity.app, name="necessity")
app.command("version")(version.version)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    try:
        code = app(arguments, prog_name="detect-icd", standalone_mode=False)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        code = 0
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        if fault.message:
            sys.stderr.write(f"detect-icd: {fault.message}\n")
        code = fault.exit_code
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
