"""``infobip-sms sandbox``: what its options make of it, and what it says."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import pytest

from infobip_sms import ApiError, Basic, Client, Destination, Message, SmsRequest
from infobip_sms.sandbox.admin.statement import build_statement, format_markdown, to_plain
from infobip_sms.sandbox.config import READINGS, SandboxSettings
from infobip_sms.sandbox.mutants.app import MutantApp
from tests.cli.runs import KEY, PROGRAM, make_environment, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infobip_sms.sandbox.api.app import App
    from infobip_sms.sandbox.clock import VirtualClock

URL = "http://127.0.0.1:8080"
LAST = "Nothing is sent to any telephone network. Ctrl-C ends it."


@attrs.frozen
class Made:
    """What the command would have served."""

    app: App
    port: int
    clock: VirtualClock


@pytest.fixture(name="made")
def fixture_made(monkeypatch: pytest.MonkeyPatch) -> list[Made]:
    """Serve nothing, but remember what there was to serve."""
    made: list[Made] = []

    def serve(
        app: App, port: int, announce: Callable[[str], None], _: Any, clock: VirtualClock
    ) -> None:
        made.append(Made(app, port, clock))
        announce(URL)

    monkeypatch.setattr("infobip_sms.sandbox.runtime.server.run", serve)
    return made


@contextmanager
def running(*options: str, end: signal.Signals = signal.SIGINT) -> Iterator[tuple[str, list[str]]]:
    """Run a sandbox as a process; give its URL and the lines that it said."""
    command = [*PROGRAM, "sandbox", "--port", "0", *options]
    with subprocess.Popen(
        command,
        env=make_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().rstrip("\n")]
            while lines[-1] not in {LAST, ""}:
                lines.append(process.stdout.readline().rstrip("\n"))
            yield lines[0].partition("sandbox: ")[2], lines
        finally:
            process.send_signal(end)
    assert process.returncode == 0


def ask(
    url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Make a request; return status and body."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request(method, path, body or None, headers or {})
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def read_clock(url: str) -> dict[str, Any]:
    """Return what the sandbox's clock says."""
    status, body = ask(url, "GET", "/sandbox/clock")
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_what_ends_a_process_ends_it_as_ctrl_c_does(end: signal.Signals, tmp_path: Path) -> None:
    """Containers send SIGTERM, a terminal that is closed SIGHUP: exit code 0, and the data is in one file."""
    with running("--data", str(tmp_path / "d"), end=end) as (url, _):
        assert read_clock(url)["frozen"] is False

    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_options_come_from_the_environment_and_it_is_reachable_by_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It listens where it is told to, says that others can reach it, and accepts only names that are allowed."""
    for name, value in {
        "HOST": "0.0.0.0",  # noqa: S104 - that is the point
        "ALLOW_HOST": "sandbox;other",
        "OUTCOME": "41*=REJECTED;42*=EXPIRED",
        "FAULT": "RESP-001;RESP-002",
        "FROZEN": "1",
    }.items():
        monkeypatch.setenv(f"INFOBIP_SANDBOX_{name}", value)
    with running() as (url, lines):
        health = ask(url, "GET", "/sandbox/health")
        outcomes = json.loads(ask(url, "GET", "/sandbox/outcomes")[1])["outcomes"]
        frozen = read_clock(url)["frozen"]
        home = ask(url, "GET", "/")
        statuses = [
            ask(url, "GET", "/sandbox/health", headers={"Host": host})[0]
            for host in ("sandbox:8080", "192.0.2.1", "evil.example")
        ]

    assert url.startswith("http://127.0.0.1:")
    assert (
        "exposed: other machines can reach it; its pages and admin interface have no password"
        in lines
    )
    assert "broken:  RESP-001, RESP-002, on purpose" in lines
    assert health == (200, b'{"status": "ready"}\n')
    assert [rule["to"] for rule in outcomes] == ["41*", "42*"]
    assert frozen
    assert home[0] == 307
    assert statuses == [200, 200, 403]


def test_it_says_where_it_is_and_what_it_is() -> None:
    """The URL, the inbox, the account; that nothing is sent; and all of it is so."""
    with running() as (url, lines):
        status, page = ask(url, "GET", urlsplit(lines[1].split()[1]).path)
        with Client(url, auth=Basic("Aladdin", "open sesame")) as client:
            answer = client.send(
                SmsRequest(messages=[Message(destinations=[Destination(to="41")])])
            )
        frozen = read_clock(url)["frozen"]

    assert lines[0] == f"sandbox: {url}"
    assert lines[1] == f"inbox:   {url}/sandbox/"
    assert lines[2] == "account: Basic, user Aladdin, password open sesame; no API key"
    assert lines[3:] == [LAST]
    assert (status, b"<h1>Messages</h1>" in page) == (200, True)
    assert answer.messages[0].status.name == "PENDING_ACCEPTED"
    assert not frozen


def test_what_is_not_as_usual_is_said(made: list[Made]) -> None:
    """Readings, a fault and a clock that stands still have lines of their own."""
    result = run(
        *("sandbox", "--refuse", "200", "--reading", "READ-008=never open"),
        *("--fault", "RESP-002", "--frozen"),
    )

    assert result.stdout.splitlines()[3:-1] == [
        "reading: READ-008=never open, READ-001=200",
        "broken:  RESP-002, on purpose",
        "clock:   stands still",
    ]
    assert isinstance(made[0].app, MutantApp)
    assert made[0].app.mutant_ids == ("RESP-002",)
    assert made[0].clock.frozen


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"freeze": True}, ["clock:   stands still"]),
        ({"advance": 3600}, ["clock:   is not that of this machine"]),
        ({"freeze": False}, []),
    ],
)
def test_a_clock_of_the_data_file_is_said(
    order: dict[str, Any], said: list[str], tmp_path: Path
) -> None:
    """Whoever goes on with a file learns at the start that its clock was set."""
    options = ("--data", str(tmp_path / "d"))
    with running(*options) as (url, first):
        status, _ = ask(url, "POST", "/sandbox/clock", json.dumps(order).encode())
    with running(*options) as (_, again):
        pass

    assert status == 200
    assert first[3:] == [LAST]
    assert again[3:] == [*said, LAST]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_secret_that_is_given_is_not_said(made: list[Made], more: tuple[str, ...]) -> None:
    """Neither the password nor the key is printed; that there is a key is."""
    result = run("sandbox", "--user", "me\x1b", "--password", "hush", "--api-key", KEY, *more)

    assert made[0].app.settings.password == "hush"
    assert made[0].app.settings.api_key == KEY
    assert "hush" not in result.output
    assert KEY not in result.output
    assert "\x1b" not in result.output
    assert more or "user me\\u001b; App with the given key" in result.stdout


def test_the_urls_for_machines_are_one_line_of_json(made: list[Made]) -> None:
    """With --json a program finds both URLs without looking for words."""
    result = run("sandbox", "--json", "--refuse", "200")

    assert json.loads(result.stdout) == {
        "url": URL,
        "inbox": f"{URL}/sandbox/",
        "user": "Aladdin",
        "readings": {"READ-001": "200"},
    }
    assert len(made) == 1


def test_options_become_settings(made: list[Made]) -> None:
    """Each option is the setting of its name; a host is as URLs have it, readings add up."""
    result = run(
        *("sandbox", "--port", "0", "--seed", "mine", "--delay", "2.5", "--rate", "3"),
        *("--keep", "7"),
        *("--allow-callback", "Hooks.Example.org", "--allow-callback", "[2001:DB8::1]"),
        *("--reading", "READ-004=7", "--reading", " READ-008 = never open ", "--refuse", "200"),
        *("--reading", "READ-001=200"),
    )
    (only,) = made
    settings = SandboxSettings(
        "Aladdin",
        "open sesame",
        seed="mine",
        delay=2.5,
        rate=3,
        keep=7,
        push_to=("hooks.example.org", "2001:db8::1"),
        readings={"READ-004": "7", "READ-008": "never open", "READ-001": "200"},
    )

    assert result.exit_code == 0
    assert (only.app.settings, only.port) == (settings, 0)
    assert not only.clock.frozen


def test_without_options_it_is_what_the_documentation_shows(made: list[Made]) -> None:
    """No reading is switched, no host is allowed, nothing is limited; the seed is another each time."""
    run("sandbox")
    run("sandbox")
    first, second = (entry.app.settings for entry in made)

    assert attrs.evolve(first, seed="") == SandboxSettings("Aladdin", "open sesame")
    assert first.seed != second.seed
    assert made[0].port == 8080


@pytest.mark.parametrize("reading", READINGS)
def test_every_outcome_can_be_chosen(reading: str, made: list[Made]) -> None:
    """All that a reading can be is taken, and what it can be is said of anything else."""
    for outcome in READINGS[reading]:
        assert run("sandbox", "--reading", f"{reading}={outcome}").exit_code == 0
    wrong = run("sandbox", "--reading", f"{reading}=x")

    assert [m.app.settings.readings[reading] for m in made] == list(READINGS[reading])
    assert wrong.exit_code == 3
    said = " ".join(wrong.stderr.split())
    assert f"{reading} is one of: {', '.join(READINGS[reading])}" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--reading", "READ-003=x"), "there are: READ-001=400|200; READ-002=absent|present;"),
        (("--reading", "nonsense"), "there is no switch for it"),
        (("--refuse", "500"), "'400', '200'"),
        (("--refuse", "200", "--reading", "READ-001=400"), "READ-001 is given with two outcomes"),
        (("--reading", "READ-004=7", "--reading", "READ-004=0"), "READ-004 is given with two"),
        (("--fault", "SEND-999"), "did you mean SEND-"),
        (("--delay", "-1"), "0<=x<=86400"),
        (("--delay", "nan"), "delay"),
        (("--delay", "inf"), "0<=x<=86400"),
        (("--rate", "0"), "x>=1"),
        (("--allow-callback", "http://hooks.example.org"), "a host alone, such as"),
        (("--allow-callback", "hooks.example.org:80"), "a host alone, such as"),
        (("--allow-callback", ""), "a host alone, such as"),
    ],
)
def test_a_wrong_option_is_told_what_helps(
    words: tuple[str, ...], expected: str, made: list[Made]
) -> None:
    """Nothing is served, and the sentence names what there is."""
    result = run("sandbox", *words)

    assert result.exit_code == 3
    assert expected in " ".join(result.stderr.split())
    assert made == []


def test_the_help_has_its_options_by_sections() -> None:
    """What belongs together stands together, and the scheme of the numbers is there."""
    shown = run("sandbox", "--help").stdout
    titles = ["Server", "Account", "Behaviour", "Clock and data", "Instead of a server"]

    assert [t for t in shown.splitlines() if t.rstrip(":") in titles] == [f"{t}:" for t in titles]
    assert "999 SS R EEEE III" in shown
    assert "[default: 0.1; 0<=x<=86400]" in " ".join(shown.split())


def test_the_statement_is_printed_with_the_options(made: list[Made]) -> None:
    """Markdown for people, JSON for machines, of the sandbox that these options make; none is served."""
    options = ("--api-key", "key", "--reading", "READ-004=7", "--refuse", "200")
    settings = SandboxSettings(
        "Aladdin", "open sesame", "key", readings={"READ-001": "200", "READ-004": "7"}
    )
    text = run("sandbox", "--statement", *options)
    plain = run("sandbox", "--statement", "--json", *options, "--fault", "SEND-007")

    assert text.stdout == format_markdown(build_statement(settings)) + "\n"
    expected = to_plain(build_statement(settings, ["SEND-007"]))
    assert json.loads(plain.stdout) == json.loads(json.dumps(expected))
    assert made == []


def test_refuse_200_rejects_a_destination() -> None:
    """What the option does, seen by a client: the faulty destination alone is rejected."""
    document = {"messages": [{"destinations": [{"to": "41793026727"}, {"to": ""}]}]}
    basic = {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
    answers = {}
    for refuse in ("400", "200"):
        with running("--refuse", refuse) as (url, _):
            connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
            headers = {**basic, "content-type": "application/json"}
            connection.request("POST", "/sms/2/text/advanced", json.dumps(document), headers)
            response = connection.getresponse()
            answers[refuse] = response.status, json.loads(response.read())
            connection.close()

    assert answers["400"][0] == 400
    assert answers["200"][0] == 200
    assert [e["status"]["name"] for e in answers["200"][1]["messages"]] == [
        "PENDING_ACCEPTED",
        "MISSING_TO",
    ]


def test_a_frozen_sandbox_with_a_rate_and_a_delay() -> None:
    """Its clock stands, so that the second request of the second gets 429 and delivery waits."""
    with (
        running("--frozen", "--rate", "1", "--delay", "30") as (url, _),
        Client(url, auth=Basic("Aladdin", "open sesame"), retry=None) as client,
    ):
        clock = read_clock(url)
        request = SmsRequest(messages=[Message(destinations=[Destination(to="41")])])
        client.send(request)
        with pytest.raises(ApiError) as refused:
            client.send(request)
        ask(url, "POST", "/sandbox/clock", b'{"advance": 29}')
        (before,) = client.get_logs().results
        ask(url, "POST", "/sandbox/clock", b'{"advance": 1}')
        (after,) = client.get_logs().results

    assert clock["frozen"]
    assert refused.value.status == 429
    assert before.status is not None
    assert after.status is not None
    assert (before.status.group_name, after.status.group_name) == ("PENDING", "DELIVERED")
