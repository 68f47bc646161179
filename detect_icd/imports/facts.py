"""What an imported file says, in one shape for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
    left_out: int = 0

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Facts:
        """The way back."""
        phrases = tuple(ImportedPhrase(**phrase) for phrase in plain["phrases"])
        shorts = tuple((short, expansion) for short, expansion in plain["shorts"])
        return cls(**{**plain, "phrases": phrases, "shorts": shorts})

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
