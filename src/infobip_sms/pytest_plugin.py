"""A pytest plugin: the fixture ``infobip_sandbox``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms.sandbox import Sandbox


@pytest.fixture(scope="session", name="_infobip_sandbox")
def _fixture_server() -> Iterator[Sandbox]:
    if not all(map(find_spec, ("starlette", "uvicorn", "jinja2"))):
        pytest.fail("infobip_sandbox needs: pip install 'infobip-sms[sandbox]'", pytrace=False)
    from infobip_sms.sandbox import running  # noqa: PLC0415 - see above

    with running() as sandbox:
        yield sandbox


@pytest.fixture
def infobip_sandbox(_infobip_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Run a sandbox of Infobip's SMS API in this process, reset before and after each test.

    Pass ``infobip_sandbox.url`` to the application under test; see infobip_sms.sandbox.Sandbox.
    """
    _infobip_sandbox.reset()  # requests may arrive between two tests
    yield _infobip_sandbox
    _infobip_sandbox.close_clients()
    _infobip_sandbox.reset()  # no report reaches the webhook server of the next test
