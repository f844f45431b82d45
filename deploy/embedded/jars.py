"""Published jars, Apache Kafka's and Swagger UI's: fetched once by their locks, verified when used.

`python -m deploy.embedded.jars` fetches them; `… jars swagger-ui FILE` puts the verified jar of the
try-it page there, for an image; `… jars lock` writes the locks anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from jgo.env import LockFile
from jgo.env._lockfile import LockedDependency
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

LOCK = Path(__file__).with_name("jars.lock.toml")
SWAGGER_UI_LOCK = Path(__file__).with_name("swagger-ui.lock.toml")
WANTED = {
    LOCK: ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36"),
    SWAGGER_UI_LOCK: ("org.webjars:swagger-ui:5.32.2",),
}
DOWNLOADS_AT_ONCE = 6


class JarsUnavailable(Exception):
    """A jar is missing and cannot be fetched, or is not the one that the lock names."""


def cache_dir() -> Path:
    """Return where the jars are kept for all checkouts of this user."""
    chosen = os.environ.get("GONGXIANG_CACHE_DIR")
    return (Path(chosen) if chosen else Path.home() / ".cache" / "gongxiang") / "jars"


def classpath(*, cache: Path | None = None, lock_path: Path = LOCK) -> str:
    """Return Java's class path of verified jars; see `verified`."""
    return os.pathsep.join(map(str, verified(lock_path, cache=cache)))


def swagger_ui(*, cache: Path | None = None) -> Path:
    """Return the verified jar of the try-it page; see `verified`."""
    (jar,) = verified(SWAGGER_UI_LOCK, cache=cache)
    return jar


def place_of_swagger_ui() -> Path:
    """Return where that jar lies, whether it is there or not."""
    return _path(LockFile.load(SWAGGER_UI_LOCK).dependencies[0], cache_dir())


def verified(lock_path: Path, *, cache: Path | None = None) -> list[Path]:
    """Return a lock's jars, fetched where they are missing.

    Refuses with `JarsUnavailable` where the registry cannot be reached or a checksum differs.
    """
    cache = cache or cache_dir()
    lock = LockFile.load(lock_path)
    missing = [jar for jar in lock.dependencies if not _path(jar, cache).exists()]
    if missing:
        _fetch(missing, cache)
    # jgo trusts whatever lies in its cache, so this is the only check there is.
    wrong = lock.verify_checksums(cache)
    if wrong:
        raise JarsUnavailable(
            f"{len(wrong)} of the jars are not what {lock_path.name} names, e.g. {wrong[0]}; "
            f"delete {cache} and try again"
        )
    return [_path(jar, cache) for jar in lock.dependencies]


def write_lock(lock_path: Path, *, cache: Path | None = None) -> int:
    """Resolve what we want to exact jars, write their checksums down, return how many they are."""
    context = MavenContext(repo_cache=cache or cache_dir(), local_repos=[])
    named = [context.create_dependency(one) for one in WANTED[lock_path]]
    wanted, brought = context.resolver.resolve(named)
    jars = sorted(
        (LockedDependency.from_dependency(dependency) for dependency in [*wanted, *brought]),
        key=lambda jar: (jar.groupId, jar.artifactId),
    )
    name = lock_path.name.partition(".")[0]
    LockFile(jars, environment_name=name, min_java_version=17).save(lock_path)
    return len(jars)


def _path(jar: LockedDependency, cache: Path) -> Path:
    classifier = f"-{jar.classifier}" if jar.classifier else ""
    name = f"{jar.artifactId}-{jar.version}{classifier}.{jar.packaging}"
    return cache.joinpath(*jar.groupId.split("."), jar.artifactId, jar.version, name)


def _fetch(jars: list[LockedDependency], cache: Path) -> None:
    logging.getLogger("jgo").setLevel(logging.ERROR)
    cache.parent.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        # Half a file under its final name would be taken for the whole one: fetch beside, move.
        TemporaryDirectory(dir=cache.parent, prefix="arriving-") as arriving,
        Progress(*columns, console=Console(stderr=True)) as progress,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        context = MavenContext(repo_cache=Path(arriving), local_repos=[], timeout=30)
        task = progress.add_task("published jars", total=len(jars))
        fetches = [pool.submit(_fetch_one, context, jar, cache) for jar in jars]
        try:
            for done in as_completed(fetches):
                done.result()
                progress.advance(task)
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise JarsUnavailable(
                "cannot fetch published jars: the Maven registry does not answer "
                f"({type(error).__name__}); connect this machine to it once, "
                "later starts need no network"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch_one(context: MavenContext, jar: LockedDependency, cache: Path) -> None:
    component = context.project(jar.groupId, jar.artifactId).at_version(jar.version)
    arrived = component.artifact(jar.classifier or "", jar.packaging).resolve()
    if hashlib.sha256(arrived.read_bytes()).hexdigest() != jar.sha256:
        arrived.unlink()
        raise JarsUnavailable(f"the registry's {arrived.name} is not the jar that the lock names")
    target = _path(jar, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    arrived.replace(target)


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    try:
        match arguments:
            case ["lock"]:
                for lock_path in WANTED:
                    print(f"{write_lock(lock_path)} jars locked in {lock_path.name}")
            case ["swagger-ui", target]:
                shutil.copyfile(swagger_ui(), target)
                print(f"{target}: verified")
            case _:
                jars = [jar for lock_path in WANTED for jar in verified(lock_path)]
                print(f"{len(jars)} jars verified in {cache_dir()}")
    except JarsUnavailable as refusal:
        print(f"gongxiang: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
