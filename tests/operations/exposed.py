"""What our processes show at `/metrics`: every sample's name and its labels."""

from __future__ import annotations

import importlib

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from tests.journeys.house import SERVICES

OURS = "gongxiang_"
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself gives."""


def families() -> dict[str, set[str]]:
    """Return every figure of ours by the name that it is known by, with its labels."""
    return {_known_as(each): set(each._labelnames) for each in _ours()}


def samples() -> dict[str, set[str]]:
    """Return the name of every sample that may be asked for, with its labels."""
    found: dict[str, set[str]] = {}
    for each in _ours():
        labels, name = set(each._labelnames), _known_as(each)
        if isinstance(each, Histogram):
            found |= {f"{name}_sum": labels, f"{name}_count": labels}
            found[f"{name}_bucket"] = labels | {"le"}
        else:
            found[name] = labels
    return found


def _ours() -> set[MetricWrapperBase]:
    for service in SERVICES:
        for half in ("app", "worker"):
            importlib.import_module(f"services.{service}.{half}")
    return {
        each
        for name, each in REGISTRY._names_to_collectors.items()
        if name.startswith(OURS) and isinstance(each, MetricWrapperBase)
    }


def _known_as(each: MetricWrapperBase) -> str:
    return f"{each._name}_total" if isinstance(each, Counter) else each._name
