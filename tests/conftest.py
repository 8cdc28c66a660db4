"""Fixtures that several test files share."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from scripted_server import Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from client_calls import Serve
    from scripted_server import Step

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

        def start(*script: Step, tls: ssl.SSLContext | None = None) -> Server:
            return servers.enter_context(Server(*script, tls=tls))

        yield start
