"""`make demo`: starts a real server on a free port, sends it a synthetic note, shows the answer, stops it.

The page with the highlighted note is written to build/demo.html.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = ROOT / "examples" / "pain_clinic.txt"
CLAIM = ROOT / "examples" / "claim.json"
PAGE = ROOT / "build" / "demo.html"


def main() -> int:
    """Returns the exit code: 0 where everything worked."""
    print("Starting the server ...", flush=True)
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "server.py"), "--address", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        ready = server.stdout.readline().strip()
        if not ready:
            print("The server did not start; its words stand above.", file=sys.stderr)
            return 1
        address = ready.rpartition(" ")[2]
        print(f"{ready}\n\nThe note ({NOTE.relative_to(ROOT)}), sent over gRPC:\n", flush=True)
        print(NOTE.read_text(encoding="utf-8"), flush=True)
        PAGE.parent.mkdir(exist_ok=True)
        detect = [sys.executable, "-m", "detect_icd.cli", "detect", str(NOTE), "--target", address]
        columns = str(max(100, min(140, shutil.get_terminal_size((120, 40)).columns)))
        for options in ([], ["--format", "html", "--output", str(PAGE)]):
            subprocess.run([*detect, *options], check=True, cwd=ROOT, env={**os.environ, "COLUMNS": columns})
        print(f"\nDoes the note support nerve freezing of the left leg ({CLAIM.relative_to(ROOT)})?\n", flush=True)
        check = [sys.executable, "-m", "detect_icd.cli", "necessity", "check", str(CLAIM), "--note", str(NOTE)]
        subprocess.run([*check, "--target", address], check=True, cwd=ROOT, env={**os.environ, "COLUMNS": columns})
        print(f"\nThe highlighted note: {PAGE.relative_to(ROOT)}")
    except subprocess.CalledProcessError as error:
        return error.returncode
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    print("The server has stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
