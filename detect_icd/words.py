"""Spelling variants of one word: the forms under which the lexicon may know what a note wrote.

One function serves the compiler (to fold the phrases onto one vocabulary) and the run time (to look
a word up in it), so that both always agree. Rules are of English spelling, never of medicine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MINIMUM = 5
"""Shorter words are left alone: "as" is no plural of "a", and "pus" none of "pu"."""

# British spelling -> American, applied in this order to a whole word.
_AMERICAN = (
    (re.compile(r"haem"), "hem"),
    (re.compile(r"leuco"), "leuko"),
    (re.compile(r"aem(?=i|ic)"), "em"),
    (re.compile(r"oedem"), "edem"),
    (re.compile(r"^oe(?=[a-z])"), "e"),
    (re.compile(r"rrhoe"), "rrhe"),
    (re.compile(r"foet"), "fet"),
    (re.compile(r"(?<=[a-z])oe(?=[mnlt])"), "e"),
    (re.compile(r"(?<=[a-z])ae(?=[a-z])"), "e"),
    (re.compile(r"^ae(?=[st])"), "e"),
    (re.compile(r"(?<=[mtvrl])our(?=$|s$|al$|ed$|ing$)"), "or"),
    (re.compile(r"isation"), "ization"),
    (re.compile(r"(?<=[a-z]{3})yse(?=$|d$|s$)"), "yze"),
    (re.compile(r"(?<=[a-z]{4})ise(?=$|d$|s$)"), "ize"),
    (re.compile(r"(?<=[a-z])ised$"), "ized"),
    (re.compile(r"(?<=[tbp])re(?=$|s$)"), "er"),
    (re.compile(r"ulph"), "ulf"),
    (re.compile(r"lled$"), "led"),
    (re.compile(r"pnoea"), "pnea"),
)

# (plural ending, singular ending), longest first.
_SINGULAR = (
    ("ices", "ix"),
    ("ices", "ex"),
    ("mata", "ma"),
    ("ies", "y"),
    ("ses", "sis"),
    ("xes", "x"),
    ("ses", "s"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ves", "f"),
    ("oes", "o"),
    ("ae", "a"),
    ("ges", "x"),
    ("ia", "ium"),
    ("ta", "tum"),
    ("i", "us"),
    ("s", ""),
)


def americanize(word: str) -> str:
    """The American spelling of a British one ("oesophageal haemorrhage"); others unchanged."""
    for pattern, replacement in _AMERICAN:
        word = pattern.sub(replacement, word)
    return word


def variants(word: str) -> Iterator[str]:
    """`word` itself, then the other forms that mean the same, most faithful first."""
    yield word
    if len(word) < _MINIMUM or not word.isascii():
        if len(word) == _MINIMUM - 1 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
            yield word[:-1]
        return
    american = americanize(word)
    if american != word:
        yield american
    for form in {word: None, american: None}:
        for ending, singular in _SINGULAR:
            if form.endswith(ending) and not form.endswith(("ss", "us", "is")):
                yield form[: -len(ending)] + singular
