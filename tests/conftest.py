"""Fixtures that several test files share."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
