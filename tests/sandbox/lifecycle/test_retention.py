"""How much a sandbox keeps: what goes first, what stays, and that nothing grows without end."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import WebhookResult
from infobip_sms.sandbox.state.data_file import DataFile
from infobip_sms.sandbox.state.state import State
from tests.cli.runs import PROGRAM, run
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, Bench

if TYPE_CHECKING:
    from pathlib import Path

TO = "41793026727"
LATER = "2030-01-02T12:00:00.000+00:00"
URL = "see http://example.com/a/long/way/to/the/offer"


def send(bench: Bench, *names: int | str, **message: Any) -> None:
    """Send messages of these names, each in a request of its own, and let them be delivered."""
    for name in names:
        to = {"to": TO, "messageId": str(name)}
        messages = [{"destinations": [to], "text": "Hi", **message}]
        document = {"bulkId": f"bulk {name}", "messages": messages}
        response = bench.ask("POST", "/sms/2/text/advanced", json.dumps(document).encode())
        assert response.status == 200
        bench.wait(seconds=1)


def list_names(bench: Bench) -> list[str]:
    """Return the names of the messages that there are."""
    return [sms.message_id for sms in bench.state.messages.values()]


def test_the_oldest_go_a_tenth_at_a_time() -> None:
    """There are never more than 20; when the 21st comes two go, and the newest stay, in order."""
    virtual = Bench(keep=20)
    sizes = []
    for name in range(60):
        send(virtual, name)
        sizes.append(len(virtual.state.messages))

    assert max(sizes) == 20
    assert min(sizes[20:]) == 19
    assert list_names(virtual) == [str(n) for n in range(60 - sizes[-1], 60)]


def test_what_has_gone_is_as_if_it_had_never_been() -> None:
    """Neither logs nor reports nor the bulk know of it, and what was kept is complete in all three."""
    virtual = Bench(keep=2)
    send(virtual, "a", sendAt=LATER)
    virtual.wait(days=1)
    send(virtual, "b", "c", "d")

    assert [log.message_id for log in virtual.logs()] == ["d", "c"]
    assert [report.message_id for report in virtual.reports()] == ["c", "d"]
    assert virtual.ask("GET", "/sms/1/bulks", bulkId="bulk a").status == 404
    assert virtual.logs(messageId="a") == virtual.reports(bulkId="bulk b") == []


def test_what_is_not_over_stays() -> None:
    """However many are scheduled or under way, all of them stay; they go once they are over."""
    virtual = Bench(keep=10)
    send(virtual, *range(30), sendAt=LATER)
    assert len(virtual.state.messages) == 30
    send(virtual, "now")
    assert "now" not in list_names(virtual)

    virtual.wait(days=1)

    assert list_names(virtual) == [str(n) for n in range(20, 30)]


def test_a_message_stays_until_its_report_has_arrived() -> None:
    """While the callback server is down nothing goes; every report arrives, then there is room."""
    virtual = Bench(keep=2)
    virtual.callback = lambda _: WebhookResult(None, "down")
    send(virtual, *range(6), notifyUrl=CALLBACK)
    assert len(virtual.state.messages) == len(virtual.state.deliveries) == 6

    virtual.callback, virtual.pushed = lambda _: WebhookResult(200), []
    virtual.wait(hours=1)

    assert [delivery.report.message_id for delivery in virtual.pushed] == [str(n) for n in range(6)]
    assert list_names(virtual) == ["4", "5"]
    assert len(virtual.state.deliveries) == 2


def test_dead_letters_go_with_their_messages() -> None:
    """Reports to a host that nothing is pushed to do not fill the memory."""
    virtual = Bench(keep=5)
    send(virtual, *range(40), notifyUrl="https://www.example.com/reports")

    assert {delivery.final_state for delivery in virtual.state.deliveries.values()} == {"dead"}
    assert {
        delivery.message_serial for delivery in virtual.state.deliveries.values()
    } <= virtual.state.messages.keys()


def test_old_links_go_and_no_code_comes_twice() -> None:
    """The newest links lead on, the oldest are not found, and new ones are unlike all before."""
    virtual = Bench(keep=10)
    codes: list[str] = []
    for name in range(30):
        send(virtual, name, text=URL)
        assert virtual.state.links == {}
    for _ in range(30):
        virtual.send(TO, text=f"{URL} {URL}", tracking={"track": "URL", "type": "x"})
        codes += [code for code in virtual.state.links if code not in codes]
        virtual.wait(seconds=1)

    assert len(codes) == len(set(codes)) == 60
    assert 9 <= len(virtual.state.links) <= 10
    assert list(virtual.state.links) == codes[-len(virtual.state.links) :]
    assert virtual.ask("GET", f"/s/{codes[-1]}").status == 302
    assert virtual.ask("GET", f"/s/{codes[0]}").status == 404


def measure(state: State) -> dict[str, int]:
    """Return the size of everything in a state that has one."""
    return {name: len(value) for name, value in vars(state).items() if hasattr(value, "__len__")}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_nothing_in_a_state_grows_without_end(*, acknowledged: bool) -> None:
    """After many messages with reports, links and bulks each of its collections is as small as after few."""
    virtual = Bench(keep=20)
    virtual.callback = lambda _: WebhookResult(200 if acknowledged else 500)
    sizes = []
    for round_ in range(4):
        for number in range(30):
            to = {"to": TO, "messageId": f"{round_} {number}"}
            send_at = (virtual.now + dt.timedelta(seconds=5)).isoformat(timespec="milliseconds")
            message = {"destinations": [to], "text": URL, "sendAt": send_at, "notifyUrl": CALLBACK}
            document = {
                "bulkId": f"{round_} {number}",
                "messages": [{**message, "intermediateReport": True}],
                "tracking": {"track": "URL", "type": "x"},
            }
            response = virtual.ask("POST", "/sms/2/text/advanced", json.dumps(document).encode())
            assert response.status == 200
            virtual.wait(minutes=1)
        virtual.wait(days=4)  # until both reports of each message are dead, if nobody takes them
        virtual.wait(seconds=1)
        sizes.append(measure(virtual.state))

    assert len(virtual.state.messages) == len(virtual.state.bulks) <= 20
    for name, size in sizes[-1].items():
        assert size <= max(sizes[1][name], 30), name


def test_a_state_that_is_read_again_keeps_and_drops_the_same() -> None:
    """What is over follows from the rows: another state with the same rows goes on as this one does."""
    virtual = Bench(keep=10)
    send(virtual, *range(4))
    send(virtual, "later", sendAt=LATER)
    virtual.callback = lambda _: WebhookResult(500)
    send(virtual, "reported", notifyUrl=CALLBACK)
    other = State()
    other.put(virtual.state.rows())
    assert other.finished == virtual.state.finished
    assert len(other.finished) == 4

    advance(other, virtual.now, Bench(keep=3).settings)
    advance(virtual.state, virtual.now, Bench(keep=3).settings)

    assert other.messages == virtual.state.messages
    assert sorted(list_names(virtual)) == ["3", "later", "reported"]


def test_what_has_gone_is_gone_from_the_data_file(tmp_path: Path) -> None:
    """A sandbox that starts from the file finds what was kept; nothing of the rest is left in there."""
    virtual = Bench(keep=5)
    with closing(DataFile(tmp_path / "d", "x")) as store:
        virtual.state = store.load()
        for name in range(20):
            send(virtual, name, text=f"Hi {name}", notifyUrl="https://www.example.com/reports")
            virtual.send(TO, text=URL, tracking={"track": "URL", "type": "x"})
            virtual.wait(seconds=1)
            store.save(virtual.state)
        (contents,) = store._file.execute("SELECT COUNT(*) FROM content").fetchone()
    with closing(DataFile(tmp_path / "d")) as store:
        found = store.load()

    assert contents == len(found.messages) == 5
    assert found.messages == virtual.state.messages
    assert found.deliveries == virtual.state.deliveries
    assert found.bulks == virtual.state.bulks
    assert len(found.links) == 5
    assert found.links == virtual.state.links


def count(url: str, **search: Any) -> int:
    """Return how many messages a sandbox has that fit."""
    with urlopen(f"{url}/sandbox/messages?{urlencode(search)}") as response:  # noqa: S310 - our own
        total: int = json.load(response)["total"]
    return total


def test_the_program_keeps_as_many_as_it_is_told() -> None:
    """``--keep 7``: after 30 messages there are 7 at most, the last one among them."""
    words = ("sandbox", "--port", "0", "--keep", "7", "--delay", "0")
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().partition("sandbox: ")[2].strip()
            for number in range(30):
                sent = run(
                    *("send", "--to", f"4179302{number:04}", "Hi", "--user", "Aladdin"),
                    *("--password", "open sesame"),
                    url=url,
                    key=None,
                )
                assert sent.exit_code == 0, sent.output
            last = {"to": "41793020029", "status": "DELIVERED", "wait": 20}
            assert count(url, **last) == 1
            assert count(url) <= 7
        finally:
            process.terminate()
