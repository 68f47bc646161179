"""`make fuzz`: random and mutated requests and stream sequences against a server; no crash, no hang, no odd status.

`python benchmarks/fuzz.py [--requests 100000] [--target HOST:PORT] [--seed N]`; without a target it starts a server.
Exit code 1, and the seed and number of each offender, where anything unexpected happens.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

import grpc

from detect_icd.service.handlers import methods_of
from detect_icd.service.services import SERVICES
from detect_icd.v1 import detection_pb2 as pb

ROOT = Path(__file__).resolve().parents[1]
NOTE = (ROOT / "examples" / "pain_clinic.txt").read_text(encoding="utf-8")
EXPECTED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}
EXPECTED_IN_STREAM = {0, 3, 5, 6, 8}
"""google.rpc.Code of a document's error: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, RESOURCE_EXHAUSTED."""
DEADLINE_SECONDS = 20.0
_ODD = [
    "\0",
    "\ud7ff",
    "\uffff",
    "\u202e",
    "\u200b",
    "e\u0301" * 40,
    "\U0001f600",
    "İ",
    "ﬁ",
    "\r\n",
    "-" * 300,
    "(" * 300,
]
_UNARY = sorted(name for service in SERVICES for name, method in methods_of(service) if not method.client_streaming)
_STREAM = "/detect_icd.v1.IcdDetectionService/DetectStream"


def text(draw: random.Random) -> str:
    """Words of a note in disorder, odd characters between them."""
    words = NOTE.split()
    parts = [draw.choice(words) if draw.random() < 0.9 else draw.choice(_ODD) for _ in range(draw.randrange(120))]
    return draw.choice([" ", " ", "\n", ""]).join(parts)


def request(draw: random.Random) -> pb.DetectRequest:
    """Mostly good fields."""
    made = pb.DetectRequest(text=text(draw), document_id=str(draw.randrange(5)))
    if draw.random() < 0.3:
        made.setting = draw.randrange(-1, 4)
    if draw.random() < 0.3:
        made.date_of_service = draw.choice(["2026-01-15", "2026-02-30", "1900-01-01", "x" * 50, "٢٠٢٦-01-01"])
    if draw.random() < 0.3:
        made.max_candidates = draw.choice([-(2**31), -1, 1, 25, 26, 2**31 - 1])
    if draw.random() < 0.2:
        made.patient.age_years = draw.choice([-1, 0, 40, 200, 2**31 - 1])
    if draw.random() < 0.2:
        made.min_score = draw.choice([float("nan"), float("inf"), -1.0, 0.5, 1e308])
    return made


def mutated(draw: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut, doubled, put in."""
    changed = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        place = draw.randrange(len(changed) + 1)
        match draw.randrange(4):
            case 0:
                changed[place:place] = draw.randbytes(draw.randrange(1, 5))
            case 1:
                del changed[place : place + draw.randrange(1, 20)]
            case 2:
                changed[place:place] = changed[: draw.randrange(len(changed) + 1)]
            case _ if place < len(changed):
                changed[place] ^= 1 << draw.randrange(8)
    return bytes(changed)


def data(draw: random.Random) -> bytes:
    """One unary request's bytes."""
    kind = draw.random()
    if kind < 0.1:
        return draw.randbytes(draw.randrange(200))
    made = request(draw).SerializeToString()
    return made if kind < 0.4 else mutated(draw, made)


def messages(draw: random.Random) -> list[bytes]:
    """One stream's messages in any order, some of them damaged."""
    made = []
    for _ in range(draw.randrange(1, 12)):
        name = str(draw.randrange(3))
        message = pb.DetectStreamRequest()
        match draw.randrange(6):
            case 0:
                message.document.CopyFrom(request(draw))
            case 1:
                message.open.CopyFrom(request(draw))
                if draw.random() < 0.9:
                    message.open.text = ""
            case 2 | 3:
                message.append.document_id, message.append.text = name, text(draw)
            case 4:
                message.close.document_id = name
            case _:
                message.cancel.document_id = name
        encoded = message.SerializeToString()
        made.append(encoded if draw.random() < 0.8 else mutated(draw, encoded))
    return made


def fuzz(channel: grpc.Channel, requests: int, seed: int) -> tuple[Counter[str], list[str]]:
    """What was answered how often, and what should not have been."""
    outcomes: Counter[str] = Counter()
    odd: list[str] = []
    for number in range(requests):
        draw = random.Random(f"{seed}:{number}")
        began = time.monotonic()
        try:
            if number % 5 == 4:
                answers = channel.stream_stream(_STREAM, response_deserializer=pb.DetectStreamResponse.FromString)(
                    iter(messages(draw)), timeout=DEADLINE_SECONDS
                )
                unexpected = {answer.error.code for answer in answers} - EXPECTED_IN_STREAM
                odd.extend(f"{seed}:{number} stream error {each}" for each in unexpected)
                code = "OK"
            else:
                method = draw.choice([*_UNARY, "/detect_icd.v1.IcdDetectionService/Detect"])
                channel.unary_unary(method)(data(draw), timeout=DEADLINE_SECONDS)
                code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
        outcomes[code] += 1
        if code not in EXPECTED or DEADLINE_SECONDS < time.monotonic() - began:
            odd.append(f"{seed}:{number} {code}")
    return outcomes, odd


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--target", default="")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.target:
        with grpc.insecure_channel(asked.target) as channel:
            outcomes, odd = fuzz(channel, asked.requests, asked.seed)
    else:
        from bench import Server

        with Server(2) as server, grpc.insecure_channel(server.address) as channel:
            outcomes, odd = fuzz(channel, asked.requests, asked.seed)
            if server.process.poll() is not None:
                odd.append("the server has ended")
    print(dict(outcomes))
    print("\n".join(odd) if odd else "nothing unexpected")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
