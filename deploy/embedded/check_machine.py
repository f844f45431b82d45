"""Says in one line what this machine lacks for the system without Docker, before anything is installed.

It runs under whatever Python there is, so it imports nothing that is not in every Python 3 and
keeps to old syntax. Without arguments it looks at the Python that runs it; with `registry` it asks,
from inside the virtual environment, whether packages can be had.
"""

import os
import platform
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 13)
GLIBC_OLDEST = (2, 28)
MACHINES = {
    "Linux": ("x86_64", "aarch64"),
    "Darwin": ("arm64",),
}
# A package that every installation needs; only its versions are asked for, as a sign of life.
ASKED_FOR = "flask"
ANSWER_TIMEOUT_S = 60


def missing_python(version):
    """Return what is wrong with this Python version, or None."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    return (
        "需要 Python 3.11–3.13，当前是 %d.%d；安装后运行 make PYTHON=python3.13 … / "
        "needs Python 3.11–3.13, this is %d.%d: install one (python.org, your system's packages, "
        "pyenv) and run make PYTHON=python3.13 …" % (version[0], version[1], version[0], version[1])
    )


def missing_platform(system, machine, libc):
    """Return what is wrong with this platform, or None; `libc` is a name and a version."""
    known = machine in MACHINES.get(system, ())
    if system == "Linux" and known:
        known = libc[0] == "glibc" and _numbers(libc[1]) >= GLIBC_OLDEST
    if known:
        return None
    found = " ".join(part for part in (system, machine) + tuple(libc) if part)
    return (
        "内嵌服务器没有适用于 %s 的安装包，请换用有安装包的系统，例如 Linux 虚拟机 / "
        "the embedded servers have no packages for %s (they have for Linux x86_64 and aarch64 with "
        "glibc 2.28 or newer, and macOS arm64): use one of these, e.g. a Linux virtual machine"
        % (found, found)
    )


def missing_venv():
    """Return what keeps this Python from making virtual environments, or None."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "此 Python 缺少 venv 模块 / this Python has no venv module: "
            "on Debian and Ubuntu run apt install python%d.%d-venv" % tuple(sys.version_info[:2])
        )
    return None


def missing_registry():
    """Return that pip's registry does not answer, or None; retries and time-out are bounded."""
    asked = [sys.executable, "-m", "pip", "--retries", "1", "--timeout", "15"]
    asked += ["--disable-pip-version-check", "index", "versions", ASKED_FOR]
    try:
        status = subprocess.run(
            asked,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=ANSWER_TIMEOUT_S,
        ).returncode
    except subprocess.TimeoutExpired:
        status = 1
    if status == 0:
        return None
    return (
        "无法访问 Python 软件包仓库 / the Python package registry does not answer: check the network, "
        "or name a mirror with pip config set global.index-url …"
    )


def first_missing():
    """Return the first thing that this machine lacks, or None."""
    libc = platform.libc_ver() if platform.system() == "Linux" else ("", "")
    return (
        missing_python(sys.version_info)
        or missing_platform(platform.system(), platform.machine(), libc)
        or missing_venv()
    )


def main(arguments):
    """Print what is missing, in one line; return the exit status."""
    missing = missing_registry() if arguments == ["registry"] else first_missing()
    if missing:
        # Some terminals cannot say 贡享; the English half must reach the reader all the same.
        line = "gongxiang: " + missing + os.linesep
        getattr(sys.stderr, "buffer", sys.stderr).write(line.encode("utf-8"))
        return 1
    return 0


def _numbers(version):
    return tuple(int(part) for part in version.split(".") if part.isdigit())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
