"""Lays the sample articles out as the Medicare Coverage Database export is: zip in zip of CSVs. `make mcd-export OUT=file.zip`."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATE = "2024-01-01 00:00:00"


def shared() -> Path:
    """The folder of measuring data."""
    return Path(os.environ.get("DETECT_ICD_SHARED") or ROOT.parent / "shared") / "data" / "necessity"


def samples(folder: Path) -> list[dict]:
    return [
        article for path in sorted(folder.glob("*.json")) for article in json.loads(path.read_text(encoding="utf-8"))
    ]


def tables(articles: Iterable[dict], columns: dict[str, list[str]]) -> dict[str, list[dict[str, str]]]:
    """Table name -> rows, of the columns that have a value."""
    made: dict[str, list[dict[str, str]]] = {
        name: [] for name in columns if name.startswith(("article", "contractor", "state"))
    }
    states: dict[str, str] = {}
    contractors: dict[tuple[str, tuple[str, ...]], str] = {}
    for article in articles:
        key = {"article_id": article["id"], "article_version": article["version"]}
        made["article.csv"].append(
            {
                **key,
                "title": html.escape(article["title"]),
                "display_id": article["displayId"],
                "status": "A",
                "article_eff_date": DATE,
            }
        )
        places = tuple(article["states"])
        for name in article["contractors"]:
            number = contractors.setdefault((name, places), str(len(contractors) + 1))
            made["article_x_contractor.csv"].append(
                {**key, "contractor_id": number, "contractor_type_id": "9", "contractor_version": "1"}
            )
        for part, group, code, table in (
            ("codes", "hcpc_code_group", "hcpc_code_id", "article_x_hcpc_code"),
            ("covered", "icd10_covered_group", "icd10_code_id", "article_x_icd10_covered"),
            ("noncovered", "icd10_noncovered_group", "icd10_code_id", "article_x_icd10_noncovered"),
        ):
            for number, listed in article[part].items():
                for one in listed:
                    row = {**key, group: number, code: one}
                    if part == "covered":
                        row["asterisk"] = "1" if one in article["asterisked"] else "0"
                    made[f"{table}.csv"].append(row)
            for number in {*article[part], *article["paragraphs"][part]}:
                text = article["paragraphs"][part].get(number, "")
                made[f"{table}_group.csv"].append(
                    {**key, group: number, "paragraph": f"&lt;p&gt;{html.escape(html.escape(text))}&lt;/p&gt;"}
                )
    for (name, places), number in contractors.items():
        made["contractor.csv"].append(
            {
                "contractor_id": number,
                "contractor_type_id": "9",
                "contractor_version": "2",
                "contractor_bus_name": name,
                "contractor_number": f"1{number:>04}",
            }
        )
        for place in places:
            state = states.setdefault(place, str(len(states) + 1))
            made["contractor_jurisdiction.csv"].append(
                {"contractor_id": number, "contractor_type_id": "9", "contractor_version": "1", "state_id": state}
            )
    made["contractor_type_lookup.csv"].append({"contractor_type_id": "9", "description": "MAC - Part A and B"})
    for place, state in states.items():
        made["state_lookup.csv"].append({"state_id": state, "state_abbrev": place, "description": place})
    return made


def write(articles: Iterable[dict], columns: dict[str, list[str]], out: Path, encoding: str = "utf-8") -> None:
    """The export as one zip that holds a zip of CSVs."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables(articles, columns).items():
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, columns[name], restval="")
            writer.writeheader()
            writer.writerows(rows)
            archive.writestr(name, text.getvalue().encode(encoding, "xmlcharrefreplace"))
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("current_article_csv.zip", inner.getvalue())


def main() -> int:
    folder = shared()
    if not folder.is_dir():
        sys.stderr.write(f"the sample articles are not there ({folder}): set DETECT_ICD_SHARED\n")
        return 2
    if len(sys.argv) != 2:
        sys.stderr.write("usage: make mcd-export OUT=file.zip\n")
        return 2
    columns = json.loads((folder / "mcd_csv_columns.json").read_text(encoding="utf-8"))
    write(samples(folder / "mcd_samples"), columns, Path(sys.argv[1]))
    sys.stdout.write(f"{sys.argv[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
