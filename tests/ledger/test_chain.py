"""What is hashed, and the examples that anyone can hash again."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.model import GENESIS_PREV, Unsound, canonical, chained, check_next
from services.ledger.model.posting import Posting
from tests.ledger.bookkeeper import Bookkeeper, earn, hold
from tests.ledger.documented import DOCUMENT, documented, examples, written

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.integers(-(2**62), 2**62) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=5), st.randoms())
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(document, dice):
    names = list(document)
    dice.shuffle(names)

    form = canonical({name: document[name] for name in names})

    assert form == canonical(document)
    assert json.loads(form) == {name: v for name, v in document.items() if name != "hash"}


def test_the_canonical_form_is_plain():
    assert (
        canonical({"b": [1, None], "hash": "x", "a": "天元"})
        == '{"a":"天元","b":[1,null]}'.encode()
    )


def test_the_documents_examples_are_those_of_the_book():
    assert documented() == examples()
    text = DOCUMENT.read_text("utf-8")
    assert written(text) == text, "run python -m tests.ledger.documented"


def test_the_documents_examples_can_be_hashed_by_the_documents_recipe_alone():
    prev = "0" * 64
    for posting in documented():
        said = posting.pop("hash")
        text = json.dumps(posting, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert posting["prev"] == prev
        assert hashlib.sha256((prev + text).encode("utf-8")).hexdigest() == said
        prev = said


def test_each_posting_is_bound_to_all_before_it():
    keeper = Bookkeeper()
    keeper.post(earn("a"))
    keeper.post(hold(amount=50))
    first, second, third = keeper.journal

    assert first.document["prev"] == GENESIS_PREV
    assert second.document["prev"] == first.hash
    assert third.hash == chained(second.hash, third.document)
    check_next(third, n=second.n, at=second.at, prev=second.hash)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 4},
        {"prev": "1" * 64},
        {"at": 0},
        {"format": 2},
        {"kind": "hold"},
        {"lines": []},
        {"accounts": []},
        {"book": "430202"},
        {"extra": 1},
    ],
)
def test_any_change_breaks_the_chain(change):
    keeper = Bookkeeper()
    keeper.post(earn("a"))
    second = keeper.journal[0]
    third = keeper.journal[1]

    with pytest.raises(Unsound):
        check_next(
            Posting({**third.document, **change}), n=second.n, at=second.at, prev=second.hash
        )
