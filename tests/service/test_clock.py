"""The wall clock jumps, by a day in either direction, as after a suspended machine or a wrong time server: nobody notices."""

from __future__ import annotations

import mmap
import os
import queue
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from detect_icd.client import whole
from detect_icd.model import DetectRequest
from detect_icd.service.probe import probe
from detect_icd.v1 import detection_pb2 as pb
from detect_icd.v1 import detection_pb2_grpc

STUB = Path(__file__).parents[1] / "stub_nursery.py"
DAY = 86_400
COMPILER = shutil.which("cc") or shutil.which("gcc")

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *shift(void) {
    static volatile int64_t *seconds;
    if (!seconds)
        seconds = mmap(NULL, 8, PROT_READ, MAP_SHARED, open(getenv("CLOCK_SHIFT"), O_RDONLY), 0);
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += *shift();
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (!real)
        real = dlsym(RTLD_NEXT, "gettimeofday");
    int code = real(now, zone);
    now->tv_sec += *shift();
    return code;
}

time_t time(time_t *at) {
    struct timeval now;
    gettimeofday(&now, NULL);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
"""

SERVE = f"""
from detect_icd.service import server
from detect_icd.service.settings import ServerSettings
server.NURSERY = ({str(STUB)!r},)
settings = ServerSettings(address="127.0.0.1:0", workers=2, stream_idle_seconds=3600, keepalive_seconds=3600)
server.serve(settings, lambda address: print(address, flush=True))
"""

pytestmark = pytest.mark.skipif(
    COMPILER is None or sys.platform != "linux", reason="needs a C compiler, to stand between the server and its clock"
)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O1", "-o", folder / "shim.so", folder / "shim.c", "-ldl"], check=True
    )
    return folder


@pytest.fixture
def server(shim):
    """The address of a server, and what turns its clock by so many seconds."""
    (shim / "shift").write_bytes(bytes(mmap.PAGESIZE))
    environment = {**os.environ, "LD_PRELOAD": str(shim / "shim.so"), "CLOCK_SHIFT": str(shim / "shift")}
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env=environment) as process:

        def turn(seconds: int) -> None:
            with (shim / "shift").open("r+b") as file:
                file.write(struct.pack("=q", seconds))

        try:
            yield process.stdout.readline().strip(), turn
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_calls_under_way_and_later_ones_are_answered(server, jump):
    address, turn = server
    with grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        to_send: queue.Queue = queue.Queue()
        stream = stub.DetectStream(iter(to_send.get, None), timeout=60)
        to_send.put(whole(DetectRequest("pain", document_id="before")))
        assert next(stream).document_id == "before"
        under_way = stub.Detect.future(pb.DetectRequest(text="wait 1"), timeout=30)
        time.sleep(0.3)
        turn(jump)
        assert under_way.result().document_id == ""
        to_send.put(whole(DetectRequest("pain", document_id="after")))
        assert next(stream).result.mentions
        assert stub.Detect(pb.DetectRequest(text="pain"), timeout=20).mentions
        assert probe(address) == "SERVING"
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            stub.Detect(pb.DetectRequest(text="wait 20"), timeout=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 5
        to_send.put(None)
        assert list(stream) == []
