"""No room on the disk: one clear line, and what was written of a batch can be resumed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
BUNDLE_ROOM = 64 * 1024


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_page_that_finds_no_room(command, tmp_path):
    (tmp_path / "note").write_text("Essential hypertension.")
    outcome = command("detect", tmp_path / "note", "--format", "html", "--output", FULL)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "No space left" in outcome.err


def test_a_batch_that_finds_no_room_is_resumed(command, tmp_path, address):
    source, sink = tmp_path / "in", tmp_path / "out"
    source.write_text(
        "".join(json.dumps({"id": str(n), "text": "Hypertension and asthma."}) + "\n" for n in range(100))
    )
    arguments = [sys.executable, "-m", "detect_icd.cli", "batch", source, sink, "--target", address]

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (BUNDLE_ROOM, BUNDLE_ROOM))

    first = subprocess.run(arguments, preexec_fn=little_room, capture_output=True, text=True, check=False)
    assert first.returncode == 2
    assert first.stderr.strip().count("\n") == 0
    assert 0 < sink.stat().st_size <= BUNDLE_ROOM
    assert command("batch", source, sink, "--resume", "--target", address).code == 0
    answers = [json.loads(line) for line in sink.read_text().splitlines()]
    assert [answer["document_id"] for answer in answers] == [str(n) for n in range(100)]
