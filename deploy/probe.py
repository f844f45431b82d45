"""`python -m deploy.probe`: whether the process of this container is ready, as its page says."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3.0


def main() -> int:
    """Return 0 where `/readyz` of the web, or of the worker's own page, answers 200."""
    port = os.environ.get("GONGXIANG_METRICS_PORT") or os.environ.get("GONGXIANG_PORT", "8000")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S) as page:
            return 0 if page.status == 200 else 1
    except (urllib.error.URLError, OSError) as trouble:
        print(f"not ready: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
