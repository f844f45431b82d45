"""Files of the columns that New York City publishes, made in the words of the tests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

MAPPING_FILE = Path(__file__).parents[2] / "deploy" / "demo" / "nyc-mapping.json"

COLUMNS = (
    "opportunity_id",
    "vol_requests",
    "event_time",
    "title",
    "summary",
    "category_desc",
    "org_title",
    "locality",
    "recurrence_type",
    "start_date_date",
    "end_date_date",
)

ROW = {
    "opportunity_id": "5055",
    "vol_requests": "15",
    "event_time": "0",
    "title": "Stop 'N' Swap",
    "summary": "Help sort, fold and display items.",
    "category_desc": "Environment",
    "org_title": "Office of Recycling",
    # An address over three lines, as the city writes it.
    "locality": "1109 Fifth Avenue\nNew York, NY 10128\n(40.78, -73.95)",
    "recurrence_type": "onetime",
    "start_date_date": "February 05 2011",
    "end_date_date": "February 05 2011",
}


def nyc_file(*rows: dict[str, str]) -> bytes:
    """Return a file of these rows, each with what a plain row has besides."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({**ROW, "opportunity_id": str(5000 + number), **row})
    return out.getvalue().encode()


def nyc_mapping(**changes: Any) -> dict[str, Any]:
    """Return the mapping that stands beside the demo, with changes."""
    return json.loads(MAPPING_FILE.read_text()) | changes
