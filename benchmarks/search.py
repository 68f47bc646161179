"""Measures search: quality on the everyday phrasings, the same with one slip of the pen each, and milliseconds a search.

python benchmarks/search.py [--misses]
"""

from __future__ import annotations

import csv
import random
import sys
import time
from datetime import date
from pathlib import Path

from detect_icd.codes.catalog import Catalog
from detect_icd.lexicon import Lexicon

PHRASINGS = Path(__file__).parents[1] / "tests" / "search" / "everyday_phrasings.tsv"
DAY = date(2026, 11, 1)
SHORTEST = 5


def slip(query: str, chance: random.Random) -> str | None:
    """The query with one letter of its longest word dropped, doubled, changed or swapped; None where all are short."""
    words = query.split()
    place = max(range(len(words)), key=lambda n: len(words[n]))
    word = words[place]
    if len(word) < SHORTEST:
        return None
    at, letter = chance.randrange(1, len(word) - 1), chance.choice("aeiourstln")
    forms = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    words[place] = chance.choice(forms)
    return " ".join(words)


def main() -> None:
    """Print the figures."""
    started = time.perf_counter()
    catalog = Catalog(Lexicon.default())
    print(f"ready in {time.perf_counter() - started:.2f} s")
    with PHRASINGS.open(encoding="utf-8", newline="") as file:
        rows = [(row["query"], row["codes"].split()) for row in csv.DictReader(file, delimiter="\t")]
    chance = random.Random(5)
    slipped = [(wrong, codes) for query, codes in rows if (wrong := slip(query, chance))]
    for name, queries in (("as written", rows), ("with a slip", slipped)):
        places, milliseconds = [], []
        for query, codes in queries:
            before = time.process_time()
            results = catalog.search(query, DAY, page_size=5).results
            milliseconds.append((time.process_time() - before) * 1000)
            places.append(next((n for n, result in enumerate(results) if result.code in codes), 99))
            if "--misses" in sys.argv and places[-1]:
                print(f"  {query}: {[result.code for result in results]}, expected {codes}")
        count = len(queries)
        first, five = sum(p == 0 for p in places) / count, sum(p < 5 for p in places) / count
        milliseconds.sort()
        p50, p95 = milliseconds[count // 2], milliseconds[int(count * 0.95)]
        print(f"{name}: {count} searches, first {first:.1%}, in five {five:.1%}, {p50:.1f} ms median, {p95:.1f} ms p95")


if __name__ == "__main__":
    main()
