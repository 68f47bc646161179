"""Reads the authored tables of `lexicon/`: TSV with a fixed header, checked against a schema.

A fault is an error, never a warning: a damaged fact must not reach a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from detect_icd.errors import LexiconError


@dataclass(frozen=True, slots=True)
class Schema:
    """What a table must look like: its columns in order, and those that may be empty."""

    columns: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))


def read_table(path: Path, schema: Schema) -> list[dict[str, str]]:
    """The rows of one table, each with `_at` ("file:line"); raises LexiconError naming the line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    header = tuple(lines[0].split("\t"))
    if header != schema.columns:
        raise LexiconError(f"{path.name}:1: columns must be {', '.join(schema.columns)}; found {', '.join(header)}")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        cells = line.split("\t")
        where = f"{path.name}:{number}"
        if len(cells) != len(header):
            raise LexiconError(f"{where}: {len(cells)} cells, expected {len(header)}")
        row = dict(zip(header, cells, strict=True))
        for column, cell in row.items():
            if cell != cell.strip():
                raise LexiconError(f"{where}: column {column!r} has white space around its value")
            if not cell and column not in schema.optional:
                raise LexiconError(f"{where}: column {column!r} is empty")
            allowed = schema.values.get(column)
            if allowed is not None and cell and cell not in allowed:
                raise LexiconError(f"{where}: {column} {cell!r} is not one of {', '.join(sorted(allowed))}")
        row["_at"] = where
        rows.append(row)
    return rows
