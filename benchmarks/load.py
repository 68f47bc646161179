"""A load client of its own process: `python load.py ADDRESS MODE [key=value ...]`; prints one JSON line.

MODE closed: `concurrency` calls at once over `channels`, for `seconds`. MODE open: `rate` calls a second offered
whatever becomes of them, health asked beside them, every answer compared with the first.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

NOTE = (Path(__file__).parents[1] / "examples" / "pain_clinic.txt").read_text(encoding="utf-8")


def note(size: int) -> str:
    """A note of so many characters: the example again and again."""
    return (NOTE * (size // len(NOTE) + 1))[:size]


def quantile(values: list[float], share: float) -> float:
    """In milliseconds; 0 where there are none."""
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


def stubs(address: str, channels: int) -> list[detection_pb2_grpc.IcdDetectionServiceStub]:
    """Each over a connection of its own, without retries."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    return [
        detection_pb2_grpc.IcdDetectionServiceStub(grpc.aio.insecure_channel(address, options=options))
        for _ in range(channels)
    ]


async def closed(address: str, channels: int = 1, concurrency: int = 1, seconds: float = 5, size: int = 3000) -> dict:
    """As many calls as the server answers."""
    ours, request, latencies = stubs(address, channels), pb.DetectRequest(text=note(size)), []
    await asyncio.gather(*(stub.Detect(request) for stub in ours for _ in range(3)))
    began = time.perf_counter()

    async def ask(number: int) -> None:
        stub = ours[number % channels]
        while time.perf_counter() < began + seconds:
            start = time.perf_counter()
            await stub.Detect(request)
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*map(ask, range(concurrency)))
    rate = len(latencies) / (time.perf_counter() - began)
    return {"rate": round(rate, 1), "p50_ms": quantile(latencies, 0.5), "p99_ms": quantile(latencies, 0.99)}


async def offered(address: str, rate: float = 100, seconds: float = 10, size: int = 3000, channels: int = 8) -> dict:
    """Calls at random times, `rate` a second; counts what became of them."""
    ours, request = stubs(address, channels), pb.DetectRequest(text=note(size))
    right = await ours[0].Detect(request)
    outcomes: Counter[str] = Counter()
    latencies: list[float] = []
    health: list[float] = []

    async def ask(number: int) -> None:
        start = time.perf_counter()
        try:
            answer = await ours[number % channels].Detect(request, timeout=30)
        except grpc.aio.AioRpcError as error:
            outcomes[error.code().name] += 1
        else:
            outcomes["OK" if answer == right else "WRONG"] += 1
            latencies.append(time.perf_counter() - start)

    async def check() -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while True:
                start = time.perf_counter()
                await stub.Check(health_pb2.HealthCheckRequest())
                health.append(time.perf_counter() - start)
                await asyncio.sleep(0.05)

    checking = asyncio.create_task(check())
    draw = random.Random(1)
    tasks, ends, count = set(), time.perf_counter() + seconds, 0
    following = time.perf_counter()
    while time.perf_counter() < ends:
        following += draw.expovariate(rate)
        await asyncio.sleep(max(0.0, following - time.perf_counter()))
        tasks.add(asyncio.create_task(ask(count)))
        count += 1
    await asyncio.gather(*tasks)
    checking.cancel()
    return {
        "offered": count,
        "lost": count - sum(outcomes.values()),
        "outcomes": dict(outcomes),
        "p50_ms": quantile(latencies, 0.5),
        "p99_ms": quantile(latencies, 0.99),
        "health_p50_ms": quantile(health, 0.5),
        "health_p99_ms": quantile(health, 0.99),
    }


if __name__ == "__main__":
    given = {name: float(value) if "." in value else int(value) for name, value in (a.split("=") for a in sys.argv[3:])}
    print(json.dumps(asyncio.run({"closed": closed, "open": offered}[sys.argv[2]](sys.argv[1], **given))))
