"""What an imported file says, in one shape for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from detect_icd.errors import LexiconError


class ImportRefusedError(LexiconError):
    """The file was not taken; the lexicon in force is as it was. Says what was expected and what was found."""

    reason = "IMPORT_REFUSED"


class UnrecognisedError(ImportRefusedError):
    """The file is of no kind this program reads."""


@dataclass(frozen=True, slots=True)
class ImportedPhrase:
    """A wording for a code. `detect`: also looked for in notes, not only searched."""

    code: str
    text: str
    detect: bool = False


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release newer than the packaged ones: its days, both included, and the codes a claim may carry."""

    name: str
    fiscal_year: int
    effective_from: date
    effective_until: date
    billable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The content of one file. `kind` names the format, `release` what the file says it is of."""

    kind: str
    release: str
    titles: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, list[list[str]]] = field(default_factory=dict)
    seventh: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    phrases: tuple[ImportedPhrase, ...] = ()
    shorts: tuple[tuple[str, str], ...] = ()
    flags: Mapping[str, list[str]] = field(default_factory=dict)
    new_release: NewRelease | None = None
    left_out: int = 0

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        plain = asdict(self)
        if self.new_release is not None:
            for day in ("effective_from", "effective_until"):
                plain["new_release"][day] = plain["new_release"][day].isoformat()
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Facts:
        """The way back."""
        phrases = tuple(ImportedPhrase(**phrase) for phrase in plain["phrases"])
        shorts = tuple((short, expansion) for short, expansion in plain["shorts"])
        new = plain.get("new_release")
        if new is not None:
            days = {day: date.fromisoformat(new[day]) for day in ("effective_from", "effective_until")}
            new = NewRelease(**{**new, **days, "billable": tuple(new["billable"])})
        return cls(**{**plain, "phrases": phrases, "shorts": shorts, "new_release": new})

    @property
    def counts(self) -> dict[str, int]:
        """How much of what it brings."""
        brought = {
            "titles": self.titles,
            "notes": self.notes,
            "phrases": self.phrases,
            "abbreviations": self.shorts,
            "flags": [code for codes in self.flags.values() for code in codes],
        }
        return {name: len(items) for name, items in brought.items() if items}


def dotted(code: str) -> str:
    """A code as official files write it, with its dot."""
    return code if len(code) <= 3 or "." in code else f"{code[:3]}.{code[3:]}"
