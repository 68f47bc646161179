"""A detector whose answers and faults a test chooses: every word "pain" is a mention."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import date

from detect_icd.errors import LexiconError
from detect_icd.model import Assertion, Concept, Detection, Mention, Settled, Versions
from detect_icd.spans import Span

VERSIONS = Versions("0", "0", "FY2026", date(2025, 10, 1), date(2026, 9, 30), "FY2026")


class StubDetector:
    def __init__(self, slice_seconds: float = 0.01) -> None:
        self.slice_seconds = slice_seconds
        self.stopped = 0
        self.asked = 0

    def detect(self, request, *, checkpoint):
        self.asked += 1
        if request.text.startswith("wait "):
            self._wait(float(request.text.split()[1]), checkpoint)
        if request.text == "crash":
            raise KeyError("SECRET PATIENT NAME")
        if request.text == "damaged":
            raise LexiconError("the bundle is damaged: run `make lexicon`")
        return Detection(request.document_id, mentions(request.text), (), (), (), VERSIONS)

    def open(self, request, *, checkpoint):
        return StubDocument(self, request, checkpoint)

    def _wait(self, seconds: float, checkpoint) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                checkpoint()
            except Exception:
                self.stopped += 1
                raise
            time.sleep(self.slice_seconds)


class StubDocument:
    def __init__(self, detector, request, checkpoint) -> None:
        self.detector, self.request, self.checkpoint = detector, request, checkpoint

    def append(self, text):
        self.request = replace(self.request, text=self.request.text + text)
        if "\n" not in text:
            return None
        return Settled(self.request.document_id, mentions(self.request.text), len(self.request.text))

    def close(self):
        return self.detector.detect(self.request, checkpoint=self.checkpoint)


def mentions(text: str) -> tuple[Mention, ...]:
    return tuple(
        Mention(f"m{n}", Span(*found.span()), found.group(), "", Concept("pain", "Pain"), Assertion(), reportable=True)
        for n, found in enumerate(re.finditer("pain", text), 1)
    )
