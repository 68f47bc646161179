"""Imports a site's own payer policies and indications: YAML or JSON of the published schema `policies.schema.json`."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from detect_icd.necessity.importing.article import ParsedRule
from detect_icd.necessity.importing.files import ImportRefusedError, Member
from detect_icd.necessity.importing.mcd import new_list, save_rule
from detect_icd.necessity.jurisdiction import Jurisdictions

KIND, NAME = "local", "Own policies"
_MAX_BYTES = 64 << 20
_TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,)}


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The published JSON schema."""
    text = (files("detect_icd.necessity") / "policies.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def recognises(member: Member) -> bool:
    """Whether the file is of this form, by its name."""
    return member.name.endswith((".yaml", ".yml", ".json"))


def read(member: Member) -> dict[str, Any]:
    """The file, checked against the schema; raises ImportRefusedError naming the place of the fault."""
    import yaml

    if member.path.stat().st_size > _MAX_BYTES:
        raise ImportRefusedError(f"{member.name}: larger than {_MAX_BYTES >> 20} MB")
    try:
        found = yaml.load(member.path.read_bytes().decode("utf-8-sig"), Loader=_text_loader())  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark else ""
        raise ImportRefusedError(f"{member.name}: not YAML{at}") from None
    fault = next(faults(found, schema(), ""), None)
    if fault:
        raise ImportRefusedError(f"{member.name}: {fault}")
    plain: dict[str, Any] = found
    return plain


@lru_cache(maxsize=1)
def _text_loader() -> Any:
    """Reads 64450 and 2026-10-01 as the text they are: only true and false mean something else."""
    import yaml

    class TextLoader(yaml.SafeLoader):
        """Safe, and without numbers and dates."""

    TextLoader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":bool", ":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return TextLoader


def faults(value: object, rule: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with a value by the schema's words used here, each with its place."""
    where = at or "the file"
    kind = rule.get("type")
    if kind and not isinstance(value, _TYPES[kind]):
        yield f"{where} must be of type {kind}"
        return
    if "enum" in rule and value not in rule["enum"]:
        yield f"{where} must be one of {', '.join(rule['enum'])}"
    if isinstance(value, str):
        if len(value) < rule.get("minLength", 0):
            yield f"{where} is empty"
        if "pattern" in rule and not re.search(rule["pattern"], value):
            yield f"{where}: {value[:20]!r} has not the form of a code"
        if rule.get("format") == "date" and not _is_date(value):
            yield f"{where} must be a date written YYYY-MM-DD"
    if isinstance(value, list):
        if len(value) < rule.get("minItems", 0):
            yield f"{where} is empty"
        for number, item in enumerate(value):
            yield from faults(item, rule.get("items", {}), f"{at}[{number}]")
    if isinstance(value, dict):
        properties = rule.get("properties", {})
        for name in rule.get("required", ()):
            if name not in value:
                yield f"{where}: {name} is missing"
        for name, inner in value.items():
            if name in properties:
                yield from faults(inner, properties[name], f"{at}.{name}" if at else str(name))
            elif rule.get("additionalProperties") is False:
                yield f"{where}: {name!r} is not known here"


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def load(db: sqlite3.Connection, plain: Mapping[str, Any], jurisdictions: Jurisdictions) -> dict[str, int]:
    """Put it into the store (within the caller's transaction); returns counts."""
    for payer in plain.get("payers", ()):
        for name in (payer["id"], payer["name"], *payer.get("aliases", ())):
            db.execute("INSERT INTO payer VALUES (?, ?, ?)", (KIND, payer["id"], name))
    diagnoses = 0
    for policy in plain.get("policies", ()):
        diagnoses += _policy(db, policy, jurisdictions)
    for row in plain.get("indications", ()):
        codes = "/".join(code.rstrip("-").rstrip(".") for code in row["diagnoses"])
        db.execute(
            "INSERT INTO indication VALUES (?,?,?,?,?,?)",
            (
                KIND,
                row["procedure"],
                codes,
                row.get("role", "ANY"),
                row["note"],
                row.get("source") or f"own, {plain['release']}",
            ),
        )
    return {
        "policies": len(plain.get("policies", ())),
        "diagnoses": diagnoses,
        "indications": len(plain.get("indications", ())),
    }


def _policy(db: sqlite3.Connection, policy: Mapping[str, Any], jurisdictions: Jurisdictions) -> int:
    states = [_state(jurisdictions, state, policy["id"]) for state in policy.get("states", ())]
    contractors = [jurisdictions.contractor(name) for name in policy.get("contractors", ())]
    payers: Sequence[str] = policy.get("payers", ())
    if policy["kind"] == "PAYER" and not payers:
        raise ImportRefusedError(f"policy {policy['id']}: a payer's policy names its payers")
    key = db.execute(
        "INSERT INTO policy(source, id, version, kind, publisher, title, link, effective_from, effective_until, everywhere,"
        " provenance, states, contractors, payers) VALUES (?,?,?,?,?,?,?,?,?,?,'CURATED',?,?,?)",
        (
            KIND, policy["id"], policy.get("version", ""), policy["kind"], policy["publisher"], policy.get("title", ""),
            policy.get("link", ""), policy.get("effective_from", ""), policy.get("effective_until", ""),
            int(not contractors), "/".join(states), "/".join(contractors), "/".join(payers),
        ),
    ).lastrowid  # fmt: skip
    assert key is not None
    count = 0
    for position, rule in enumerate(policy["rules"]):
        codes = [re.sub(r"\.?-$", "-", code) for code in rule.get("diagnoses", ())]
        if rule["says"] in ("SUPPORTS", "EXCLUDES") and not codes:
            raise ImportRefusedError(f"policy {policy['id']}: a rule that {rule['says'].lower()} names diagnoses")
        listed = None
        if codes:
            listed = new_list(db)
            db.executemany("INSERT OR IGNORE INTO diagnosis VALUES (?, ?, 0)", [(listed, code) for code in codes])
        parsed = ParsedRule(
            str(position + 1), rule["says"], tuple(rule["procedures"]), rule.get("role", "ANY"),
            only_with=tuple(rule.get("only_with", ())), closed=rule.get("closed", True), message=rule.get("message", ""),
        )  # fmt: skip
        save_rule(db, key, position, parsed, listed)
        count += len(codes)
    return count


def _state(jurisdictions: Jurisdictions, written: str, policy: str) -> str:
    found = jurisdictions.state_or_none(written)
    if found is None:
        raise ImportRefusedError(f"policy {policy}: {written!r} is no state")
    return found
