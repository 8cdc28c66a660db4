"""An application that validates numbers with libphonenumber is tested with chosen outcomes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import phonenumbers
import pytest

from infobip_sms import Basic, Client, DeliveryReports, Destination, Message
from infobip_sms.sandbox import running
from infobip_sms.webhook_server import WebhookServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox import Sandbox


class Application:
    """Registers people by a number that they type, and knows who can be reached."""

    def __init__(self, base_url: str) -> None:
        self.is_accepted: Callable[[phonenumbers.PhoneNumber], bool] = phonenumbers.is_valid_number
        self._client = Client(base_url, auth=Basic("Aladdin", "open sesame"))
        self._changed = threading.Condition()
        self.states: dict[str, str | None] = {}
        self.sent: Counter[str] = Counter()
        self._receiver = WebhookServer("127.0.0.1", 0, self._take, print)
        threading.Thread(target=self._receiver.run, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._receiver.shutdown()
        self._client.close()

    def register(self, typed: str, region: str) -> str:
        """Send a code; raise ValueError for what is no number."""
        try:
            number = phonenumbers.parse(typed, region)
        except phonenumbers.NumberParseException as error:
            raise ValueError(f"{typed} is not a phone number") from error
        if not self.is_accepted(number):
            raise ValueError(f"{typed} is not a phone number")
        to = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        self._send(to.removeprefix("+"))
        return to.removeprefix("+")

    def wait_for(self, number: str, state: str) -> None:
        """Wait until it knows this about a number."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.states.get(number) == state, 30)

    def _send(self, to: str) -> None:
        self.sent[to] += 1
        url = self._receiver.url
        message = Message(destinations=Destination(to), text="Your code is 482913.", notify_url=url)
        self._client.send(message)

    def _take(self, reports: DeliveryReports) -> None:
        """Note what happened; an undeliverable message is sent once more."""
        for report in reports.results:
            assert report.to is not None
            assert report.status is not None
            if report.status.group_name == "UNDELIVERABLE" and self.sent[report.to] == 1:
                self._send(report.to)
                continue
            with self._changed:
                self.states[report.to] = report.status.group_name
                self._changed.notify_all()


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox."""
    with running(delay=0) as sandbox:
        yield sandbox


@pytest.fixture(name="application")
def fixture_application(sandbox: Sandbox) -> Iterator[Application]:
    """Give the application; it knows nothing of a sandbox."""
    sandbox.reset()
    application = Application(sandbox.url)
    yield application
    application.close()


@pytest.mark.parametrize(
    ("typed", "region", "state"),
    [
        ("(500) 555-0009", "US", "UNDELIVERABLE"),
        ("+1 500 555 9015", "US", "EXPIRED"),
        ("500 555 0000", "US", "DELIVERED"),
    ],
)
def test_reserved_numbers_choose_their_outcome(
    application: Application, typed: str, region: str, state: str
) -> None:
    """As people type them."""
    number = application.register(typed, region)

    application.wait_for(number, state)


def test_reserved_british_numbers_are_possible_and_not_valid(
    application: Application, sandbox: Sandbox
) -> None:
    """An application that asks whether a number is possible can use them, as the guide says."""
    with pytest.raises(ValueError, match="is not a phone number"):
        application.register("07700 900009", "GB")
    assert sandbox.messages() == []
    application.is_accepted = phonenumbers.is_possible_number

    application.wait_for(application.register("07700 900009", "GB"), "UNDELIVERABLE")


def test_an_outcome_is_chosen_for_a_number_and_for_one_message(
    application: Application, sandbox: Sandbox
) -> None:
    """It fails first and works then, so that the second attempt of the application is seen."""
    sandbox.outcome("4179302*", "UNDELIVERABLE", error=1, after=0, times=1)
    number = application.register("079 302 67 27", "CH")

    application.wait_for(number, "DELIVERED")
    assert application.sent[number] == 2
    assert [m.status_name for m in sandbox.messages(to=number)] == [
        "UNDELIVERABLE_NOT_DELIVERED",
        "DELIVERED_TO_HANDSET",
    ]


def test_test_numbers_do_not_pass_validation(application: Application, sandbox: Sandbox) -> None:
    """This is why there are others."""
    with pytest.raises(ValueError, match="is not a phone number"):
        application.register("+9990510000005", "CH")
    assert sandbox.messages() == []
