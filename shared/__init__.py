"""Mechanism and contracts that all services share; nothing here knows minutes, points or goods."""
