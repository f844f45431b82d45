"""`python -m deploy.compose`: what docker-compose.yml needs before it goes up.

Makes the secrets in `.secrets`, each once: what is there is never overwritten. A container's user
is none of this machine's, so the files may be read by whoever comes to them; only their owner does,
since the directory is closed to all others. Standard library only: `make up` needs no virtual
environment.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.embedded import secret_files

ROOT = Path(__file__).resolve().parents[1]
SECRETS = ROOT / ".secrets"
READABLE = 0o444
SERVICES = tuple(secret_files.SECRETS)
PROVIDERS_OWN = "sms_webhook_token"
KEYFILE_BYTES = 756
NEEDED = {
    "GONGXIANG_SMS_WEBHOOK_URL": "the address that sends confirmation codes by text; "
    "without it nobody can sign in",
}


def passwords() -> list[str]:
    """Return the names of the secrets that are passwords on the servers."""
    return [
        "mongo_password_root",
        *(
            f"{server}_password_{user}"
            for server in ("mongo", "kafka")
            for user in ("operator", *SERVICES)
        ),
    ]


def make_secrets(directory: Path = SECRETS) -> list[str]:
    """Make what is missing; return the names of what was made."""
    before = set(_names(directory))
    secret_files.make_missing(directory, mode=READABLE)
    for name in passwords():
        secret_files.write_missing(directory / name, secrets.token_urlsafe(32), mode=READABLE)
    keyfile = base64.b64encode(secrets.token_bytes(KEYFILE_BYTES)).decode()
    secret_files.write_missing(directory / "mongo_keyfile", keyfile, mode=READABLE)
    # Whoever sends the texts gives it; empty for one who asks for none.
    secret_files.write_missing(directory / PROVIDERS_OWN, "", mode=0o644)
    return sorted(set(_names(directory)) - before)


def missing_settings(environ: Mapping[str, str], dotenv: Path) -> list[str]:
    """Return a line for each setting without which the system would not come up."""
    known = {**dict(_dotenv(dotenv)), **environ}
    return [f"{name}: {why}" for name, why in NEEDED.items() if not known.get(name)]


def main() -> int:
    """Make secrets, look for settings; return 0, or 1 after a line for each that is missing."""
    made = make_secrets()
    if made:
        print(f"已生成密钥 / made {len(made)} secrets in {SECRETS.name}: keep a copy of them")
    missing = missing_settings(os.environ, ROOT / ".env")
    for line in missing:
        print(f"gongxiang: .env 缺少 / .env lacks {line}", file=sys.stderr)
    if missing:
        print("gongxiang: cp deploy/compose.env.example .env", file=sys.stderr)
    return 1 if missing else 0


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.exists() else []


def _dotenv(path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            yield name.strip(), value.strip().strip("'\"")


if __name__ == "__main__":
    sys.exit(main())
