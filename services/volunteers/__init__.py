"""Volunteers: people and what they may act as; their hours of service and stars.

Owns: people (name and telephone sealed), confirmations of telephones, sign-ins, roles, regions, and
one row of minutes per service record. Tells: ``VolunteerRegistered``, ``VolunteerStatusChanged``.
Hears: ``ServiceConfirmed``.
"""
