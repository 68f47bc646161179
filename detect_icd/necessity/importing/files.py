"""Opens what users have: CSV and text files in either encoding, alone or in zips within zips, always as a stream."""

from __future__ import annotations

import codecs
import csv
import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from detect_icd.errors import DetectIcdError

_CHUNK = 1 << 20
_MAX_DEPTH = 3
_MAX_BYTES = 16 << 30
"""Unpacked size beyond which an archive is refused: no official file comes near it."""

csv.field_size_limit(min(sys.maxsize, 1 << 30))


class ImportRefusedError(DetectIcdError):
    """A file cannot be imported; nothing was changed."""

    reason = "IMPORT_REFUSED"


@dataclass(frozen=True, slots=True)
class Member:
    """A file to read, unpacked; `name` in lower case without folders."""

    name: str
    path: Path

    def encoding(self) -> str:
        """UTF-8 where every byte fits it, else Windows-1252."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self.path.open("rb") as stream:
            try:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "cp1252"
        return "utf-8-sig"

    def rows(self, delimiter: str = ",") -> Iterator[list[str]]:
        """The rows as written; raises ImportRefusedError where the file is no table."""
        with self.path.open(encoding=self.encoding(), errors="replace", newline="") as stream:
            try:
                yield from csv.reader(stream, delimiter=delimiter)
            except csv.Error as error:
                raise ImportRefusedError(f"{self.name}: not a table ({error})") from None

    def records(self, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
        """The rows by column name (lower case); raises ImportRefusedError for a missing column or a torn row."""
        rows = self.rows()
        header = [cell.strip().lower() for cell in next(rows, [])]
        missing = [column for column in needed if column not in header]
        if missing:
            raise ImportRefusedError(f"{self.name}: the column {missing[0]} is missing")
        for number, row in enumerate(rows, 2):
            if not row:
                continue
            if len(row) != len(header):
                raise ImportRefusedError(
                    f"{self.name}: row {number} has {len(row)} cells, expected {len(header)}: is it cut off?"
                )
            yield dict(zip(header, row, strict=True))

    def head(self, size: int = 65536) -> str:
        """The beginning as text."""
        with self.path.open("rb") as stream:
            return stream.read(size).decode("utf-8", "replace")


def sha256_of(path: Path) -> str:
    """The file's digest."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def unpacked(path: Path) -> Iterator[list[Member]]:
    """Every file of a zip (and the zips in it), or the file itself; gone again afterwards."""
    with tempfile.TemporaryDirectory(prefix="detect-icd-") as folder:
        if not zipfile.is_zipfile(path):
            yield [Member(path.name.lower(), path)]
            return
        members: list[Member] = []
        try:
            _unpack(path, Path(folder), members, depth=1)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise ImportRefusedError(
                f"{path.name}: the archive is damaged ({type(error).__name__}): download it again"
            ) from None
        if not members:
            raise ImportRefusedError(f"{path.name}: the archive is empty")
        yield members


def _unpack(path: Path, folder: Path, members: list[Member], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ImportRefusedError(f"{path.name}: archives within archives, deeper than {_MAX_DEPTH}")
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
            raise ImportRefusedError(f"{path.name}: unpacks to more than any official file")
        for info in archive.infolist():
            name = info.filename.replace("\\", "/").rpartition("/")[2].lower()
            if info.is_dir() or not name or name.startswith("."):
                continue
            target = folder / f"{len(members)}-{depth}-{name}"
            with archive.open(info) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, _CHUNK)
            if name.endswith(".zip"):
                _unpack(target, folder, members, depth + 1)
                target.unlink()
            else:
                members.append(Member(name, target))


def iso_date(written: str) -> str:
    """A date of any official file as YYYY-MM-DD; "" for none, for the far future and for the sentinel of no end."""
    text = written.strip()
    if not text or text == "*":
        return ""
    head = text[:10]
    try:
        if head[:4].isdigit() and head[4:5] == "-":
            day = date.fromisoformat(head)
        elif text[:8].isdigit() and len(text) >= 8:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        elif "/" in head:
            month, number, year = text.split(" ")[0].split("/")
            day = date(int(year), int(month), int(number))
        else:
            return ""
    except ValueError:
        return ""
    return "" if day.year >= 9999 else day.isoformat()
