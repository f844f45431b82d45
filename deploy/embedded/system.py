"""The whole system without Docker: servers, web and workers of every service, under supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.embedded import jars, secret_files
from deploy.embedded.local_server import kept_port
from deploy.embedded.process_file import SERVICES_GROUP, Program
from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.embedded.storage_watch import StorageWatch
from deploy.embedded.supervision import Supervisor

SERVICES = tuple(secret_files.SECRETS)
CODE = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 120.0


class SystemNotReady(Exception):
    """A process was not ready in time; the message names it and carries the end of its log."""


class AlreadyRunning(Exception):
    """This data directory's system is up already, kept so by another process."""


class System:
    """The system of one data directory: its ports, secrets and data stay from start to start.

    A second `System` of the same directory, in any process, speaks to the same running one.
    `settings` are further settings for every service, by their full names.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        workers_per_service: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.mongo = MongoServer(self.data_dir / "mongo")
        self.kafka = KafkaServer(self.data_dir / "kafka")
        for server in (self.mongo, self.kafka):
            server.log_path = self.data_dir / "logs" / f"{server.name}.log"
        self.clock_offset_file = self.data_dir / "clock-offset"
        self._secrets = self.data_dir / "secrets"
        self._settings = dict(settings or {})
        self._services = [
            program
            for service in SERVICES
            for program in self._programs_of(service, workers_per_service)
        ]
        self.supervisor = Supervisor(self.data_dir)
        self._storage_watch: StorageWatch | None = None

    @property
    def mongo_uri(self) -> str:
        return self.mongo.uri

    @property
    def kafka_bootstrap(self) -> str:
        return self.kafka.bootstrap

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service's API."""
        return {name: f"http://127.0.0.1:{self._port(f'{name}-web')}" for name in SERVICES}

    @property
    def running(self) -> bool:
        """Whether this data directory's system is up, whoever keeps it so."""
        return self.supervisor.running

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings of a service's processes; its own secrets only."""
        return {
            "GONGXIANG_MODE": "embedded",
            "GONGXIANG_MONGO_URI": self.mongo_uri,
            "GONGXIANG_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "GONGXIANG_JWKS_URL": f"{self.urls['volunteers']}/.well-known/jwks.json",
            "GONGXIANG_CLOCK_OFFSET_FILE": str(self.clock_offset_file),
            **secret_files.settings_of(service, self._secrets),
            **self._settings,
        }

    def operator_environment(self) -> dict[str, str]:
        """Return the settings of a command that operates all services, e.g. deploy.bootstrap."""
        merged: dict[str, str] = {}
        for service in SERVICES:
            merged |= self.environment(service)
        return merged

    def command_environment(self) -> dict[str, str]:
        """Return the whole environment for such a command: this process's own, and the settings."""
        return {**os.environ, **self.operator_environment()}

    def start_servers(self) -> None:
        """Bring database and broker up; refuses with `AlreadyRunning` where they are up."""
        if self.running:
            raise AlreadyRunning(f"the system in {self.data_dir} is running already")
        jars.swagger_ui()
        secret_files.make_missing(self._secrets)
        if not self.clock_offset_file.exists():
            self.clock_offset_file.write_text("0\n")
        servers = []
        for server in (self.mongo, self.kafka):
            server.prepare()
            server.refuse_taken_port()
            servers.append(
                Program(name=server.name, command=server.command(), directory=server.directory)
            )
        self.supervisor.launch([*servers, *self._services])
        try:
            for server in (self.mongo, self.kafka):
                self.start(server.name)
            for server in (self.mongo, self.kafka):
                server.wait_ready()
            self._storage_watch = StorageWatch(self.mongo_uri, self._end_mongo)
            self._storage_watch.start()
        except BaseException:
            self.stop()
            raise

    def start_services(self) -> None:
        """Start web and workers of every service; `wait_ready` returns when they serve."""
        self.supervisor.start_services()

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return when every web and worker says it is ready; shows whom it waits for."""
        deadline = time.monotonic() + timeout_s
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("services")
            for program in self._services:
                progress.update(task, description=f"waiting for {program.name}")
                while not self.ready(program.name):
                    if time.monotonic() > deadline:
                        tail = self.supervisor.log_tail(program.name)
                        raise SystemNotReady(
                            f"{program.name} was not ready within {timeout_s:.0f} s:\n{tail}"
                        )
                    time.sleep(0.1)

    def ready(self, name: str) -> bool:
        """Return whether a web or worker says that it is ready."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self._port(name)}/readyz", timeout=2)
        except requests.RequestException:
            return False
        return answer.status_code == requests.codes.ok

    def program(self, name: str) -> Program:
        """Return how a web or worker is run: its command and its settings."""
        return next(program for program in self._services if program.name == name)

    def processes(self) -> dict[str, int]:
        """Return the process id of every program that runs."""
        return self.supervisor.processes()

    def kill(self, name: str) -> None:
        """End a program as a crash would (SIGKILL); it is started again at once."""
        self.send_signal(name, signal.SIGKILL)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a program's own process a signal, e.g. SIGSTOP and SIGCONT."""
        os.kill(self.processes()[name], number)

    def start(self, name: str) -> None:
        """Start a program that was halted."""
        self.supervisor.start(name)

    def halt(self, name: str) -> None:
        """Stop a program in good order; it stays stopped until it is started."""
        self.supervisor.halt(name)

    def restart(self, name: str) -> None:
        """Stop a program in good order and start it again."""
        self.halt(name)
        self.start(name)

    def wipe_kafka(self) -> None:
        """Replace the broker's cluster by a new, empty one while everything else runs."""
        self.halt("kafka")
        self.kafka.wipe()
        self.kafka.prepare()
        self.start("kafka")
        self.kafka.wait_ready()

    def stop(self) -> None:
        """Stop services, then broker, then database; within about ten seconds."""
        if self._storage_watch is not None:
            self._storage_watch.stop()
            self._storage_watch = None
        if self.running:
            self.supervisor.halt_services()
            self.halt("kafka")
            self.halt("mongo")
        self.supervisor.shut_down()

    def end_orphans(self, processes: Mapping[str, int]) -> None:
        """End what a killed supervisor left running, so that its ports are free again."""
        for pid in processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _end_mongo(self) -> None:
        # It may have ended by itself meanwhile, or all of the system.
        with contextlib.suppress(KeyError, OSError):
            self.kill("mongo")

    def _port(self, name: str) -> int:
        return kept_port(self.data_dir / "ports", name)

    def _programs_of(self, service: str, workers: int) -> list[Program]:
        web_command = [
            *(sys.executable, "-m", "gunicorn", "-c", str(CODE / "deploy" / "gunicorn.conf.py")),
            f"services.{service}.app:create_app()",
        ]
        web = f"{service}-web"
        own = {"PORT": self._port(web), "SWAGGER_UI": jars.place_of_swagger_ui()}
        programs = [self._program(web, service, web_command, own)]
        for number in range(workers):
            name = f"{service}-worker-{number}"
            own = {"SLOT": name, "METRICS_PORT": self._port(name)}
            worker_command = [sys.executable, "-m", f"services.{service}"]
            programs.append(self._program(name, service, worker_command, own))
        return programs

    def _program(
        self, name: str, service: str, command: list[str], own: Mapping[str, object]
    ) -> Program:
        named = {f"GONGXIANG_{setting}": str(value) for setting, value in own.items()}
        return Program(
            name=name,
            command=command,
            directory=CODE,
            environment={**self.environment(service), **named},
            group=SERVICES_GROUP,
        )
