"""The ledger: one book of points per district, each a numbered journal that only grows.

Owns: journal, accounts, books, and copies of the persons' status. Tells: ``PointsEarned``,
``HoldPlaced``, ``HoldRefused``, ``HoldCaptured``, ``HoldReleased``. Hears: ``ServiceConfirmed``,
``OrderPlaced``, ``VoucherUsed``, ``OrderCancelled``, ``VolunteerRegistered`` and
``VolunteerStatusChanged``. How the journal works stands in ``docs/ledger.md``.
"""
