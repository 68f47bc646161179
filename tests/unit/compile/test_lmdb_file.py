"""The LMDB reader on files built by hand: pages as LMDB 0.9 lays them out."""

from __future__ import annotations

import struct

import pytest

from detect_icd.compile.lmdb_file import read_values
from detect_icd.errors import LexiconError

PAGE = 4096


def meta(root: int, transaction: int) -> bytes:
    database = struct.pack("<IHHQQQQQ", PAGE, 0, 1, 0, 1, 0, 1, root)
    return (
        struct.pack("<QHHHH", 0, 0, 0x08, 0, 0)
        + struct.pack("<IIQQ", 0xBEEFC0DE, 1, 0, PAGE * 4)
        + database
        + database
        + struct.pack("<QQ", 3, transaction)
    ).ljust(PAGE, b"\0")


def leaf(records: list[tuple[bytes, bytes]]) -> bytes:
    nodes = [struct.pack("<4H", len(value), 0, 0, len(key)) + key + value for key, value in records]
    pointers, at, body = [], PAGE, b""
    for node in nodes:
        at -= len(node)
        pointers.append(at)
        body = node + body
    lower = 16 + 2 * len(nodes)
    head = struct.pack("<QHHHH", 2, 0, 0x02, lower, at) + struct.pack(f"<{len(nodes)}H", *pointers)
    return head.ljust(at, b"\0") + body


def big_leaf(key: bytes, value: bytes) -> bytes:
    node = struct.pack("<4H", len(value) & 0xFFFF, len(value) >> 16, 0x01, len(key)) + key + struct.pack("<Q", 3)
    at = PAGE - len(node)
    head = struct.pack("<QHHHH", 2, 0, 0x02, 18, at) + struct.pack("<H", at)
    return head.ljust(at, b"\0") + node + struct.pack("<QHHI", 3, 0, 0x04, 2) + value


def test_values_of_a_leaf_page_in_order() -> None:
    data = meta(2, 5) + meta(2, 4) + leaf([(b"a", b"one"), (b"bb", b"two")])
    assert list(read_values(data)) == [(b"a", b"one"), (b"bb", b"two")]


def test_a_value_of_its_own_pages() -> None:
    value = bytes(range(256)) * 20
    assert dict(read_values(meta(2, 5) + meta(2, 4) + big_leaf(b"key", value))) == {b"key": value}


def test_the_newer_meta_page_counts() -> None:
    data = meta(9, 4) + meta(2, 5) + leaf([(b"a", b"one")])
    assert dict(read_values(data)) == {b"a": b"one"}


def test_an_empty_database() -> None:
    assert list(read_values(meta((1 << 64) - 1, 5) + meta((1 << 64) - 1, 4))) == []


@pytest.mark.parametrize(
    "data", [b"", b"x" * 10_000, meta(2, 5) + meta(2, 4), (meta(2, 5) + meta(2, 4) + big_leaf(b"k", b"v" * 5000))[:-10]]
)
def test_what_is_damaged_is_refused(data: bytes) -> None:
    with pytest.raises(LexiconError):
        dict(read_values(data))
