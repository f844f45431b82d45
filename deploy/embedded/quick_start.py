"""The broker's quick start: what Java works out of its jars at a start, kept for all later ones.

`python -m deploy.embedded.quick_start` makes it, once an installation; it takes some seconds, and
every start then takes about half as long. Without it, or with one of other jars, Java starts as it
does anyway.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.embedded import kafka_files
from deploy.embedded.servers import KafkaServer, ServerDidNotStart

MADE_WITHIN_S = 120.0
SAID_MAX = 2000


class _Recorded(KafkaServer):
    """A broker that writes down, when it ends, what its start worked out."""

    def command(self) -> list[str]:
        record = ("-XX:AOTMode=record", f"-XX:AOTConfiguration={self.directory / 'start.conf'}")
        return kafka_files.server_command(self.directory, *record)


def make(place: Path) -> None:
    """Make it, of an empty broker's start.

    Raises :class:`ServerDidNotStart`, and subprocess's errors where Java cannot make one.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    # One of a former Java or of other jars is none of this one's, also where none can be made.
    place.unlink(missing_ok=True)
    with TemporaryDirectory(dir=place.parent, prefix="making-") as made:
        broker = _Recorded(made)
        broker.start()
        broker.stop(MADE_WITHIN_S)
        new = Path(made) / place.name
        create = (
            *("-XX:AOTMode=create", f"-XX:AOTConfiguration={Path(made) / 'start.conf'}"),
            *(f"-XX:AOTCache={new}", kafka_files.UNKNOWN_PASSED_OVER, *kafka_files.CLASSES_ALONE),
        )
        subprocess.run(
            kafka_files.server_command(Path(made), *create),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=MADE_WITHIN_S,
        )
        new.replace(place)


def main() -> int:
    """Make it; whatever keeps it from being made costs time at each start, and nothing else."""
    try:
        make(kafka_files.QUICK_START)
    except (ServerDidNotStart, OSError, subprocess.SubprocessError) as why:
        print(f"gongxiang: the broker will start slowly: {why}", file=sys.stderr)
        if isinstance(why, (subprocess.CalledProcessError, subprocess.TimeoutExpired)):
            said = (why.output or b"").decode(errors="replace").strip()
            print(said[-SAID_MAX:], file=sys.stderr)
    else:
        print(f"the broker's quick start is in {kafka_files.QUICK_START}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
