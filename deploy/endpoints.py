"""The endpoint table in each service's README, made from the routes themselves.

`python -m deploy.endpoints` writes the tables anew; a test holds that they are fresh.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from flask import Flask

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("volunteers", "activities", "ledger", "store")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
BEGIN, END = "<!-- endpoints: python -m deploy.endpoints -->", "<!-- end of endpoints -->"
BETWEEN = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)


class NoPlaceForTable(Exception):
    """The README has no two markers between which the table could stand."""


def readme(service: str) -> Path:
    """Return where a service's README lies."""
    return ROOT / "services" / service / "README.md"


def table(service: str) -> str:
    """Return a service's endpoints as a table: what, who may, and what one gets."""
    app = Flask(f"endpoints.{service}", static_folder=None)
    for blueprint in importlib.import_module(f"services.{service}.routes").BLUEPRINTS:
        app.register_blueprint(blueprint)
    rows = []
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        who = ", ".join(role.value for role in view.allowed_roles) or "everyone"
        what = (view.__doc__ or "").strip().splitlines()[0].replace("``", "`")
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        rows += [
            (path, METHODS.index(method), f"| {method} | `{path}` | {who} | {what} |")
            for method in METHODS
            if method in (rule.methods or ())
        ]
    lines = [line for _, _, line in sorted(rows)]
    return "\n".join(["| | Path | Role | |", "|---|---|---|---|", *lines])


def with_table(text: str, service: str) -> str:
    """Return a README's text with the service's table in its place."""
    if not BETWEEN.search(text):
        raise NoPlaceForTable(f"{readme(service)} wants {BEGIN} and {END}")
    made = f"{BEGIN}\n\n{table(service)}\n\n{END}"
    return BETWEEN.sub(lambda _: made, text)


def main() -> int:
    """Write all tables anew; return 0."""
    for service in SERVICES:
        path = readme(service)
        path.write_text(with_table(path.read_text(), service))
    return 0


if __name__ == "__main__":
    sys.exit(main())
