"""`code`, `search` and `validate`: a wrong code is an answer; bad use is not."""

from __future__ import annotations

import json

import pytest


def test_search_as_json(cli):
    done = cli("search", "heart", "attack", "--format", "json", "--limit", "2")
    answer = json.loads(done.out)
    assert done.code == 0
    assert answer["results"][0]["code"] == "I21.9"
    assert {"code", "description", "billable", "score"} <= answer["results"][0].keys()
    assert len(answer["results"]) == 2


def test_validate_as_json(cli):
    done = cli("validate", "G35", "G35.A", "nonsense", "E11.9", "--date-of-service", "2025-09-30", "--format", "json")
    answer = json.loads(done.out)
    assert done.code == 0
    assert [code["status"] for code in answer["codes"]] == ["VALID", "NOT_VALID_ON_DATE", "UNKNOWN", "VALID"]
    assert answer["alerts"] == []


@pytest.mark.parametrize(("code", "status"), [("g35", "NOT_BILLABLE"), ("QA0.0101", "VALID"), ("XYZ", "UNKNOWN")])
def test_code_as_json(cli, code, status):
    done = cli("code", code, "--date-of-service", "2026-01-01", "--format", "json")
    assert (done.code, json.loads(done.out)["status"]) == (0, status)


def test_tables_show_the_code(cli):
    assert "polyneuropathy" in cli("code", "E11.42").out
    assert "I21.9" in cli("search", "heart attack").out
    assert "7th character" in cli("validate", "S52.511").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("code", "I10", "--date-of-service", "1999-01-01"),
        ("code", "I10", "--date-of-service", "tomorrow"),
        ("search", ""),
        ("search", "x", "--limit", "0"),
        ("validate",),
        ("validate", "I10", "--sex", "X"),
    ],
)
def test_bad_use_is_one_line_and_code_2(cli, arguments):
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("code", "e1142"),
        ("code", "XYZ"),
        ("search", "left", "knee", "pain", "--billable"),
        ("validate", "G35", "F02.80", "G30.9", "--sex", "MALE", "--age", "70"),
    ],
)
@pytest.mark.parametrize("form", ["json", "table"])
def test_local_and_remote_print_the_same(cli, address, arguments, form):
    ending = ("--date-of-service", "2025-10-01", "--format", form)
    here, there = cli(*arguments, *ending), cli(*arguments, *ending, "--target", address)
    assert (here.code, there.code) == (0, 0), there.err
    assert here.out == there.out


def test_a_server_that_is_not_there_is_code_3(cli):
    assert cli("code", "I10", "--target", "127.0.0.1:1").code == 3
