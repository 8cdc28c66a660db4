"""What the suite shows of a failure: small, in both formats, and good for being tried again."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from infobip_sms_conformance.contract import codec, files
from infobip_sms_conformance.fixtures import placement
from infobip_sms_conformance.sanitization import evidence
from infobip_sms_conformance.sanitization.bodies import hide_body
from infobip_sms_conformance.sanitization.curl import (
    build_curl,
    get_variables,
    name_authorization,
    quote,
)
from infobip_sms_conformance.sanitization.redaction import Mask, build_request_mask
from infobip_sms_conformance.session import budget
from infobip_sms_conformance.transport import http
from infobip_sms_conformance.transport.credentials import Credentials, build_basic

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.runs_in_process import ACCOUNT, Judge, find_reasons, find_rows

KEY = ACCOUNT[-1]
SHELLS = [shell for shell in ("bash", "dash", "sh") if shutil.which(shell)]
# Each shows another thing: a number with a sign in it, wrong credentials, bodies that are none, a missing
# header, a query with many numbers, a body to be put, another version, a key in a path.
FAULTS = (
    *("SEND-008", "SEND-016", "WIN-003", "AUTH-001", "AUTH-002", "HTTP-003", "HTTP-006", "XML-002"),
    *("LOG-001", "PREV-003", "BULK-003", "TRACK-003", "V1-008"),
)
VARIABLES = {
    "AUTH": "Basic " + base64.b64encode(b"Aladdin:open sesame").decode(),
    "APP": f"App {KEY}",
    **dict(zip(("TO", "TO2", "TO3"), files.read_numbers(), strict=True)),
}


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox that can be broken."""
    with running(api_key=KEY) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Shown:
    """What the suite showed of a fault, and what came of sending it again."""

    report: dict[str, Any]
    again: dict[str, Any]
    """The report of --replay with the token of the first finding."""
    codes: list[tuple[str, str, str]]
    """Of every curl line in every shell: the command, the status that is shown, the status that came."""


def look_at(sandbox: Sandbox, judge_line: Judge, fault: str) -> Shown:
    """Check a broken sandbox and send again what is shown of it, while it is still broken."""
    sandbox.switch_on(fault)
    _, report = judge_line.judge(sandbox.url, "--only", fault, "--patience", "1")
    reasons = find_reasons(report, "FAIL", "WARN")
    codes = [
        (
            reason["evidence"]["curl"],
            str(reason["evidence"]["status"]),
            send(sandbox, shell, reason),
        )
        for reason in reasons
        for shell in SHELLS
    ]
    _, again = judge_line.judge(sandbox.url, "--replay", reasons[0]["token"], "--patience", "1")
    sandbox.reset()
    return Shown(report, again, codes)


