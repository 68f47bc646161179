"""`python -m detect_icd.compile.order`: puts the rows of every concept table into their one order (code, concept)."""

from __future__ import annotations

from pathlib import Path

LEXICON = Path(__file__).resolve().parents[2] / "lexicon"


def put_in_order(path: Path) -> None:
    """Rewrite one concept table with its rows sorted; an ordered one stays as it is."""
    header, *rows = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    ordered = sorted(rows, key=lambda row: (row.split("\t")[1], row.split("\t")[0]))
    if ordered != rows:
        path.write_text("\n".join([header, *ordered]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for table in sorted((LEXICON / "concepts").glob("*.tsv")):
        put_in_order(table)
