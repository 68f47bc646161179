"""A user's folder: swapped whole, idempotent, undone by removal."""

from __future__ import annotations

import shutil
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

from detect_icd.detector import Detector
from detect_icd.errors import LexiconError, NotFoundError
from detect_icd.imports.facts import ImportRefusedError
from detect_icd.imports.store import Store, lexicon_in_force
from detect_icd.lexicon import Lexicon
from detect_icd.model import DetectRequest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import shared

FY2027 = date(2026, 10, 1)


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def codes_of(lexicon: Lexicon, text: str) -> set[str]:
    detection = Detector(lexicon).detect(DetectRequest(text, date_of_service=FY2027))
    return {code.code for mention in detection.mentions for code in mention.codes[:1]}


def test_a_sites_words_are_found_in_notes_and_by_search(store: Store, tmp_path: Path) -> None:
    phrases = written(tmp_path, "ours.tsv", b"phrase\tcode\nzorblax syndrome\tG57.52\n")
    shorts = written(tmp_path, "shorts.tsv", b"short\texpansion\nZBX\theart failure\n")
    text = "Patient has zorblax syndrome. Known ZBX."
    before = codes_of(Lexicon.default(), text)
    done = store.add([phrases, shorts])
    assert [(item.new, item.record.kind) for item in done] == [(True, "site phrases"), (True, "site abbreviations")]
    after = codes_of(Lexicon(store.path), text)
    assert "G57.52" in after - before
    assert "I50.9" in after - before


@pytest.fixture(scope="module")
def two_imports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two imports of one phrase each; the files lie beside it."""
    folder = tmp_path_factory.mktemp("imports")
    a = written(folder, "a.tsv", b"phrase\tcode\nzorblax syndrome\tG57.52\n")
    b = written(folder, "b.tsv", b"phrase\tcode\nblorg disease\tI10\n")
    Store(folder / "lexicon").add([a, b])
    return folder


@pytest.fixture
def copied(two_imports: Path, tmp_path: Path) -> Store:
    """The same, to be changed."""
    shutil.copytree(two_imports, tmp_path / "copy")
    return Store(tmp_path / "copy" / "lexicon")


def test_importing_again_changes_nothing(two_imports: Path) -> None:
    store = Store(two_imports / "lexicon")
    before = store.path.read_bytes()
    assert [item.new for item in store.add([two_imports / "a.tsv", two_imports / "b.tsv"])] == [False, False]
    assert store.path.read_bytes() == before
    assert [record.file for record in store.records()] == ["a.tsv", "b.tsv"]


def test_a_refused_file_leaves_everything_as_it_was(copied: Store, tmp_path: Path) -> None:
    before = copied.path.read_bytes()
    good = written(tmp_path, "more.tsv", b"phrase\tcode\nflurb disease\tI10\n")
    bad = written(tmp_path, "bad.tsv", b"phrase\tcode\nbad\tZZZ\n")
    with pytest.raises(ImportRefusedError):
        copied.add([good, bad])
    assert copied.path.read_bytes() == before
    assert [path.name for path in copied.path.parent.iterdir()] == ["lexicon.bundle"]


def test_removal_undoes_an_import(copied: Store) -> None:
    assert [record.file for record in copied.remove("a.tsv")] == ["a.tsv"]
    assert codes_of(Lexicon(copied.path), "Has zorblax syndrome and blorg disease.") == {"I10"}


def test_removal_of_the_last_import_leaves_the_packaged_lexicon(copied: Store) -> None:
    copied.remove("site phrases")
    assert not copied.path.exists()


def test_removal_of_what_is_not_there(copied: Store) -> None:
    with pytest.raises(NotFoundError):
        copied.remove("c.tsv")


def test_the_order_file_completes_the_titles(store: Store, tmp_path: Path, order_file: bytes) -> None:
    archive = tmp_path / "2027-code-tables.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("readme.pdf", b"x")
        file.writestr("Code Tables/icd10cm_order_2027.txt", order_file)
        file.writestr("Code Tables/icd10cm_codes_2027.txt", b"A000    Cholera due to Vibrio cholerae 01\r\n")
    store.add([archive])
    release = Lexicon(store.path).codeset.on(FY2027)
    assert release.title("M67.A01") == "Title of M67.A01"
    assert all(release.is_titled(code) for code in release.codes())
    assert release.title("S52.511A") == Lexicon.default().codeset.on(FY2027).title("S52.511A")


def test_a_zip_bomb_is_refused(store: Store, tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("icd10cm_order_2027.txt", b"0" * 50_000_000)
    with pytest.raises(ImportRefusedError, match="times its size"):
        store.add([archive])


@pytest.mark.parametrize("cut", [1, 10, 100, 2000])
def test_a_truncated_zip_is_refused(store: Store, tmp_path: Path, cut: int) -> None:
    archive = tmp_path / "whole.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        file.writestr("ours.tsv", b"phrase\tcode\n" + b"zorblax syndrome\tG57.52\n" * 100)
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(ImportRefusedError, match="truncated"):
        store.add([archive])


def test_a_zip_without_data_is_refused(store: Store, tmp_path: Path) -> None:
    archive = tmp_path / "empty.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("readme.pdf", b"x")
    with pytest.raises(ImportRefusedError, match="no data file"):
        store.add([archive])


def test_a_zip_without_a_known_list_is_refused(store: Store, tmp_path: Path) -> None:
    archive = tmp_path / "other.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", b"nothing of ours\n")
    with pytest.raises(ImportRefusedError, match="no list"):
        store.add([archive])


def test_a_folder_that_was_named_must_hold_a_lexicon(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="import into it first"):
        lexicon_in_force(str(tmp_path))


def test_the_neoplasm_table_makes_detection_better(store: Store) -> None:
    path = shared("icd10cm-neoplasm-April-1-2026.xml")
    text = "Carcinoma in situ of the tonsillar fossa. Metastatic disease to the omentum."
    before = codes_of(Lexicon.default(), text)
    store.add([path])
    after = codes_of(Lexicon(store.path), text)
    assert len(after - {""}) >= len(before)
    assert "D00.08" in after
