"""Order, faults, counting and resuming, with a detector whose answers the test knows."""

from __future__ import annotations

import io
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from stub_detector import StubDetector

from detect_icd.batch.lines import AbortBatchError, answer_line
from detect_icd.batch.run import CHUNK_LINES, answer_chunk, lines_written, run_batch
from detect_icd.model import DetectRequest

DEFAULTS = DetectRequest("")


def detect(request: DetectRequest):
    return StubDetector().detect(request, checkpoint=lambda: None)


def run(source: bytes, skip: int = 0, workers: int = 3, detector=detect):
    sink = io.BytesIO()
    with ThreadPoolExecutor(workers) as pool:
        tally = run_batch(
            io.BytesIO(source),
            sink,
            lambda chunk: pool.submit(answer_chunk, chunk, DEFAULTS, detector),
            workers=workers,
            skip=skip,
        )
    return tally, [json.loads(line) for line in sink.getvalue().splitlines()]


def lines(*documents: object) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def test_order_is_kept_whoever_is_first_ready():
    def slow(request):
        time.sleep(random.random() / 500)
        return detect(request)

    count = 5 * CHUNK_LINES + 3
    tally, out = run(lines(*({"id": n, "text": "pain"} for n in range(count))), detector=slow)
    assert [line["document_id"] for line in out] == [str(n) for n in range(count)]
    assert (tally.done, tally.failed) == (count, 0)


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        (b"{not json", "", "INVALID_JSON"),
        (b'{"id": "d", "text": ""}', "d", "TEXT_EMPTY"),
        (b'{"id": "d"}', "d", "TEXT_EMPTY"),
        (b'{"id": "d", "text": "x", "setting": "HOME"}', "d", "UNKNOWN_ENUM_VALUE"),
        (b'{"id": "\\ud800", "text": "x"}', "?", "INVALID_UNICODE"),
        (b'{"id": "d", "text": "\xff"}', "", "INVALID_UNICODE"),
    ],
)
def test_a_bad_line_becomes_an_error_line(line, name, reason):
    from detect_icd import validation

    def checking(request):
        validation.check_request(request)
        return detect(request)

    out, good = answer_line(line, 7, DEFAULTS, checking)
    answer = json.loads(out)
    assert not good
    assert list(answer) == ["document_id", "line", "error"]
    assert (answer["document_id"], answer["line"]) == (name, 7)
    assert (answer["error"]["code"], answer["error"]["reason"]) == ("INVALID_ARGUMENT", reason)


def test_the_rest_goes_on_after_faults():
    tally, out = run(lines({"id": "a", "text": "pain"}, {"id": "b"}, [], {"id": "d", "text": "pain"}))
    assert [("error" in line) for line in out] == [False, True, True, False]
    assert (tally.done, tally.failed) == (4, 2)


def test_a_bug_costs_one_line_and_does_not_quote_the_text():
    out, _ = answer_line(b'{"id": "d", "text": "crash"}', 1, DEFAULTS, detect)
    assert json.loads(out)["error"]["code"] == "INTERNAL"
    assert "SECRET" not in out


def test_the_servers_own_faults_stop_the_run():
    def refused(_):
        raise AbortBatchError("no server")

    with pytest.raises(AbortBatchError):
        run(lines({"text": "x"}), detector=refused)


def test_line_numbers_count_blank_lines_too():
    _, out = run(b"\n\n{bad\n\n" + lines({"id": "a", "text": "pain"}))
    assert [line.get("line") for line in out] == [3, None]


def test_ids_need_not_be_unique():
    _, out = run(lines({"id": "a", "text": "pain"}, {"id": "a", "text": "no"}))
    assert [len(line["mentions"]) for line in out] == [1, 0]


def test_resuming_skips_what_was_answered():
    source = b"\n" + lines(*({"id": n, "text": "pain"} for n in range(40)))
    _, whole = run(source)
    tally, rest = run(source, skip=17)
    assert rest == whole[17:]
    assert (tally.skipped, tally.done) == (17, 23)


def test_a_half_written_line_is_cut_off(tmp_path):
    output = tmp_path / "out.jsonl"
    output.write_bytes(b'{"a": 1}\n{"b": 2}\n{"c"')
    assert lines_written(output) == 2
    assert output.read_bytes() == b'{"a": 1}\n{"b": 2}\n'


def test_no_output_means_nothing_was_written(tmp_path):
    assert lines_written(tmp_path / "none.jsonl") == 0


def test_progress_counts_every_byte_of_the_lines():
    seen = []
    source = lines(*({"id": n, "text": "pain"} for n in range(50)))
    with ThreadPoolExecutor(1) as pool:
        run_batch(
            io.BytesIO(source),
            io.BytesIO(),
            lambda chunk: pool.submit(answer_chunk, chunk, DEFAULTS, detect),
            workers=1,
            on_progress=seen.append,
        )
    assert sum(seen) == len(source)
