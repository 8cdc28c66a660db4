"""What `make peers` says of a client: every finding, every verdict, and a whole run with one that lies.

The clients of the registries are not run here; those are `make peers`.
"""

from __future__ import annotations

import json
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.peers.__main__ import HERE, Client, read_clients, try_client
from tests.peers.findings import KNOWN, Defect, Verdict, find_findings, judge, read_defects
from tests.peers.packages import Package
from tests.peers.tasks import Asked, Sandbox, build_trials
from tests.peers.wiretap import Exchange, tap

if TYPE_CHECKING:
    from pathlib import Path

ASKED = Asked("PUT", "/a", {"bulkId": ["x", "y"], "limit": 10}, {"n": {"at": 1, "list": [True]}})
REPLY = {"at": "2030-01-01T12:00:00.000+0100", "rows": [{"id": "1"}, {"id": "2"}]}
BODY = b'{"n":{"at":1,"list":[true]}}'
QUERY = "bulkId=x&bulkId=y&limit=10"


def make_exchange(
    line: str = f"PUT /a?{QUERY} HTTP/1.1", body: bytes = BODY, status: int = 200
) -> Exchange:
    """Return an exchange; without arguments the one that was asked for."""
    headers = (("Authorization", "App key"), ("Accept", "application/json"))
    return Exchange(line, headers, body, status, json.dumps(REPLY).encode())


GOOD = make_exchange()


