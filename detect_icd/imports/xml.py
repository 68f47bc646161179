"""Parses XML that others wrote: whole, plain and without entities, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from detect_icd.imports.facts import ImportRefusedError

MAX_DEPTH = 64


def parse(name: str, data: bytes) -> Element:
    """The root element; ImportRefusedError for what is truncated, of a wrong encoding, or declares entities."""
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ImportRefusedError(f"{name} nests elements deeper than {MAX_DEPTH}: no official list does")
        builder.start(tag, dict(attributes))

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def entity(*_: object) -> NoReturn:
        raise ImportRefusedError(f"{name} declares entities, which no official list does: not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = entity
    parser.UnparsedEntityDeclHandler = entity
    parser.ExternalEntityRefHandler = entity
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        place = f"line {getattr(error, 'lineno', '?')}"
        raise ImportRefusedError(
            f"{name} is no complete XML file ({place}): truncated, or of another encoding than it says; download it again"
        ) from error
    return builder.close()


def known_elements(name: str, root: Element, known: frozenset[str], schema: str) -> None:
    """Refuses a file with elements that the format did not have when this reader was written."""
    foreign = sorted({element.tag for element in root.iter()} - known)
    if foreign:
        raise ImportRefusedError(
            f"{name} has elements this reader does not know ({', '.join(foreign[:5])}): expected {schema}; "
            "a newer format needs a newer detect-icd"
        )


def version_of(name: str, root: Element) -> str:
    """The year in the file's version element."""
    text = (root.findtext("version") or "").strip()
    if not (text.isdigit() and len(text) == 4):
        raise ImportRefusedError(f"{name} has no version element with a year, as <version>2027</version>")
    return f"FY{text}"


def text_of(element: Element | None) -> str:
    """All text in the element, white space made one."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
