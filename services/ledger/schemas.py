"""What the ledger's HTTP may say and hear. Amounts are integers in hundredths of a point."""

from __future__ import annotations

import marshmallow as ma

from shared.web import Page, PageQuery, Schema, fields

NUMBER_MAX = 2**53
HUNDREDTHS = {"description": "Hundredths of a point."}


class BalanceQuery(Schema):
    """How recent a balance has to be."""

    at_least = fields.Count(
        1,
        NUMBER_MAX,
        load_default=None,
        metadata={
            "description": "Wait up to 2 s until the journal holds this number; else 202, with"
            " the balance as it is and Retry-After."
        },
    )


class LotShown(Schema):
    """What of a balance expires at the end of one month; ``2027-12``."""

    lot = fields.Month()
    available = ma.fields.Integer(metadata=HUNDREDTHS)
    held = ma.fields.Integer(metadata=HUNDREDTHS)
    pending = ma.fields.Integer(metadata=HUNDREDTHS)
    debt = ma.fields.Integer(metadata=HUNDREDTHS)


class BalanceShown(Schema):
    """A balance, and the number of the posting at which it is true."""

    book = fields.RegionCode()
    account = ma.fields.String()
    unit = ma.fields.String()
    available = ma.fields.Integer(metadata=HUNDREDTHS)
    held = ma.fields.Integer(metadata=HUNDREDTHS)
    pending = ma.fields.Integer(metadata=HUNDREDTHS)
    debt = ma.fields.Integer(metadata={"description": "0 or less; later earnings repay it."})
    lots = ma.fields.List(ma.fields.Nested(LotShown))
    n = ma.fields.Integer()


class StatementQuery(Schema):
    """Which entries: the newest below a number."""

    before = fields.Count(1, NUMBER_MAX, load_default=None)
    limit = PageQuery._declared_fields["limit"]


class EntryLine(Schema):
    """One movement in the account, with the bucket's balance after it."""

    bucket = ma.fields.String()
    unit = ma.fields.String()
    lot = ma.fields.String(allow_none=True)
    amount = ma.fields.Integer(metadata=HUNDREDTHS)
    balance = ma.fields.Integer(metadata=HUNDREDTHS)


class EntryShown(Schema):
    """A posting as its account's statement shows it."""

    n = ma.fields.Integer()
    fact = ma.fields.String()
    at = fields.When()
    kind = ma.fields.String()
    about = ma.fields.Dict()
    lines = ma.fields.List(ma.fields.Nested(EntryLine))


class PostingsQuery(Schema):
    """Which postings: those above a number."""

    after = fields.Count(0, NUMBER_MAX, load_default=0)
    limit = PageQuery._declared_fields["limit"]


class PostingShown(Schema):
    """A posting exactly as it stands, so that it can be hashed again; see docs/ledger.md."""

    fact = ma.fields.String(data_key="_id", attribute="_id")
    book = ma.fields.String()
    n = ma.fields.Integer()
    at = ma.fields.Integer(metadata={"description": "Milliseconds since 1970, UTC."})
    format = ma.fields.Integer()
    kind = ma.fields.String()
    about = ma.fields.Dict()
    lines = ma.fields.List(ma.fields.Dict())
    accounts = ma.fields.List(ma.fields.String())
    cause = ma.fields.Dict()
    refused = ma.fields.String()
    prev = ma.fields.String()
    hash = ma.fields.String()


class BookLine(Schema):
    """A book in the list of books; the head is there or above."""

    book = fields.RegionCode()
    name = ma.fields.String()
    head = ma.fields.Integer()


class BookShown(Schema):
    """A book as it is now."""

    book = fields.RegionCode()
    name = ma.fields.String()
    zone = ma.fields.String()
    rules = ma.fields.List(ma.fields.Dict())
    head = ma.fields.Integer()
    at = fields.When()
    hash = ma.fields.String()
    set_aside = ma.fields.Boolean()


class SumShown(Schema):
    """The sum over all accounts of a kind."""

    kind = ma.fields.String()
    unit = ma.fields.String()
    bucket = ma.fields.String()
    amount = ma.fields.Integer(metadata=HUNDREDTHS)


class TotalShown(Schema):
    """The sum over all accounts of a book: 0 in every unit."""

    unit = ma.fields.String()
    amount = ma.fields.Integer()


class TrialBalanceShown(Schema):
    """The sums of a book by kind, unit and bucket, true at ``n``."""

    book = fields.RegionCode()
    n = ma.fields.Integer()
    at = fields.When()
    sums = ma.fields.List(ma.fields.Nested(SumShown))
    totals = ma.fields.List(ma.fields.Nested(TotalShown))
    adds_up = ma.fields.Boolean()


BookPage = Page(BookLine)
StatementPage = Page(EntryShown)
PostingPage = Page(PostingShown)
