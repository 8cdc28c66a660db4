"""Fixtures that several test files share."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.client.calls import SHOWN_NOWHERE
from tests.conformance.runs_in_process import Judge
from tests.fakes.certificates import make_authority, make_certificate
from tests.fakes.scripted_server import Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import Step

# A shell without job control starts background jobs with SIGINT ignored, and every program that a test
# starts would inherit that. The same holds for SIGHUP under nohup.
for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(
            _signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL
        )

# Programs under test talk to servers on this machine, print UTF-8 and know no settings of the user.
for _name in [n for n in os.environ if n.startswith("INFOBIP_") or n.lower().endswith("_proxy")]:
    del os.environ[_name]
os.environ["PYTHONUTF8"] = "1"

settings.register_profile(
    "project",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("project")


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """Give the URL of a sandbox that runs as a process of its own, with the documented account."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0", "--api-key", "key"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().partition("sandbox: ")[2].strip()
        finally:
            process.terminate()


@pytest.fixture(name="serve")
def fixture_serve() -> Iterator[Serve]:
    """Start servers that play a script; all of them have ended after the test."""
    with ExitStack() as servers:

        def start(*script: Step, **options: Any) -> Server:
            return servers.enter_context(Server(*script, **options))

        yield start


@pytest.fixture(name="judge_line", scope="session")
def fixture_judge_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Give a process that runs commands of the suite."""
    judge = Judge(tmp_path_factory.mktemp("judge"))
    yield judge
    judge.close()


class _Listener(logging.Handler):
    """Remembers all that a record says, the traceback included."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = traceback.format_exception(record.exc_info[1]) if record.exc_info else []
        self.heard.append(f"{record.getMessage()} {vars(record)!r} {''.join(error)}")


@pytest.fixture(autouse=True)
def fixture_secrecy() -> Iterator[None]:
    """Fail any test in which a log of ours or of urllib3 shows the key, a number or a text."""
    listener = _Listener()
    loggers = [logging.getLogger(name) for name in ("infobip_sms", "urllib3")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(listener)
        logger.setLevel(logging.DEBUG)
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.removeHandler(listener)
        logger.setLevel(level)
    leaks = [line for line in listener.heard if SHOWN_NOWHERE.search(line)]
    assert leaks == []


# ---------------------------------------------------------------- TLS


@pytest.fixture(name="authority", scope="session")
def fixture_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder of an authority that signs certificates; ca.pem in it is its own."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(name="certificate", scope="session")
def fixture_certificate(authority: Path) -> Path:
    """Give what a client has to trust."""
    return authority / "ca.pem"


@pytest.fixture(name="tls", scope="session")
def fixture_tls(authority: Path) -> ssl.SSLContext:
    """Give what a server needs to show a good certificate for 127.0.0.1."""
    return make_certificate(authority, "good", "IP:127.0.0.1", expired=False)


@pytest.fixture(name="expired", scope="session")
def fixture_expired(authority: Path) -> ssl.SSLContext:
    """Give what a server needs to show a certificate whose time is over."""
    return make_certificate(authority, "old", "IP:127.0.0.1", expired=True)
