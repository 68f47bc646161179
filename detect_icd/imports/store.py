"""Keeps a user's imports: one lexicon bundle in one folder, made anew at each change and swapped in whole.

The bundle carries what was imported (`imports.json`), so that removing one import, or a newer detect-icd, can make it
again. A fault at any point leaves the bundle that was there.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detect_icd.compile.bundle import write_bundle
from detect_icd.errors import LexiconError, NotFoundError
from detect_icd.folders import user_folder
from detect_icd.imports.apply import apply
from detect_icd.imports.facts import Facts, ImportRefusedError, UnrecognisedError
from detect_icd.imports.files import contents
from detect_icd.imports.index import Template
from detect_icd.imports.recognise import read_facts
from detect_icd.lexicon import Lexicon

BUNDLE = "lexicon.bundle"
DIRECTORY_VARIABLE = "DETECT_ICD_LEXICON_DIR"
_OF_SITE = "site"


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """One import: what it is, of which release, from which file, and what it brought."""

    kind: str
    release: str
    file: str
    sha256: str
    imported_at: str
    counts: dict[str, int]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did with one file: `new` is false where the same bytes were there already."""

    record: ImportRecord
    new: bool


def default_directory() -> Path:
    """The folder of DETECT_ICD_LEXICON_DIR, else the user's data folder of this platform."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or user_folder() / "lexicon")


def lexicon_in_force(directory: str = "") -> Lexicon:
    """The lexicon of the folder, where it holds one, else the packaged one.

    A folder that was named (here or by the environment) must hold one.
    """
    named = directory or os.environ.get(DIRECTORY_VARIABLE, "")
    path = (Path(directory) if directory else default_directory()) / BUNDLE
    if not path.exists():
        if named:
            raise LexiconError(f"{named} holds no {BUNDLE}: import into it first, with `detect-icd lexicon import`")
        return Lexicon.default()
    lexicon = Lexicon(path)
    if lexicon.manifest.get("base") != Lexicon.default().version:
        raise LexiconError(f"{path.parent} was made with another detect-icd: run `detect-icd lexicon refresh`")
    return lexicon


class Store:
    """The imports of one folder. `now` gives the time that records carry."""

    def __init__(self, directory: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = directory / BUNDLE
        self._now = now

    def records(self) -> list[ImportRecord]:
        """What is imported, oldest first."""
        return [record for record, _ in self._load()]

    def add(self, files: Sequence[Path]) -> list[Imported]:
        """Import all files or, where one is refused, none: then ImportRefusedError and the old lexicon in force."""
        base = Lexicon.default()
        templates = Template.of(base.table("codeset/index_templates"))
        kept = self._load()
        known = {record.sha256: record for record, _ in kept}
        done: list[Imported] = []
        for path in files:
            recognised = 0
            for name, data in contents(path):
                digest = hashlib.sha256(data).hexdigest()
                if digest in known:
                    recognised += 1
                    done.append(Imported(known[digest], new=False))
                    continue
                try:
                    facts = read_facts(name, data, base.codeset, templates)
                except UnrecognisedError:
                    # Official archives hold the same list in several shapes; what is not one of ours is passed over.
                    if name == path.name:
                        raise
                    continue
                recognised += 1
                time = self._now().isoformat(timespec="seconds")
                record = ImportRecord(facts.kind, facts.release, name, digest, time, facts.counts, facts.left_out)
                # A newer copy of an official list takes the old one's place; a site may have many files of its own.
                kept = [(r, f) for r, f in kept if not _replaces(record, r)] + [(record, facts)]
                known[digest] = record
                done.append(Imported(record, new=True))
            if not recognised:
                raise UnrecognisedError(
                    f"{path.name} holds no list this program reads: `lexicon import --help` names them"
                )
        if any(item.new for item in done):
            self._write(base, kept)
        return done

    def remove(self, which: str) -> list[ImportRecord]:
        """Take out the imports of a kind, a file name or a SHA-256's beginning; NotFoundError where there is none."""
        kept = self._load()
        gone = [record for record, _ in kept if _named(record, which)]
        if not gone:
            raise NotFoundError(f"nothing imported is called {which!r}: `detect-icd lexicon list` shows what is there")
        rest = [(record, facts) for record, facts in kept if record not in gone]
        if rest:
            self._write(Lexicon.default(), rest)
        else:
            self.path.unlink()
        return gone

    def refresh(self) -> list[ImportRecord]:
        """Make the bundle again over this detect-icd's own lexicon."""
        kept = self._load()
        if kept:
            self._write(Lexicon.default(), kept)
        return [record for record, _ in kept]

    def _load(self) -> list[tuple[ImportRecord, Facts]]:
        if not self.path.exists():
            return []
        try:
            # Read past the bundle's format: after an update of detect-icd the imports are what must be saved.
            with zipfile.ZipFile(self.path) as bundle:
                rows = json.loads(bundle.read("imports.json"))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise LexiconError(f"{self.path} is damaged: delete it and import again") from error
        return [(ImportRecord(**row["record"]), Facts.from_plain(row["facts"])) for row in rows]

    def _write(self, base: Lexicon, kept: Iterable[tuple[ImportRecord, Facts]]) -> None:
        pairs = list(kept)
        members = apply(base, [facts for _, facts in pairs])
        rows = [{"record": asdict(record), "facts": facts.to_plain()} for record, facts in pairs]
        members["imports.json"] = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hashlib.sha256()
        for name in sorted(members.keys() - {"imports.json"}):
            digest.update(members[name])
        manifest: dict[str, Any] = {
            **base.manifest,
            "lexicon": digest.hexdigest()[:12],
            "base": base.version,
            "imports": [asdict(record) for record, _ in pairs],
        }
        members["manifest.json"] = json.dumps(manifest, ensure_ascii=False).encode()
        try:
            write_bundle(self.path, members)
        except OSError as error:
            raise ImportRefusedError(f"{self.path.parent} cannot be written: {error.strerror}") from None


def _replaces(new: ImportRecord, old: ImportRecord) -> bool:
    return new.kind == old.kind and new.release == old.release and not new.kind.startswith(_OF_SITE)


def _named(record: ImportRecord, which: str) -> bool:
    by_digest = len(which) >= 6 and record.sha256.startswith(which.lower())
    return by_digest or which in (record.kind, record.file)
