"""`make soak`: many documents through a server, each with words never seen before; how its memory grows (that of files apart).

`python benchmarks/soak.py [--documents 200000] [--settle 20000]`. Prints the memory as it goes; exit code 1 where it
grew by more than 5 % after the first `settle` documents.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import Server

from detect_icd.client import Client, whole
from detect_icd.model import Detection, DetectRequest

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "examples" / "pain_clinic.txt").read_text(encoding="utf-8").splitlines()
MOST_GROWTH = 0.05


def document(number: int) -> DetectRequest:
    """A few lines of the example in any order, and words nobody ever wrote."""
    draw = random.Random(number)
    invented = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randrange(3, 15))) for _ in range(15)]
    return DetectRequest("\n".join([*draw.sample(LINES, 5), " ".join(invented)]), document_id=str(number))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--settle", type=int, default=20_000)
    asked = parser.parse_args()
    step, began = max(1, asked.settle // 2), time.monotonic()
    sizes: dict[int, float] = {}
    with Server(2) as server, Client(server.address) as client:
        done = 0
        while done < asked.documents:
            for number in range(done, done + step // 2):
                client.detect(document(number))
            for _ in _streamed(client, range(done + step // 2, done + step)):
                pass
            done += step
            sizes[done] = server.memory_mb("Pss_Anon")["all"]
            rate = done / (time.monotonic() - began)
            print(f"{done} documents, {sizes[done]:.1f} MB, {rate:.0f}/s", flush=True)
    settled = sizes[min((d for d in sizes if asked.settle <= d), default=done)]
    growth = sizes[done] / settled - 1
    print(f"growth after the first {asked.settle}: {growth:.2%} (at most {MOST_GROWTH:.0%})")
    return 1 if MOST_GROWTH < growth else 0


def _streamed(client: Client, numbers: range) -> Iterator[Detection]:
    for answer in client.detect_stream(whole(document(number)) for number in numbers):
        assert isinstance(answer, Detection)
        yield answer


if __name__ == "__main__":
    sys.exit(main())
