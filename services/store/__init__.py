"""The store: merchants and talents, what is on their shelf, orders, vouchers, settlement lines.

Owns merchants and their staff, items and their stock, orders with the vouchers inside them,
settlement lines, and a district's rules for its shelf.

Tells ``OrderPlaced``, ``VoucherUsed`` and ``OrderCancelled`` to the ledger. Hears the ledger's
``HoldPlaced``, ``HoldRefused``, ``HoldCaptured`` and ``HoldReleased``, and the volunteers'
``VolunteerRegistered`` and ``VolunteerStatusChanged``.
"""
