"""Voucher codes: read as people write them, and never read wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store import model

keys = st.binary(min_size=32, max_size=32)
order_ids = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)
codes = st.builds(lambda order_id, key: model.code_of(order_id, key=key), order_ids, keys)
places = st.integers(0, model.SYMBOLS)


@given(codes)
def test_a_code_is_read_as_it_is_shown(code):
    assert len(code) == model.SYMBOLS + 1
    assert set(code) <= set(model.ALPHABET)
    assert model.read_code(model.grouped(code)) == code


@given(order_ids, keys)
def test_the_same_order_and_key_give_the_same_code(order_id, key):
    assert model.code_of(order_id, key=key) == model.code_of(order_id, key=key)


@given(order_ids, keys, keys)
def test_another_key_gives_another_code(order_id, key, other):
    same = model.code_of(order_id, key=key) == model.code_of(order_id, key=other)

    assert same == (key == other)


@given(codes, places, st.sampled_from(model.ALPHABET))
def test_one_wrong_symbol_is_always_noticed(code, place, symbol):
    wrong = code[:place] + symbol + code[place + 1 :]

    if wrong == code:
        assert model.read_code(wrong) == code
    else:
        with pytest.raises(model.MistypedVoucher):
            model.read_code(wrong)


@given(codes, places, places)
def test_two_swapped_symbols_are_always_noticed_wherever_they_stand(code, one, other):
    symbols = list(code)
    symbols[one], symbols[other] = symbols[other], symbols[one]
    wrong = "".join(symbols)

    if wrong == code:
        assert model.read_code(wrong) == code
    else:
        with pytest.raises(model.MistypedVoucher):
            model.read_code(wrong)


@given(codes, st.randoms(use_true_random=False))
def test_case_gaps_width_and_lookalikes_do_not_matter(code, random):
    lookalikes = {"0": "0Oo", "1": "1IiLl"}
    typed = ""
    for symbol in code:
        one = random.choice(lookalikes.get(symbol, symbol + symbol.lower()))
        if random.random() < 0.2:
            one = chr(ord(one) + 0xFEE0)  # the full-width form, as an input method writes it
        typed += one + random.choice(["", "", "-", " ", "  ", "—", "\u3000"])

    if len(typed) <= 64:
        assert model.read_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "0" * 16,
        "0" * 18,
        "U" * 17,
        "券" * 17,
        "0" * 10_000,
        "0000-0000-0000-0000-1",
        "\x00",
    ],
)
def test_what_cannot_be_a_code_is_refused(typed):
    with pytest.raises(model.MistypedVoucher):
        model.read_code(typed)


def test_a_code_stands_for_ever():
    code = model.code_of("01JD0000000000000000000000", key=bytes(range(32)))

    assert model.grouped(code) == "0NEQ-TBXW-FEKF-Z20X-0"
    assert model.hash_of(code) == model.hash_of(model.read_code("0NEQ-TBXW-FEKF-Z20X-0".lower()))
