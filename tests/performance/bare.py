"""The least that Flask can do: one constant, as JSON."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/v1/bare")
def bare() -> dict[str, int]:
    """Answer always alike."""
    return {"n": 1}
