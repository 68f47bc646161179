"""Frames come out as they went in, however the bytes are cut."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect_icd.service import frames
from detect_icd.service.frames import Job, Kind, Reader, Report

BODIES = st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.binary(max_size=300)), max_size=8)


@given(BODIES, st.lists(st.integers(1, 50), min_size=1))
def test_any_cutting_gives_the_same_frames(sent, sizes):
    data = b"".join(frames.frame(kind, number, body) for kind, number, body in sent)
    reader, got, turn = Reader(), [], 0
    while data:
        piece, data = data[: sizes[turn % len(sizes)]], data[sizes[turn % len(sizes)] :]
        got += [(kind, number, bytes(body)) for kind, number, body in reader.feed(piece)]
        turn += 1
    assert got == sent


@given(st.text(max_size=60), st.binary(max_size=100), st.floats(0, 1e9) | st.just(math.inf), st.integers(0, 2**64 - 1))
def test_a_job_comes_out_as_it_went_in(method, data, deadline, session):
    job = Job(method, data, deadline, session)
    assert frames.unpack_job(memoryview(frames.pack_job(job))) == job


@pytest.mark.parametrize("rest", [b"", b"answer"])
def test_a_report_comes_out_as_it_went_in(rest):
    report = Report(12, 3, (("mentions", 0.5, 0.25), ("links", 1.0, 2.0)))
    got, left = frames.unpack_report(memoryview(frames.pack_report(report) + rest))
    assert (got, bytes(left)) == (report, rest)


def test_the_detector_names_stages_that_a_frame_can_carry(detector):
    from detect_icd.detector import Detector
    from detect_icd.service.stopwatch import Stopwatch

    watch = Stopwatch()
    Detector(detector.lexicon, stage=watch.stage).detect("Essential hypertension.")
    assert {name for name, _, _ in watch.laps()} == set(frames.STAGES)
