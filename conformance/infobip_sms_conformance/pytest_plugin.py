"""A pytest plugin: the fixtures of the suite in your own pytest run; see testing.py."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infobip_sms_conformance.testing import Server


@pytest.fixture(scope="session")
def infobip_server() -> "Server":
    """Your server; to be defined by you, in conftest.py."""
    pytest.fail(
        "define the fixture infobip_server, which gives an infobip_sms_conformance.testing.Server",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def infobip_record(infobip_server: "Server") -> dict[str, Any]:
    """What the suite says of your server, as --json writes it."""
    from infobip_sms_conformance.testing import run_conformance  # noqa: PLC0415 - see above

    return run_conformance(infobip_server)
