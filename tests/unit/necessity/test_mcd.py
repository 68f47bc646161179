"""The Medicare Coverage Database export: joins, sentinels, states, equipment contractors, determinations."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import pytest

from detect_icd.lexicon import Lexicon
from detect_icd.necessity.importing.files import ImportRefusedError
from detect_icd.necessity.importing.run import import_file
from detect_icd.necessity.store import CoverageStore

ARTICLE = {"article_id": "1", "article_version": "3"}
TABLES = {
    "article.csv": [{**ARTICLE, "title": "Old", "article_version": "2", "status": "A"}, {**ARTICLE, "title": "A &amp;lt;b&amp;gt;title&amp;lt;/b&amp;gt;", "display_id": "A1", "status": "A", "article_eff_date": "2024-02-01 00:00:00", "article_end_date": "9999-12-31"}],
    "article_x_hcpc_code.csv": [{**ARTICLE, "hcpc_code_id": "11111", "hcpc_code_group": "1", "long_description": ""}],
    "article_x_hcpc_code_group.csv": [{**ARTICLE, "hcpc_code_group": "1", "paragraph": "N/A"}],
    "article_x_icd10_covered.csv": [
        {**ARTICLE, "icd10_code_id": "A00.0", "icd10_covered_group": "1", "asterisk": "*"},
        {**ARTICLE, "icd10_code_id": "A00.1", "icd10_covered_group": "1", "asterisk": ""},
        {**ARTICLE, "icd10_code_id": "XX000", "icd10_covered_group": "2", "asterisk": ""},
    ],
    "article_x_icd10_covered_group.csv": [{**ARTICLE, "icd10_covered_group": "1", "paragraph": "x" * 200_000, "icd10_covered_ast": "Only in &amp;quot;winter&amp;quot;."}],
    "article_x_contractor.csv": [{**ARTICLE, "contractor_id": "10", "contractor_type_id": "9", "contractor_version": "1"}],
    "contractor.csv": [
        {"contractor_id": "10", "contractor_type_id": "9", "contractor_version": "5", "contractor_bus_name": "Wellpoint Federal", "contractor_number": "13102"},
        {"contractor_id": "10", "contractor_type_id": "9", "contractor_version": "4", "contractor_bus_name": "Former Name", "contractor_number": "13102"},
        {"contractor_id": "20", "contractor_type_id": "9", "contractor_version": "1", "contractor_bus_name": "Former Name", "contractor_number": "13102"},
        {"contractor_id": "30", "contractor_type_id": "4", "contractor_version": "1", "contractor_bus_name": "Noridian Healthcare Solutions, LLC", "contractor_number": "19003"},
    ],
    "contractor_jurisdiction.csv": [
        {"contractor_id": "20", "contractor_type_id": "9", "state_id": "1"},
        {"contractor_id": "20", "contractor_type_id": "9", "state_id": "2"},
        {"contractor_id": "20", "contractor_type_id": "9", "state_id": "4", "term_date": "2020-01-01"},
        {"contractor_id": "30", "contractor_type_id": "4", "state_id": "3"},
    ],
    "contractor_type_lookup.csv": [{"contractor_type_id": "9", "description": "MAC - Part B"}, {"contractor_type_id": "4", "description": "DME MAC"}],
    "state_lookup.csv": [
        {"state_id": "1", "state_abbrev": "NY", "description": "New York - Upstate"},
        {"state_id": "2", "state_abbrev": "", "description": "Connecticut"},
        {"state_id": "3", "state_abbrev": "TX", "description": "Texas"},
        {"state_id": "4", "state_abbrev": "OH", "description": "Ohio"},
    ],
    "lcd.csv": [{"lcd_id": "7", "lcd_version": "1", "title": "Equipment", "display_id": "L7", "status": "A"}],
    "lcd_x_hcpc_code.csv": [{"lcd_id": "7", "lcd_version": "1", "hcpc_code_id": "E0100", "hcpc_code_group": "1"}],
    "lcd_x_contractor.csv": [{"lcd_id": "7", "lcd_version": "1", "contractor_id": "30", "contractor_type_id": "4"}],
}  # fmt: skip


def export(path, tables, encoding="utf-8"):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name, rows in tables.items():
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)
            archive.writestr(name, text.getvalue().encode(encoding))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("current_article_csv.zip", inner.getvalue())
        archive.writestr("readme.txt", "what this is")
    return path


@pytest.fixture
def bring(tmp_path):
    def run(tables=TABLES, **options):
        store = tmp_path / "necessity.sqlite3"
        import_file(export(tmp_path / "export.zip", tables), store, Lexicon.default(), **options)
        return CoverageStore(store)

    return run


def changed(**tables):
    return TABLES | {name.replace("__", "."): rows for name, rows in tables.items()}


def test_the_newest_version_with_its_plain_title_and_dates(bring):
    [policy] = bring().naming("11111")
    assert (policy.id, policy.version, policy.title) == ("A1", "3", "A title")
    assert (policy.effective_from, policy.effective_until) == (date(2024, 2, 1), None)


def test_states_come_by_number_where_the_id_changed_and_part_states_are_whole(bring):
    [policy] = bring().naming("11111")
    assert (policy.states, policy.contractors) == ({"NY", "CT"}, {"NGS"})


def test_asterisks_the_sentinel_and_the_note_behind_the_asterisk(bring):
    [rule] = bring().naming("11111")[0].rules
    assert rule.diagnoses.find(["A00.0", "A00.1", "XX000", "B00.0"]) == {"A00.0": True, "A00.1": False}
    assert rule.message == 'Only in "winter".'


def test_equipment_contractors_keep_their_own_states(bring):
    [policy] = bring().naming("E0100")
    assert (policy.kind, policy.everywhere, policy.states) == ("LCD", True, {"TX"})


def test_descriptors_only_behind_the_flag_and_dropped(bring):
    rows = [{**TABLES["article_x_hcpc_code.csv"][0], "long_description": "words of another"}]
    tables = TABLES | {"article_x_hcpc_code.csv": rows}
    with pytest.raises(ImportRefusedError, match="--accept-cms-ama-terms"):
        bring(tables)
    store = bring(tables, accept_ama_terms=True)
    assert b"words of another" not in store._path.read_bytes()


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("contractor.csv", None, "lacks contractor.csv"),
        ("article_x_icd10_covered.csv", [{"article_id": "1"}], "column article_version is missing"),
        ("article.csv", [{**ARTICLE, "article_version": "new", "title": "x"}], "must be a number"),
        (
            "article_x_hcpc_code.csv",
            [{**ARTICLE, "hcpc_code_id": "1", "hcpc_code_group": "1", "article_id": "99"}],
            None,
        ),
    ],
)
def test_what_is_damaged_is_refused_with_a_reason(bring, name, rows, said):
    tables = {k: v for k, v in TABLES.items() if k != name} | ({name: rows} if rows else {})
    if said is None:  # codes of no document: nothing of them is taken
        assert bring(tables).naming("1") == []
        return
    with pytest.raises(ImportRefusedError, match=said):
        bring(tables)


def test_articles_and_determinations_replace_only_their_like(bring):
    bring()
    lcd = {name: rows for name, rows in TABLES.items() if not name.startswith("article")}
    store = bring(lcd)
    assert [len(store.naming(code)) for code in ("11111", "E0100")] == [1, 1]
