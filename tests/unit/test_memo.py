"""A bounded memory of a function's answers."""

from detect_icd.memo import Memo


def test_each_key_is_asked_once() -> None:
    asked: list[str] = []
    memo = Memo(lambda key: asked.append(key) or len(key), most=9)
    assert [memo[word] for word in ("knee", "leg", "knee")] == [4, 3, 4]
    assert asked == ["knee", "leg"]


def test_new_keys_never_make_it_larger_than_it_may_be() -> None:
    memo = Memo(str, most=10)
    assert [memo[n] for n in range(100)] == [str(n) for n in range(100)]
    assert len(memo) <= 10


def test_an_endless_word_is_not_kept():
    memo = Memo(len, most=10)
    assert memo["a" * 1000] == 1000
    assert not memo
