"""A system's own secrets: made at first start, one file each; embedded for its owner only."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

# Which service may read which secret; a name is a setting, its file is named in lower case.
SECRETS = {
    "volunteers": ("TOKEN_KEYS", "PHONE_KEY", "PERSON_KEYS"),
    "activities": ("CHECK_IN_KEYS",),
    "ledger": (),
    "store": ("VOUCHER_KEYS",),
}
# A ring of named keys, so that one can follow another; the others are a key alone.
RINGS_END_WITH = "_KEYS"
FIRST_KEY_ID = "k1"


def make_missing(directory: Path, *, mode: int = 0o600) -> None:
    """Make the secrets that are not there yet; those that are stay as they are."""
    for name in sorted({name for names in SECRETS.values() for name in names}):
        text = _ring() if name.endswith(RINGS_END_WITH) else _key()
        write_missing(directory / name.lower(), text, mode=mode)


def write_missing(path: Path, text: str, *, mode: int = 0o600) -> bool:
    """Write a secret, whole or not at all, where there is none; tell whether it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Also one that somebody made by hand: the files in it may be readable to all.
    path.parent.chmod(0o700)
    if path.exists():
        return False
    # A start that is interrupted must not leave half a key.
    arriving = path.with_suffix(".new")
    with os.fdopen(os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    arriving.chmod(mode)
    arriving.replace(path)
    return True


def settings_of(service: str, directory: Path) -> dict[str, str]:
    """Return the settings that name a service's secret files."""
    return {f"GONGXIANG_{name}_FILE": str(directory / name.lower()) for name in SECRETS[service]}


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ring() -> str:
    return f"{FIRST_KEY_ID}:{_key()}"
