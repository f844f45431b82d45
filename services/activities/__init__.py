"""Activities: what is published, who signed up, who was there, and what their service is worth.

Owns activities, shifts, sign-ups, diaries, attendances, service records and imports.
Tells ``ServiceConfirmed``. Hears ``VolunteerRegistered`` and ``VolunteerStatusChanged`` (who may
sign up) and ``PointsEarned`` (a record is banked).
"""
