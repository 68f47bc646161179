"""`detect-icd serve`: the gRPC server. Its flags are the settings (service.settings), one for one."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from detect_icd.cli.exits import UsageError
from detect_icd.service.settings import ServerSettings, unknown_variables

PRINT_CONFIG = "print_config"


def serve(**flags: Any) -> None:
    """Serve detection over gRPC until stopped (SIGTERM, Ctrl-C); SIGHUP reads the lexicon again.

    Every option can be given as environment variable too: DETECT_ICD_ADDRESS, DETECT_ICD_MAX_TEXT_BYTES ...
    """
    shown = flags.pop(PRINT_CONFIG, False)
    settings = settings_of({name: value for name, value in flags.items() if value is not None})
    if shown:
        sys.stdout.write(settings.shown() + "\n")
        return
    run(settings)


def _option(name: str, setting: FieldInfo) -> Parameter:
    kind: Any = setting.annotation
    if get_origin(kind) is Literal:
        kind, choices = str, f" ({'|'.join(get_args(kind))})"
    else:
        kind, choices = (str if kind is SecretStr else kind), ""
    option = typer.Option(help=f"{setting.description}{choices} [{default_shown(setting)}]")
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


def default_shown(setting: FieldInfo) -> str:
    """A setting's default as help and README show it."""
    default = setting.get_default()
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, float):
        return f"{default:g}"
    return "none" if default == "" or isinstance(default, SecretStr) else str(default)


_PRINT = Parameter(
    PRINT_CONFIG,
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--print-config", help="Print all settings, secrets masked, and end.")],
)
_PARAMETERS = [*(_option(name, setting) for name, setting in ServerSettings.model_fields.items()), _PRINT]
# typer reads a function's signature; this one's is made of the settings, so that nothing stands twice.
serve.__signature__ = Signature(_PARAMETERS)  # type: ignore[attr-defined]
serve.__annotations__ = {parameter.name: parameter.annotation for parameter in _PARAMETERS}


def settings_of(flags: dict[str, Any]) -> ServerSettings:
    """Of flags and environment; raises UsageError naming the flag at fault."""
    from pydantic import ValidationError

    for name in unknown_variables(os.environ):
        known = [f"DETECT_ICD_{field.upper()}" for field in ServerSettings.model_fields]
        near = get_close_matches(name.upper(), known, 1)
        raise UsageError(f"{name} is no setting" + (f": is {near[0]} meant?" if near else "; see --help"))
    try:
        return ServerSettings(**flags)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        words = fault["msg"].removeprefix("Value error, ")
        name = "_".join(map(str, fault["loc"]))
        where = f"--{name.replace('_', '-')} (DETECT_ICD_{name.upper()}): " if name else ""
        raise UsageError(where + words) from None


def run(settings: ServerSettings) -> None:
    """Serve; the first line on stdout names the address once calls are taken."""
    from detect_icd.service import logs
    from detect_icd.service.server import serve as serve_until_stopped
    from detect_icd.service.settings import SetUpError

    logs.set_up(settings.log_format, settings.log_level)
    try:
        serve_until_stopped(settings, _say_ready)
    except SetUpError as error:
        raise UsageError(error.message) from None


def _say_ready(address: str) -> None:
    sys.stdout.write(f"detect-icd is listening on {address}\n")
    sys.stdout.flush()
