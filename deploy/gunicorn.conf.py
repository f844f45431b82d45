"""How gunicorn serves a service's web: threads, one slot name per child, no client in the master.

`gunicorn -c deploy/gunicorn.conf.py 'services.store.app:create_app()'`, with the settings of
`deploy/env.example` in the environment.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from shared import logs

PORT_WAIT_S = 5.0
SESSIONS_TIMEOUT_S = 15.0
PR_SET_PDEATHSIG = 1

_embedded = os.environ.get("GONGXIANG_MODE") == "embedded"
_host = "127.0.0.1" if _embedded else "0.0.0.0"  # noqa: S104 - a container's only way in
_port = int(os.environ.get("GONGXIANG_PORT", "8000"))

bind = f"{_host}:{_port}"
# gthread, but a thread is given only what has come whole.
worker_class = "deploy.web_worker.GatheringWorker"
workers = int(os.environ.get("GONGXIANG_WEB_WORKERS", "1"))
threads = int(os.environ.get("GONGXIANG_WEB_THREADS", "16"))
# With all of them open, files are left of the usual 1,024 for the database and the logs.
worker_connections = 800
# Clients made before a fork hang in the child, so each child makes the app and its own.
preload_app = False
timeout = 30
graceful_timeout = 5
keepalive = 5
accesslog = None
# Its default path is one for all masters of this user; nobody asks it anything here.
control_socket_disable = True
# gunicorn's own lines take the way of all others: JSON on stderr, by the root's handler.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
    },
    "handlers": {},
    "formatters": {},
}

if workers > 1:
    # Read when prometheus_client is imported, which the children do after the fork.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="gongxiang-metrics-")


def on_starting(server):
    """Before the first fork: let a killed master's orphans go, and end their transactions."""
    service = _service(server)
    logs.configure(
        service=service,
        slot=f"{service}-web-master",
        level=os.environ.get("GONGXIANG_LOG_LEVEL", "INFO"),
    )
    _wait_for_port()
    try:
        # A process of its own, so that the master never holds a client.
        subprocess.run(
            [sys.executable, "-m", "shared.mongo", service],
            check=False,
            timeout=SESSIONS_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        # The database is away: its restart ends every open transaction, and we wait for it anyway.
        server.log.warning("sessions of former web processes could not be ended in time")


def pre_fork(server, worker):
    """Give the child the lowest number that no living child has."""
    taken = {sibling.slot_number for sibling in server.WORKERS.values()}
    worker.slot_number = next(n for n in range(len(taken) + 1) if n not in taken)


def post_fork(server, worker):
    """Tell the child its slot: a successor in it ends what its predecessor left open."""
    _die_with(server.pid)
    name = f"{_service(server)}-web-{socket.gethostname()}-{worker.slot_number}"
    os.environ["GONGXIANG_SLOT"] = name


def post_request(worker, req, environ, resp):  # noqa: ARG001
    """Let the worker see what was answered: who asks too often is not served first."""
    worker.note_answer(environ, resp)


def child_exit(server, worker):  # noqa: ARG001
    """Take the dead child's living figures out of `/metrics`."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        # Imported here, once there is a child, when the directory is known to it.
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(server):  # noqa: ARG001
    """Take the figures' directory away with the master."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def _die_with(master_pid):
    """Let the kernel end this child when its master is killed: an orphan would hold the port."""
    if sys.platform != "linux":
        return  # elsewhere it notices by itself within seconds, and the next master waits for it
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != master_pid:
        os._exit(1)  # it was killed just before we asked


def _service(server):
    return server.app.app_uri.split(".")[1]


def _wait_for_port():
    # Where the kernel does not end the orphans of a killed master, they hold it for a while.
    deadline = time.monotonic() + PORT_WAIT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_host, _port))
            except OSError:
                time.sleep(0.1)
            else:
                return
