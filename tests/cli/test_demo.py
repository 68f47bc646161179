"""`make demo` shows what the README promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_finds_the_left_leg_and_its_procedure():
    page = ROOT / "build" / "demo.html"
    page.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assigned = next(line for line in done.stdout.splitlines() if line.split()[1:3] == ["G57.92", "Unspecified"])
    assert "0441T" in assigned
    assert "0441T (nerve freezing, leg)  MANUAL_REVIEW" in done.stdout
    assert done.stdout.rstrip().endswith("The server has stopped.")
    assert "G57.92" in page.read_text(encoding="utf-8")