def send(sandbox: Sandbox, shell: str, reason: dict[str, Any]) -> str:
    """Paste a curl line into a shell; return the status of the answer."""
    command = reason["evidence"]["curl"] + " -o /dev/null -w '%{http_code}'"
    environment = {"PATH": "/usr/bin:/bin", "URL": sandbox.url, **VARIABLES}
    done = subprocess.run(
        [shell, "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.fixture(name="shown", scope="module", params=FAULTS)
def fixture_shown(request: pytest.FixtureRequest, sandbox: Sandbox, judge_line: Judge) -> Shown:
    """Give what is shown of each fault."""
    return look_at(sandbox, judge_line, request.param)


def test_curl_line_does_what_the_judge_did(shown: Shown) -> None:
    """Pasted into a shell with its variables set, every curl line gets the status that is shown."""
    assert shown.codes
    for command, expected, found in shown.codes:
        assert found == expected, command
        assert set(get_variables(command)) <= {"URL", *VARIABLES}


def test_other_format_is_the_same_request(shown: Shown) -> None:
    """The document that is shown in the other format says what the one that was sent says."""
    for reason in find_reasons(shown.report, "FAIL", "WARN"):
        found = reason["evidence"]
        if "other_format" not in found:
            continue
        pair = {reason["wire"]: found["body"]}
        pair["xml" if reason["wire"] == "json" else "json"] = found["other_format"]
        component = evidence.get_component_name(
            http.RawRequest(found["method"], found["path"], {}, b"")
        )
        plain = json.loads(pair["json"])
        assert codec.dump(plain, "xml", component).decode() == pair["xml"]


RUN_MARK = re.compile(r"-[0-9a-f]{6}(-\d+)+")
"""What every run puts behind its ids, so that no two are the same."""


def test_replay_finds_the_same(shown: Shown) -> None:
    """--replay with the token runs this check alone and finds the same in the same request."""
    first = find_reasons(shown.report, "FAIL", "WARN")[0]
    again = [reason for row in shown.again["verdicts"] for reason in row["reasons"]]

    assert [reason["token"] for reason in again] == [first["token"]]
    same = ("wire", "verdict", "sent", "expected", "got")
    assert [again[0].get(name) for name in same] == [first.get(name) for name in same]
    bodies = [reason["evidence"].get("body", "") for reason in (again[0], first)]
    assert len({RUN_MARK.sub("", body) for body in bodies}) == 1


def test_token_is_one_word_of_a_shell(shown: Shown) -> None:
    """A token holds no sign that a shell would take for its own, and ends with the seed."""
    for reason in find_reasons(shown.report, "FAIL", "WARN"):
        assert reason["token"].partition("@")[2] == "2026"
        assert set(reason["token"]).isdisjoint("[]*?$&;|<>(){}'\"\\` ")


# ------------------------------------------------------------------ the bytes


class StrictXmlProxy(BaseHTTPRequestHandler):
    """Passes requests on to a sandbox, except those with CDATA or a comment, which get a 400."""

    upstream = ""

    def do_POST(self) -> None:
        """Answer a request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        names = ("Authorization", "Content-Type", "Accept")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        if b"<![CDATA[" in body or b"<!--" in body:
            status, kind, answer = 400, "text/plain", b"no CDATA"
        else:
            connection = HTTPConnection(self.upstream)
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
            kind = response.headers.get("Content-Type", "")
            connection.close()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def run_strict_proxy(sandbox: Sandbox) -> Iterator[str]:
    """Run the proxy for the time of a ``with`` block; give its URL."""
    handler = type("Handler", (StrictXmlProxy,), {"upstream": sandbox.url.removeprefix("http://")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_only_the_bytes_show_fails_again(sandbox: Sandbox, judge_line: Judge) -> None:
    """A server that rejects CDATA and comments is shown them, and the printed curl line fails as the suite did."""
    with run_strict_proxy(sandbox) as url:
        done, report = judge_line.judge(url, "--only", "XML-004")
        (line,) = re.findall(r"^  curl +(.*)$", done.out, re.MULTILINE)
        environment = {"PATH": "/usr/bin:/bin", "URL": url, **VARIABLES}
        shell = ["/bin/sh", "-c", f"{line} -o /dev/null -w '%{{http_code}}'"]
        again = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    (reason,) = find_reasons(report, "FAIL")

    assert "<![CDATA[&]]>" in reason["evidence"]["body"]
    assert "<!-- one id -->" in reason["evidence"]["body"]
    assert MINIMAL["messages"][0]["text"] in line
    assert (reason["evidence"]["status"], again.stdout) == (400, "400")


# ------------------------------------------------------------------ minimal


MINIMAL = files.read_example("minimal-request")
MASK = build_request_mask(Mask(files.read_numbers()))


def find_differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return the paths at which two documents differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = dict.fromkeys((*one, *other))
        return [p for n in names for p in find_differences(one.get(n), other.get(n), f"{path}.{n}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [p for n, pair in enumerate(pairs) for p in find_differences(*pair, f"{path}[{n}]")]
    return [] if one == other else [path]


@pytest.mark.parametrize("case", budget.get_rejected_cases(), ids=lambda case: str(case.id))
def test_limit_is_shown_by_one_changed_member(case: files.Case) -> None:
    """A limit is shown as the minimal request with one field changed, in less than 200 bytes where it can be."""
    document = placement.build_case_document(case, "alone").document
    kind, value = case.edit
    long = kind == "repeat" and len(value[0].encode()) * value[1] > 100

    assert len(find_differences(MINIMAL, document)) == 1
    assert len(hide_body(codec.dump(document, "json").decode(), MASK)) < 200 or long
    assert len(hide_body(codec.dump(document, "xml").decode(), MASK)) < 400 or long


def test_failure_of_a_limit_is_shown_alone(sandbox: Sandbox, judge_line: Judge) -> None:
    """Although an edit travels among other messages, its failure is shown without them, and masked."""
    sandbox.switch_on("WIN-003")
    _, report = judge_line.judge(sandbox.url, "--only", "WIN-003")
    sandbox.reset()
    bodies = {r["wire"]: r["evidence"]["body"] for r in find_reasons(report, "FAIL")}
    document = json.loads(bodies["json"])

    assert find_differences(MINIMAL, document) == [
        ".messages[0].destinations[0].to",
        ".messages[0].text",
        ".messages[0].deliveryTimeWindow",
    ]
    assert document["messages"][0]["destinations"] == [{"to": "$TO"}]
    assert set(bodies) == {"json", "xml"}


# ------------------------------------------------------------------ again


def test_rerun_failed_judges_what_failed_and_nothing_else(
    sandbox: Sandbox, judge_line: Judge, tmp_path: Path
) -> None:
    """--rerun-failed checks the requirements that failed, with the seed of that run."""
    path = tmp_path / "first.json"
    sandbox.switch_on("WIN-003")
    only = ("--only", "WIN", "--only", "RESP-001")
    judge_line.run("server", sandbox.url, *ACCOUNT, *only, "--seed", "77", "--json", str(path))
    sandbox.reset()
    done, again = judge_line.judge(sandbox.url, "--rerun-failed", str(path))

    assert done.code == 0
    assert find_rows(again, "PASS") == {"WIN-003"}
    assert len(again["verdicts"]) == 1
    assert again["seed"] == 77


def test_nothing_to_rerun_is_wrong_usage(judge_line: Judge, tmp_path: Path) -> None:
    """A file in which nothing failed, one that is none, and one that is not there are told apart."""
    good = {"verdicts": [{"requirement": "SEND-002", "verdict": "PASS"}]}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "none.json").write_text("[1]")
    for name, word in (
        ("good.json", "nothing failed"),
        ("none.json", "expected a JSON report written by --json"),
        ("gone.json", "cannot be read"),
    ):
        done = judge_line.run(
            "server", "http://127.0.0.1:1", "--rerun-failed", str(tmp_path / name)
        )
        assert (done.code, word in done.err) == (3, True), done.err


def test_unknown_token_is_not_passed_over(sandbox: Sandbox, judge_line: Judge) -> None:
    """A token of no requirement is wrong usage; as is one of no check."""
    assert judge_line.run("server", sandbox.url, "--replay", "NONE-001:x@1").code == 3
    assert judge_line.run("server", sandbox.url, "--replay", "SEND-016:none-json@1").code == 3


# ------------------------------------------------------------------ the shell


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", ["it's", "$TO `id` $(id)", 'a "b" \\ \n c', "@file", "Grüße"])
def test_quoted_text_is_one_word(shell: str, text: str) -> None:
    """Whatever is quoted comes out of the shell as it was."""
    done = subprocess.run(
        [shell, "-c", f"printf %s {quote(text)}"], capture_output=True, text=True, check=True
    )

    assert done.stdout == text


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "text", ["100 %\\n\n", "a\x00b\x1b'", "\u202e$(id) ${TO%?}", "\udcff\ud800"]
)
def test_body_that_is_not_one_line_is_printed_byte_for_byte(shell: str, text: str) -> None:
    """Controls, ends of lines and bytes that are not UTF-8 reach curl as they were sent."""
    command, _, rest = build_curl("POST", "/x", {}, text, "").partition(" | ")
    done = subprocess.run([shell, "-c", command], env={"TO": "12"}, capture_output=True, check=True)

    expected = text.replace("${TO%?}", "1")
    wanted = b"\xff\xed\xa0\x80" if "\udcff" in text else expected.encode()
    assert command.isprintable()
    assert rest.endswith("--data-binary @-")
    assert done.stdout == wanted


@pytest.mark.parametrize("shell", SHELLS)
def test_number_with_a_sign_in_it_is_put_together(shell: str) -> None:
    """A number that the case has a letter in is written with the number that TO has."""
    mask = build_request_mask(Mask(("41793026785",)))
    body = hide_body('{"to": "41793x026785"}', mask)
    command = build_curl("POST", "/x", {}, body, "").partition("--data-raw ")[2]
    done = subprocess.run(
        [shell, "-c", f"printf %s {command}"],
        env={"TO": "99905100005"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "41793" not in body
    assert json.loads(done.stdout) == {"to": "99905x100005"}


ACCOUNT_OF_ALL = Credentials("Aladdin", "open sesame", KEY)
WRONG = (
    build_basic("not Aladdin", "open sesame"),
    build_basic("Aladdin", "not open sesame"),
    f"App {KEY[:-1]}",
)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", [VARIABLES["AUTH"], VARIABLES["APP"], *WRONG])
def test_authorization_is_made_of_the_right_one(shell: str, value: str) -> None:
    """Right and wrong credentials come out of the shell as the suite sent them, and none is in the line."""
    first = ACCOUNT_OF_ALL.primary
    shown = name_authorization(value, first, ACCOUNT_OF_ALL)
    done = subprocess.run(
        [shell, "-c", f'printf %s "{shown}"'],
        env={"PATH": "/usr/bin:/bin", **VARIABLES},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == value
    assert "Aladdin" not in shown
    assert KEY[:-1] not in shown
