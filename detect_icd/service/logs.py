"""The log on stderr: plain lines, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """time, level, logger, message, and the fields of `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; of an exception its type only, since its words may quote a text."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """Time, level, logger, message; likewise without the words of exceptions."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        error = f" ({record.exc_info[0].__name__})" if record.exc_info and record.exc_info[0] else ""
        fields = getattr(record, "fields", {})
        named = f" request_id={fields['request_id']}" if "request_id" in fields else ""
        return f"{when} {record.levelname} {record.name} {record.getMessage()}{error}{named}"


def set_up(form: str, level: str) -> None:
    """For the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # grpc.aio logs a handler's exception with its words and traceback, asyncio a callback's: JsonLines and PlainLines
    # print the type only.
