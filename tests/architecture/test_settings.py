"""Every setting stands in `deploy/env.example`, and nothing stands there that is no setting."""

from __future__ import annotations

import base64
import importlib
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields

import pytest

from shared.settings import BadSettings, Settings, load, variable
from tests.architecture.code import ROOT, calls, files, place, source

SERVICES = ("volunteers", "activities", "ledger", "store")
EXAMPLE = ROOT / "deploy" / "env.example"
# The port that gunicorn takes where none is set: a worker has none.
SHOWN_OTHERWISE = ("GONGXIANG_PORT",)
LINE = re.compile(r"^(#?)(GONGXIANG_[A-Z0-9_]+)=(.*)$")


def kind_of(service: str) -> type[Settings]:
    module = importlib.import_module(f"services.{service}.settings")
    kind: type[Settings] = getattr(module, f"{service.capitalize()}Settings")
    return kind


def example() -> dict[str, tuple[bool, str]]:
    """Return each variable of the example: whether it may be left out, and its value."""
    found = [LINE.match(line) for line in EXAMPLE.read_text().splitlines()]
    lines = [(match[2], (match[1] == "#", match[3])) for match in found if match]
    assert len(dict(lines)) == len(lines), "a setting stands there twice"
    return dict(lines)


KINDS: list[type[Settings]] = [Settings, *map(kind_of, SERVICES)]
KNOWN = {variable(field.name): field for kind in KINDS for field in fields(kind)}


def set_in_the_example() -> dict[str, str]:
    """Return the variables that may not be left out."""
    return {name: value for name, (left_out, value) in example().items() if not left_out}


def with_keys(values: Mapping[str, str]) -> dict[str, str]:
    """Return the example with real keys where it says that some are to be put."""
    key = base64.urlsafe_b64encode(bytes(range(32))).decode()
    return {name: re.sub("replace-with-32-.*", key, value) for name, value in values.items()}


def test_every_setting_stands_in_the_example_and_nothing_else() -> None:
    assert set(example()) == set(KNOWN)


def test_what_may_be_left_out_shows_its_default() -> None:
    for name, (left_out, value) in example().items():
        field = KNOWN[name]
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if default is MISSING:
            assert not left_out, name
        elif left_out and name not in SHOWN_OTHERWISE:
            assert value == str(getattr(default, "key", default)), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_the_example_once_the_keys_are_put(service: str) -> None:
    values = with_keys(
        {name: value for name, (left_out, value) in example().items() if not left_out}
    )

    settings = load(kind_of(service), values)

    assert not settings.embedded


@pytest.mark.parametrize("service", ["volunteers", "activities", "store"])
def test_a_service_does_not_start_with_the_examples_own_keys(service: str) -> None:
    values = set_in_the_example()

    with pytest.raises(BadSettings):
        load(kind_of(service), values)


@pytest.mark.parametrize("service", ["volunteers", "activities", "store"])
def test_a_process_with_a_default_key_ends_at_once_and_names_only_the_setting(service: str) -> None:
    values = set_in_the_example()
    weak = base64.urlsafe_b64encode(bytes(32)).decode()
    values = {name: re.sub("replace-with-32-.*", weak, value) for name, value in values.items()}

    started = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={"PATH": "", "PYTHONPATH": str(ROOT), **values},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert started.returncode not in (0, -15)
    assert "is a default or a guessable key" in started.stderr
    assert weak not in started.stderr + started.stdout
    assert "Traceback" not in started.stderr


def test_the_environment_is_read_by_settings_alone() -> None:
    # gunicorn's file is read before there is an app; the embedded system makes environments.
    elsewhere = {ROOT / "shared" / "settings.py", ROOT / "deploy" / "gunicorn.conf.py"}
    found = [
        f"{place(path, call)} {name}"
        for path in files("services", "shared")
        if path not in elsewhere
        for call, name in calls(path)
        if re.search(r"(^|\.)os\.(getenv|environ\.get)", name)
    ]

    assert not found


def test_every_variable_that_the_code_names_is_a_setting() -> None:
    named = {
        name
        for path in files("services", "shared")
        for name in re.findall(r"GONGXIANG_[A-Z0-9_]*[A-Z0-9]", source(path))
    }

    assert not {name for name in named if not {name, name.removesuffix("_FILE")} & set(KNOWN)}
