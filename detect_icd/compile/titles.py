"""Turns official titles into the phrases clinicians write.

"Unspecified mononeuropathy of left lower limb" is found in no note; "mononeuropathy of lower limb"
is. A title loses what only a classification says (unspecified, NOS, brackets, sides, encounters),
gains the orders and words of speech (rows of `title_rewrites.tsv`), and where several codes come
to one phrase, the phrase means their nearest common ancestor: refinement then picks the child.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from detect_icd.lexicon import Row, phrases_of
from detect_icd.text import normalize_phrase

_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_NOISE = re.compile(
    r"\b(?:unspecified(?: as to[^,]*)?|not otherwise specified|nos|nec|not elsewhere classified|"
    r"elsewhere classified|so stated|not specified as [^,]*|of unspecified (?:type|site|side|degree|etiology|organism)|"
    r"type unspecified|organism unspecified|right|left|bilateral|initial encounter|without (?:mention of )?complications?)\b"
)
_SIDE_TAIL = re.compile(r",?\s+(?:of |in |on )?(?:side|sides)\b$")
_SPACES = re.compile(r"\s+")
_EMPTY_OF = re.compile(r"\b(?:of|in|on|with|due to|and|or|at)\s*(?=$|,)|^(?:of|in|and|or)\b")
_COMMAS = re.compile(r"\s*,(?:\s*,)*\s*")
_SWAP = re.compile(r"^([a-z]+(?: [a-z]+)?) (?:of|in) ([a-z]+(?: [a-z]+){0,2})$")
_INVERTED = re.compile(r"^([^,]+), ([a-z]+(?: [a-z]+)?)$")
_CLASSIFIER = re.compile(r"\bother\b|\bclassified\b|\bspecified\b|\bdiseases of\b")

Phrase = tuple[str, ...]


def clean(title: str) -> str:
    """A title without what only a classification says; '' where nothing usable is left."""
    text = _BRACKETS.sub("", title).lower()
    text = _NOISE.sub("", text)
    text = _SPACES.sub(" ", text).strip(" ,;")
    text = _SIDE_TAIL.sub("", text)
    for _ in range(2):
        text = _EMPTY_OF.sub("", text).strip(" ,;")
    return _COMMAS.sub(", ", _SPACES.sub(" ", text)).strip(" ,;")


class Rewrites:
    """The rows of `title_rewrites.tsv`, ready to apply to a cleaned title."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [(re.compile(rf"^{row['find']}$"), phrases_of(row["replace"])) for row in rows]

    def __call__(self, cleaned: str) -> Iterator[str]:
        """Every wording of a cleaned title, itself first."""
        yield cleaned
        for pattern, replacements in self._rows:
            found = pattern.match(cleaned)
            if found:
                for replacement in replacements:
                    yield found.expand(replacement)
        swapped = _SWAP.match(cleaned)
        if swapped:
            yield f"{swapped[2]} {swapped[1]}"
        inverted = _INVERTED.match(cleaned)
        if inverted:
            yield f"{inverted[2]} {inverted[1]}"


def title_phrases(
    titles: Iterable[tuple[str, str]],
    rewrites: Rewrites,
    *,
    ancestors: Callable[[str], Sequence[str]],
    usable: Callable[[str, Phrase], bool],
) -> dict[Phrase, str]:
    """Phrase -> code node that exactly covers every code whose title (or inclusion term) says it.

    `titles` are (code, title) pairs, `ancestors(code)` lists a code's headers from the nearest up.
    A phrase whose codes share no category is left out: it would be ambiguous.
    """
    meaning: dict[Phrase, set[str]] = defaultdict(set)
    for code, title in titles:
        cleaned = clean(title)
        if not cleaned or _CLASSIFIER.search(cleaned):
            continue
        for wording in rewrites(cleaned):
            phrase = normalize_phrase(wording)
            if usable(code, phrase):
                meaning[phrase].add(code)
    found = {}
    for phrase, codes in meaning.items():
        node = common_ancestor(sorted(codes), ancestors)
        if node:
            found[phrase] = node
    return found


def common_ancestor(codes: Sequence[str], ancestors: Callable[[str], Sequence[str]]) -> str | None:
    """The nearest node that is one of, or above, all `codes`; None where they share no category."""
    paths = [[code, *ancestors(code)] for code in codes]
    for node in paths[0]:
        if all(node in path for path in paths[1:]):
            return node
    return None
