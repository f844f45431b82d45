"""What stands in documents, alert rules and dashboard is what the code exposes, and the reverse."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.local_server import free_port
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock
from tests.architecture.code import ROOT
from tests.journeys.house import House
from tests.operations.exposed import OURS, SCRAPED, families, samples

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
SCRAPES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SHOWN = [target["expr"] for panel in PANELS for target in panel["targets"]]
QUERIES = [alert["expr"] for alert in ALERTS] + [
    shown.replace("$__rate_interval", "5m") for shown in SHOWN
]
READY_WITHIN_S = 60.0


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documented() -> dict[str, set[str]]:
    """Return the metrics of the document's table, with their labels."""
    rows = re.findall(r"^\| `(gongxiang_\w+)` \| ([^|]*)\|", DOCUMENT, re.MULTILINE)
    return {name: set(re.findall(r"\w+", labels)) for name, labels in rows}


def nodes(query: str) -> Iterator[Any]:
    """Yield every part of a query; promql_parser raises where it is none."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(query), found.append)
    return iter(found)


def test_every_metric_is_documented_with_its_labels_and_nothing_else_is() -> None:
    assert documented() == families()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_the_code_exposes(query: str) -> None:
    exposed = {**samples(), "up": set()}
    labels: set[str] = set()
    for selector in nodes(query):
        if isinstance(selector, promql_parser.VectorSelector):
            assert selector.name in exposed
            labels |= exposed[selector.name]
            named = {matcher.name for matcher in selector.matchers.matchers}
            assert named <= exposed[selector.name] | SCRAPED
    for part in nodes(query):
        modifier = getattr(part, "modifier", None)
        matching = getattr(modifier, "matching", modifier)
        assert set(getattr(matching, "labels", ())) <= labels | SCRAPED


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")

    assert alert["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"\d+[ms]", alert["for"])
    assert (ROOT / path).is_file()
    assert anchor in anchors(DOCUMENT)
    query = promql_parser.parse(alert["expr"])
    assert isinstance(query, promql_parser.BinaryExpr), "an alert compares"
    kept = {"instance"} if "up{" in alert["expr"] else set()
    for part in nodes(alert["expr"]):
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier:
            kept |= set(part.modifier.labels)
        if isinstance(part, promql_parser.VectorSelector) and part.name:
            kept |= samples().get(part.name, set()) if "by" not in alert["expr"] else set()
    said = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert said <= kept, "a label that the query does not keep"


def test_every_metric_with_a_bound_is_looked_at_by_an_alert_and_shown() -> None:
    bounds = dict(re.findall(r"^\| `(gongxiang_\w+)` .* \| ([^|]+) \|$", DOCUMENT, re.MULTILINE))
    bounded = {name for name, bound in bounds.items() if bound not in ("–", "grows")}
    asked = " ".join(alert["expr"] for alert in ALERTS)

    assert len(bounds) == len(documented())
    assert not [name for name in bounded if name not in asked]
    assert not [name for name in documented() if name not in " ".join(SHOWN)]


def test_links_of_the_document_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
        path, _, anchor = link.partition("#")
        assert not path or (ROOT / "docs" / path).exists(), link
        assert path or anchor in anchors(DOCUMENT), link


def test_the_example_scrapes_web_and_worker_of_every_service() -> None:
    targets = {
        target.partition(":")[0]
        for job in SCRAPES["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    services = ("volunteers", "activities", "ledger", "store")

    assert SCRAPES["rule_files"] == ["alerts.yml"]
    assert targets == {f"{service}-{kind}" for service in services for kind in ("web", "worker")}


@pytest.mark.servers
@pytest.mark.timeout(240)
def test_real_processes_show_every_metric(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    house = House(mongo, empty_kafka, tmp_path)
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]
    commands = [
        ("PORT", [*gunicorn, "services.store.app:create_app()"]),
        ("METRICS_PORT", [sys.executable, "-m", "services.store"]),
        ("METRICS_PORT", [sys.executable, "-m", "services.ledger"]),
    ]
    names: set[str] = set()
    with ExitStack() as running:
        urls = []
        for number, (setting, command) in enumerate(commands):
            port = free_port()
            own = {**house.environment(f"scraped-{number}"), f"GONGXIANG_{setting}": str(port)}
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own})
            running.callback(process.wait, 20)
            running.callback(process.terminate)
            urls.append(f"http://127.0.0.1:{port}")
        for url in urls:
            wait_ready(url)
            page = requests.get(f"{url}/metrics", timeout=10).text
            names |= {family.name for family in text_string_to_metric_families(page)}

    ours = {name.removesuffix("_total") for name in families()}
    assert ours <= names
    more = {name for name in names if name.startswith(OURS)} - ours
    # The library says of each when it began.
    assert all(name.removesuffix("_created") in ours for name in more)


def wait_ready(url: str) -> None:
    deadline = clock.monotonic() + READY_WITHIN_S
    while True:
        try:
            if requests.get(f"{url}/readyz", timeout=2).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        assert clock.monotonic() < deadline, f"{url} is not ready"
        clock.sleep(0.2)