@pytest.mark.parametrize(
    ("exchange", "finding"),
    [
        (make_exchange(f"POST /a?{QUERY} HTTP/1.1"), "sent: method POST"),
        (make_exchange(f"PUT /a/?{QUERY} HTTP/1.1"), "sent: path /a/"),
        (make_exchange("PUT /a?bulkId=x&bulkId=y HTTP/1.1"), "sent: query limit missing"),
        (make_exchange(f"PUT /a?{QUERY}&z= HTTP/1.1"), "sent: query z too much"),
        (make_exchange("PUT /a?bulkId=x,y&limit=10 HTTP/1.1"), "sent: query bulkId other"),
        (make_exchange(body=b'{"n":{"at":1,"list":[true]},"m":null}'), "sent: body.m too much"),
        (make_exchange(body=b'{"n":{"at":1}}'), "sent: body.n.list missing"),
        (make_exchange(body=b'{"n":{"at":1,"list":[1]}}'), "sent: body.n.list[] other"),
        (make_exchange(body=b'{"n":{"at":"1","list":[true]}}'), "sent: body.n.at other"),
        (make_exchange(body=b"n=1"), "sent: body. other"),
        (make_exchange(body=b""), "sent: body. other"),
        (make_exchange(status=404), "answer: 404"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_differs_on_the_wire_is_found(exchange: Exchange, finding: str) -> None:
    """Each departure from what was asked for is one finding, and nothing else is found."""
    assert find_findings(ASKED, [exchange], {"result": REPLY}, done=True) == [finding]


@pytest.mark.parametrize(
    ("told", "findings"),
    [
        ({"result": {**REPLY, "more": 1, "at": "2030-01-01T11:00:00+00:00"}}, []),
        ({"result": {**REPLY, "at": None}}, ["got: at lost"]),
        ({"result": {**REPLY, "at": "2030-01-01T12:00:00+00:00"}}, ["got: at other"]),
        ({"result": {**REPLY, "rows": []}}, ["got: rows other"]),
        ({"result": {**REPLY, "rows": [{"id": "1"}, {"id": 2}]}}, ["got: rows[].id other"]),
        ({"result": None}, ["got:  other"]),
        ({"raised": "KeyError", "text": "x"}, ["raised: KeyError"]),
    ],
)
def test_what_a_client_makes_of_the_reply_is_compared(told: Any, findings: list[str]) -> None:
    """An instant may be written otherwise and there may be more; what is lost or changed is found."""
    assert find_findings(ASKED, [GOOD], told, done=True) == findings


def test_requests_are_counted_and_their_effect_looked_at() -> None:
    """None and two are findings, and so is that nothing has happened."""
    assert find_findings(ASKED, [], {"result": REPLY}, done=True) == ["sent: 0 requests"]
    assert find_findings(ASKED, [GOOD] * 2, {"result": REPLY}, done=True) == ["sent: 2 requests"]
    assert find_findings(ASKED, [GOOD], {"result": REPLY}, done=False) == ["done: no"]


# ---------------------------------------------------------------- verdicts

ADDS = "sent: body.m too much"
DEFECT = Defect(client="c", operations=("o",), what="adds m", findings=(ADDS,), seen='"list": ?')


@pytest.mark.parametrize(
    ("findings", "defects", "verdict"),
    [
        ([], [], Verdict("works")),
        ([ADDS], [DEFECT], Verdict("works", ("adds m",))),
        (
            [ADDS, "answer: 404"],
            [attrs.evolve(DEFECT, findings=(ADDS, "answer: 404"))],
            Verdict("known defect", ("adds m",)),
        ),
        ([ADDS], [], Verdict("FAILS", (ADDS,))),
        ([ADDS, ADDS, "done: no"], [DEFECT], Verdict("FAILS", ("done: no",))),
        ([], [DEFECT], Verdict("FAILS", (f"known, but no longer true: {ADDS} (adds m)",))),
        (
            [ADDS],
            [attrs.evolve(DEFECT, seen="nowhere")],
            Verdict("FAILS", ("known, but not seen on the wire: nowhere (adds m)",)),
        ),
    ],
)
def test_a_verdict_is_what_was_found_against_what_is_known(
    findings: list[str], defects: list[Defect], verdict: Verdict
) -> None:
    """What is new fails, what is known and true does not, and what is known and no longer true fails."""
    assert judge(findings, defects, [GOOD]) == verdict


def test_the_key_is_not_shown() -> None:
    """What was on the wire is shown without the secret of the account."""
    assert "Authorization: (masked)" in GOOD.show()
    assert "App key" not in GOOD.show()


def test_what_is_known_is_of_clients_and_operations_that_there_are() -> None:
    """Every row of known_findings.toml names a client of peers.toml and operations that are tried."""
    clients = read_clients()
    operations = {trial.operation for trial in build_trials("x")}
    defects = read_defects(tomllib.loads(KNOWN.read_text(encoding="utf-8")))

    assert {defect.client for defect in defects} <= {c.package.name for c in clients}
    assert {operation for defect in defects for operation in defect.operations} <= operations
    assert all(defect.findings for defect in defects)
    assert {client.driver for client in clients} == set((HERE / "drivers").glob("*.*"))


# ---------------------------------------------------------------- a whole run

DRIVER = """
import json, os, sys, urllib.parse, urllib.request
ROUTES = {
    "send": ("POST", "/sms/2/text/advanced"), "reports": ("GET", "/sms/1/reports"),
    "logs": ("GET", "/sms/1/logs"), "preview": ("POST", "/sms/1/preview"),
    "get_scheduled": ("GET", "/sms/1/bulks"), "reschedule": ("PUT", "/sms/1/bulks"),
    "get_scheduled_status": ("GET", "/sms/1/bulks/status"),
    "set_scheduled_status": ("PUT", "/sms/1/bulks/status"),
}
operation, asked = sys.argv[1], json.load(sys.stdin)
method, path = ROUTES[operation]
query, body = asked["query"], asked["body"]
LIE
query = urllib.parse.urlencode(query, doseq=True)
url = os.environ["INFOBIP_BASE_URL"] + path + ("?" + query if query else "")
key = {"Authorization": "App " + os.environ["INFOBIP_API_KEY"], "Content-Type": "application/json"}
data = None if body is None else json.dumps(body).encode()
try:
    request = urllib.request.Request(url, data, key, method=method)
    with urllib.request.urlopen(request) as response:
        told = {"result": json.load(response)}
except Exception as problem:
    told = {"raised": type(problem).__name__}
print(json.dumps(told))
"""
OPERATIONS = [trial.operation for trial in build_trials("x")]


class Own(Package):
    """A client that is a program of this test."""

    @property
    def folder(self) -> Path:
        """Nothing is there."""
        return HERE

    def find_interpreter(self) -> list[str]:
        """Return this Python."""
        return [sys.executable]


def try_own(url: str, folder: Path, name: str, lie: str) -> dict[str, Verdict]:
    """Return what is said of a client that is honest but for one thing."""
    driver = folder / "driver.py"
    driver.write_text(DRIVER.replace("LIE", lie), encoding="utf-8")
    client = Client(Own(name=name, registry="pypi", package=name, version="0"), driver)
    with tap(url) as tapped:
        return dict(try_client(client, Sandbox(url), tapped, [], None))


def test_an_honest_client_works_in_everything(sandbox_url: str, tmp_path: Path) -> None:
    """A client that sends what it is asked to send, byte by byte as documented, has no finding."""
    assert try_own(sandbox_url, tmp_path, "honest", "") == dict.fromkeys(
        OPERATIONS, Verdict("works")
    )


LIES = {
    "send": ("body['bulkId'] += '!'", ("sent: body.bulkId other", "done: no")),
    "reports": ("query['bulkId'] += '!'", ("sent: query bulkId other", "done: no")),
    "logs": ("query.pop('bulkId')", ("sent: query bulkId missing",)),
    "preview": ("path += '/'", ("sent: path /sms/1/preview/", "answer: 404")),
    "get_scheduled": ("json.load = lambda _: None", ("got:  other",)),
    "reschedule": ("method = 'GET'", ("sent: method GET",)),
    "get_scheduled_status": ("body = {}", ("sent: body. other",)),
    "set_scheduled_status": ("sys.exit('no')", ("sent: 0 requests",)),
}


def test_a_client_that_lies_fails_by_its_lies(sandbox_url: str, tmp_path: Path) -> None:
    """Every operation fails in which it does something wrong, with that as the first reason."""
    lie = f"exec({ {name: code for name, (code, _) in LIES.items()} }[operation])"
    said = try_own(sandbox_url, tmp_path, "liar", lie)

    assert said.keys() == LIES.keys()
    for name, (_, findings) in LIES.items():
        assert said[name].word == "FAILS"
        assert said[name].reasons[: len(findings)] == findings
