"""Turns frozen dataclasses into plain dicts and back, driven by their fields alone.

JSON and protobuf carry the same fields under the same names, so one walk over the model serves both; they differ
only in how an enum value is written. The contract's form: every field present and in its order, scores rounded to
4 decimals, dates ISO, None as the empty value of its type.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from detect_icd.validation import enum_prefix

SCORE_DECIMALS = 4
UNSPECIFIED = "UNSPECIFIED"

Convert = Callable[[Any], Any]
Getter = Callable[[Any, str], Any]


def encoder(kind: Any, *, numbered_enums: bool = False) -> Convert:
    """A function from a value of `kind` to str, int, float, bool, None, list and dict.

    Enum values become their names, or with `numbered_enums` the proto's numbers: a member's place counted from 1,
    0 for None. None of a number stays None (a field with presence).
    """
    return _encoder(kind, numbered_enums)


@lru_cache(maxsize=256)
def _encoder(kind: Any, numbered_enums: bool) -> Convert:
    origin = typing.get_origin(kind)
    if origin is tuple:
        item = _encoder(typing.get_args(kind)[0], numbered_enums)
        return lambda values: [item(value) for value in values]
    if origin in (types.UnionType, typing.Union):
        inner_kind = _without_none(kind)
        inner = _encoder(inner_kind, numbered_enums)
        empty = _empty(inner_kind, numbered_enums)
        return lambda value: empty if value is None else inner(value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        plan = [(field.name, _encoder(hints[field.name], numbered_enums)) for field in dataclasses.fields(kind)]
        return lambda value: {name: convert(getattr(value, name)) for name, convert in plan}
    if issubclass(kind, StrEnum):
        if numbered_enums:
            numbers = {member: n for n, member in enumerate(kind, 1)}
            return lambda value: numbers[kind(value)]
        return lambda value: str(kind(value))
    if issubclass(kind, date):
        return lambda value: value.isoformat()
    if issubclass(kind, float):
        return lambda value: round(float(value), SCORE_DECIMALS)
    return _same


def decoder(kind: Any, get: Getter) -> Convert:
    """The way back; `get(source, name)` reads a field (a dict's or a message's), None where it is missing.

    Enum values come as names, with or without prefix, or as the proto's numbers. For answers of a server of the same
    contract: an unknown enum value of a newer one becomes None where the model allows that, else the type's first.
    """
    return _decoder(kind, get)


@lru_cache(maxsize=256)
def _decoder(kind: Any, get: Getter) -> Convert:
    origin = typing.get_origin(kind)
    if origin is tuple:
        item = _decoder(typing.get_args(kind)[0], get)
        return lambda values: tuple(item(value) for value in _each(values))
    if origin in (types.UnionType, typing.Union):
        inner_kind = _without_none(kind)
        if issubclass(inner_kind, StrEnum):
            return _enum_reader(inner_kind, None)
        inner = _decoder(inner_kind, get)
        return lambda value: None if value is None or value == "" else inner(value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        plan = [(field.name, _decoder(hints[field.name], get)) for field in dataclasses.fields(kind)]
        make: Any = kind
        return lambda source: make(**{name: convert(get(source, name)) for name, convert in plan})
    if issubclass(kind, StrEnum):
        return _enum_reader(kind, next(iter(kind)))
    if issubclass(kind, date):
        return date.fromisoformat
    return lambda value: kind() if value is None else kind(value)


def _enum_reader(kind: type[StrEnum], otherwise: StrEnum | None) -> Convert:
    prefix = enum_prefix(kind)
    known: dict[str | int, StrEnum] = {}
    for n, member in enumerate(kind, 1):
        known.update({n: member, str(member): member, prefix + member: member})
    return lambda value: known.get(value, otherwise)


def _without_none(kind: Any) -> Any:
    return next(part for part in typing.get_args(kind) if part is not type(None))


def _empty(kind: Any, numbered_enums: bool) -> Any:
    if issubclass(kind, StrEnum):
        return 0 if numbered_enums else UNSPECIFIED
    return "" if issubclass(kind, date | str) else None


def _each(values: Iterable[Any] | None) -> Iterable[Any]:
    return () if values is None else values


def _same(value: Any) -> Any:
    return value
