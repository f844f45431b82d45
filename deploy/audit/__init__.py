"""The audit: ten invariants of one installation, computed from its databases and logs alone.

``audit()`` waits until what is under way has come to rest, then computes every figure itself,
without the services' code, and says of each invariant how many things it looked at. On the
command line: ``python -m deploy.audit``.
"""

from deploy.audit.report import TITLES, Invariant, Report
from deploy.audit.run import audit, check_all

__all__ = ["TITLES", "Invariant", "Report", "audit", "check_all"]
