"""A short run of `make fuzz`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import grpc
import pytest

SOURCE = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzzer():
    spec = importlib.util.spec_from_file_location("fuzz", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_random_and_mutated_requests_get_expected_answers_only(fuzzer, address):
    with grpc.insecure_channel(address) as channel:
        outcomes, odd = fuzzer.fuzz(channel, 400, seed=7)
    assert odd == []
    assert outcomes["OK"] > 50
    assert outcomes["INVALID_ARGUMENT"] > 50
