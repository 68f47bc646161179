"""Reads the files a user names, zip archives opened, with limits that no official release comes near."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from detect_icd.imports.facts import ImportRefusedError

MAX_BYTES = 200_000_000
"""Of one file, and of all files of an archive together, unpacked."""
MAX_MEMBERS = 100
MAX_RATIO = 100
"""Unpacked to packed size of a member; text packs to a tenth."""
_SKIPPED = (".pdf", ".doc", ".docx", ".xls", ".xlsx", ".rtf", ".xsd", ".htm", ".html")


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the file, or of each data file of a zip archive."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImportRefusedError(f"{path.name} has {size:,} bytes, more than the {MAX_BYTES:,} an import may have")
        data = path.read_bytes()
    except OSError as error:
        raise ImportRefusedError(f"{path.name}: {error.strerror}") from None
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _unpacked(path.name, data)
    else:
        yield path.name, data


def _unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.lower().endswith(_SKIPPED)]
            members = [m for m in members if not m.filename.startswith("__MACOSX")]
            _check(name, members)
            for member in members:
                with archive.open(member) as file:
                    content = file.read(member.file_size + 1)
                if len(content) != member.file_size:
                    raise ImportRefusedError(f"{name}: {member.filename} is not of the size the archive says")
                yield Path(member.filename).name, content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ImportRefusedError(f"{name} is a damaged, truncated or locked zip archive: download it again") from error


def _check(name: str, members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise ImportRefusedError(
            f"{name} holds no data file: expected the archive as published, with .txt or .xml inside"
        )
    if len(members) > MAX_MEMBERS:
        raise ImportRefusedError(
            f"{name} holds {len(members)} files, more than {MAX_MEMBERS}: no official release does"
        )
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise ImportRefusedError(f"{name} unpacks to more than {MAX_BYTES:,} bytes: no official release does")
    for member in members:
        if member.file_size > MAX_RATIO * max(member.compress_size, 1000):
            raise ImportRefusedError(
                f"{name}: {member.filename} unpacks to over {MAX_RATIO} times its size: not opened"
            )
