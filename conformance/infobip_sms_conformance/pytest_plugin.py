"""pytest plugin with the fixtures of the suite; see testing.py."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infobip_sms_conformance.testing import Receiver, Server


@pytest.fixture(scope="session")
def infobip_server() -> "Server":
    """Your server; define this fixture in conftest.py."""
    pytest.fail(
        "define the fixture infobip_server, which gives an infobip_sms_conformance.testing.Server",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def infobip_record(infobip_server: "Server") -> dict[str, Any]:
    """The JSON report of the suite about your server."""
    from infobip_sms_conformance.testing import run_conformance  # noqa: PLC0415 - see above

    return run_conformance(infobip_server)


@pytest.fixture(scope="session")
def infobip_receiver() -> "Receiver":
    """Your callback receiver; define this fixture in conftest.py."""
    pytest.fail(
        "define the fixture infobip_receiver, which gives an infobip_sms_conformance.testing.Receiver",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def infobip_receiver_record(infobip_receiver: "Receiver") -> dict[str, Any]:
    """The JSON report of the suite about your callback receiver."""
    from infobip_sms_conformance.testing import run_receiver_conformance  # noqa: PLC0415 - see above

    return run_receiver_conformance(infobip_receiver)
