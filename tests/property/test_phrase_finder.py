"""The trie walk against a brute-force oracle: of overlapping phrases the longest wins, then the leftmost."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from detect_icd.lexicon import FIRST_WORD, Phrases
from detect_icd.stages.phrases import Found, PhraseFinder

WORDS = ["acute", "renal", "failure", "with", "necrosis", "of", "left"]
INSIDE = {"left", "acute"}


def lexicon_of(phrases: list[tuple[str, ...]]) -> Phrases:
    number = {word: n for n, word in enumerate(sorted(WORDS))}
    keys = sorted({"".join(chr(FIRST_WORD + number[w]) for w in phrase) for phrase in phrases})
    return Phrases(
        {
            "words": sorted(WORDS),
            "aliases": {},
            "concepts": [],
            "phrases": [(k, []) for k in keys],
            "titles": [[], [], []],
        }
    )


def oracle(lexicon: Phrases, words: list[str]) -> list[Found]:
    """Tries every stretch of the text, with every choice of up to three inner words left out."""
    known = {key: n for n, key in enumerate(lexicon.keys)}
    found = set()
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            inner = [i for i in range(first + 1, last - 1) if words[i] in INSIDE]
            for size in range(min(3, len(inner)) + 1):
                for left_out in combinations(inner, size):
                    kept = [words[i] for i in range(first, last) if i not in left_out]
                    number = known.get(lexicon.key(kept))
                    if number is not None:
                        found.add(Found(first, last, number))
    kept_apart: list[Found] = []
    for one in sorted(found, key=lambda f: (f.first - f.last, f.first)):
        if all(one.last <= other.first or other.last <= one.first for other in kept_apart):
            kept_apart.append(one)
    return sorted(kept_apart, key=lambda f: f.first)


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(tuple), min_size=1, max_size=8),
    st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=12),
)
def test_the_walk_finds_what_brute_force_finds(phrases: list[tuple[str, ...]], words: list[str]) -> None:
    lexicon = lexicon_of(phrases)
    found = PhraseFinder(lexicon, INSIDE).scan(tuple(words)).find(0, len(words))
    assert [(f.first, f.last) for f in found] == [(f.first, f.last) for f in oracle(lexicon, words)]


def test_a_longer_phrase_that_starts_later_wins() -> None:
    lexicon = lexicon_of([("acute", "renal", "failure"), ("renal", "failure", "with", "necrosis")])
    found = PhraseFinder(lexicon, set()).scan(("acute", "renal", "failure", "with", "necrosis")).find(0, 5)
    assert [(f.first, f.last) for f in found] == [(1, 5)]


def test_of_two_phrases_over_the_same_words_the_one_that_says_all_wins() -> None:
    lexicon = lexicon_of([("renal", "failure"), ("renal", "acute", "failure")])
    found = PhraseFinder(lexicon, INSIDE).scan(("renal", "acute", "failure")).find(0, 3)
    assert [lexicon.keys[f.number] for f in found] == [lexicon.key(["renal", "acute", "failure"])]
