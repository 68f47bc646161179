"""What all open documents of a process hold together."""

from threading import Thread

import pytest

from detect_icd.service.status import OverloadedError
from detect_icd.service.stream import Held, _Open


def test_what_was_given_back_can_be_taken_again():
    held = Held(100)
    held.take(80)
    held.give_back({"d": _Open(None, 80)})
    held.take(100)


def test_more_than_the_limit_is_refused_and_not_counted():
    held = Held(100)
    with pytest.raises(OverloadedError):
        held.take(101)
    held.take(100)


def test_the_garbage_collector_may_give_back_amid_a_take():
    held = Held(100)
    with held._lock:  # as within `take`, where a collection calls the finalizer of a stream that has ended
        giving = Thread(target=held.give_back, args=({"d": _Open(None, 1)},), daemon=True)
        giving.start()
        giving.join(5)
        assert not giving.is_alive()
