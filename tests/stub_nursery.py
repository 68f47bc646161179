"""A nursery whose workers run the stub detector: faults that the real one does not have, in real processes."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time

from stub_detector import StubDetector

from detect_icd.service.detection import DetectionServicer
from detect_icd.service.handlers import Handlers
from detect_icd.service.nursery import main
from detect_icd.service.services import DETECTION


class FaultyDetector(StubDetector):
    def detect(self, request, *, checkpoint):
        words = request.text.split()
        if words[:1] == ["die"]:
            os._exit(3)
        if words[:1] == ["segfault"]:
            ctypes.string_at(0)
        if words[:1] == ["hang"]:
            time.sleep(600)
        if words[:1] == ["raise"]:
            raise ValueError(request.text)
        if words[:1] == ["recurse"]:
            return self.detect(request, checkpoint=checkpoint)
        if words[:1] == ["grow"]:
            self.hoard = [*getattr(self, "hoard", []), bytearray(40_000_000)]
        return super().detect(request, checkpoint=checkpoint)


def load(settings, stopwatch):
    del stopwatch
    return Handlers({DETECTION: DetectionServicer(FaultyDetector(), settings)}), {"lexicon": "stub"}


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), load)
