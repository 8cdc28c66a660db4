"""The judge is judged: by legal servers, by servers with one fault each, and by rude ones.

Lives here: the suite run as a program against the programs in servers/; its codec and edits.
Never here: the sandbox as a subject; the binding.
"""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from infobip_sms_conformance import (
    data,
    documents,
    edits,
    replies,
    session,
    strategies,
    suite,
    transport,
)
from infobip_sms_conformance.exchanges import Exchange, Outcome, find_destinations, find_reply
from lxml import etree

SERVERS = Path(__file__).parent / "servers"
FAULTS: dict[str, str] = runpy.run_path(str(SERVERS / "stranger.py"))["FAULTS"]
KEY = "a key for this test only"
REQUESTS = [
    "documented-request",
    "documented-request-in-xml",
    "every-member-request",
    "minimal-request",
]
RESPONSES = ["documented-response", "documented-response-in-xml", "rejected-response"]


@contextmanager
def start_server(name: str, *arguments: str) -> Iterator[str]:
    """Run a server of servers/ for the time of a ``with`` block; give its URL."""
    program = [sys.executable, str(SERVERS / f"{name}.py"), *arguments]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def start_stranger(*arguments: str) -> Iterator[str]:
    """Run the stranger."""
    with start_server("stranger", "--port", "0", "--api-key", KEY, *arguments) as url:
        yield url


class Run:
    """One run of the judge as a program, in an empty folder."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.file = folder / "verdicts.json"
        program = [sys.executable, "-m", "infobip_sms_conformance", "server", *arguments]
        done = subprocess.run(
            [*program, "--json", str(self.file)],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.report: dict[str, Any] = (
            json.loads(self.file.read_text()) if self.file.exists() else {}
        )

    def find_numbers(self, verdict: str) -> set[str]:
        """Return the requirements with a verdict in either format."""
        rows = self.report["verdicts"]
        return {row["requirement"] for row in rows if verdict in {row["json"], row["xml"]}}


def judge_stranger(folder: Path, *arguments: str) -> Run:
    """Judge the stranger with every credential that it knows."""
    with start_stranger(*arguments) as url:
        return Run(folder, url, "--api-key", KEY)


# ------------------------------------------------------------------ legal servers


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (["--refuse", "400"], set()),
        (["--refuse", "200"], {"HTTP-006", "ERR-001"}),
        (["--no-past"], set()),
    ],
)
def test_legal_server_fails_nothing(tmp_path: Path, options: list[str], warned: set[str]) -> None:
    """Every legal form of refusal passes, at the price that was announced; SHOULDs are warned of."""
    run = judge_stranger(tmp_path, *options)

    assert run.code == 0, run.out
    assert run.find_numbers("WARN") == warned
    assert (
        not run.find_numbers("FAIL") | run.find_numbers("ERROR") | run.find_numbers("INCONCLUSIVE")
    )
    judged = {row["requirement"] for row in run.report["verdicts"]}
    assert judged == suite.checked_requirements()
    assert run.out.startswith("Judging http://127.0.0.1:")
    assert "at most " in run.out.splitlines()[0]
    assert run.report["requests"] <= 250


# ------------------------------------------------------------------ one fault each


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_trips_its_requirement_alone(tmp_path: Path, fault: str) -> None:
    """A server with one fault fails, or is warned for, exactly the requirement that it breaks."""
    run = judge_stranger(tmp_path, "--break", fault)

    must = data.read_requirements()[FAULTS[fault]].level == "MUST"
    assert run.find_numbers("FAIL" if must else "WARN") == {FAULTS[fault]}, run.out
    assert not run.find_numbers("WARN" if must else "FAIL"), run.out
    assert not run.find_numbers("ERROR"), run.out
    assert run.code == (1 if must else 0)


def test_every_check_is_tripped_by_some_fault() -> None:
    """For every requirement that is judged there is a server that breaks it."""
    assert set(FAULTS.values()) == suite.checked_requirements()


def test_every_exchange_requirement_has_a_check() -> None:
    """The checks cover the requirements that one exchange can show, and no others."""
    rows = data.read_requirements().values()

    assert suite.checked_requirements() == {row.id for row in rows if row.judged == "exchange"}


def test_every_case_belongs_to_a_checked_requirement() -> None:
    """No case is left unused because its requirement has no check."""
    assert {case.requirement for case in data.read_cases()} <= suite.checked_requirements()


def test_report_tells_no_secret(tmp_path: Path) -> None:
    """Numbers, texts and credentials stay out of the report of a failing run."""
    run = judge_stranger(tmp_path, "--break", "entries-reversed")
    told = run.out + run.err + run.file.read_text()

    document = data.read_example("documented-request")
    secrets = [*data.read_numbers(), KEY, "open sesame", "Aladdin"]
    secrets += [message["text"][:20] for message in document["messages"]]
    assert not [secret for secret in secrets if secret in told]


# ------------------------------------------------------------------ runs that cannot be judged


def test_server_that_is_down(tmp_path: Path) -> None:
    """Where no server listens, nothing could be judged."""
    with start_stranger() as url:
        pass
    run = Run(tmp_path, url)

    assert run.code == 2
    assert "Could not judge: " in run.out
    assert run.report["verdicts"] == []


def test_server_that_dies(tmp_path: Path) -> None:
    """A server that ends during the run is not called good, and the run ends soon."""
    with start_stranger("--last", "40") as url:
        run = Run(tmp_path, url)

    assert run.code == 2, run.out
    assert "the server does not answer" in run.report["stopped"]
    assert run.report["requests"] < 60


MANNERS = {
    **dict.fromkeys(["hangs-up", "not-http", "silent", "dribbles-header", "dribbles-body"], 2),
    **dict.fromkeys(["endless", "half"], 2),
    **dict.fromkeys(["binary", "deep", "not-a-reply"], 1),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_rude_server(tmp_path: Path, manner: str) -> None:
    """No server, however rude, leads to a traceback or to a run that passes."""
    with start_server("rude", manner) as url:
        run = Run(tmp_path, url)

    assert run.code == MANNERS[manner], run.out
    assert "Traceback" not in run.out + run.err


def test_wrong_credentials(tmp_path: Path) -> None:
    """With wrong credentials one requirement fails, and nothing is said about the others."""
    with start_stranger() as url:
        run = Run(tmp_path, url, "--password", "wrong")

    assert run.find_numbers("FAIL") == {"AUTH-003"}, run.out


def test_only_what_was_asked_for(tmp_path: Path) -> None:
    """--only narrows the run to requirements by their beginning."""
    with start_stranger() as url:
        run = Run(tmp_path, url, "--only", "WIN-00", "--only", "HTTP-001")

    assert run.code == 0
    rows = [row["requirement"] for row in run.report["verdicts"]]
    assert rows == [*(f"WIN-00{n}" for n in range(1, 7)), "HTTP-001"]


def test_nothing_checked_is_no_pass(tmp_path: Path) -> None:
    """A run whose only requirements are not judged by an exchange ends with 2."""
    with start_stranger() as url:
        assert Run(tmp_path, url, "--only", "DLR").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["http://192.0.2.1:8080"],
        ["http://example.com"],
        ["http://localhost.example.com"],
        ["https://127.0.0.1"],
        ["http://user:secret@127.0.0.1"],
        ["http://127.0.0.1:port"],
        ["http://127.0.0.1", "--only", "NONE-001"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    """A server elsewhere, an unknown requirement or option ends with 3 before anything is sent."""
    run = Run(tmp_path, *arguments)

    assert run.code == 3
    assert len(run.err.splitlines()) == 1
    assert "secret" not in run.err


def test_user_settings_do_not_reach_the_suite(tmp_path: Path) -> None:
    """A hostile conftest, ini file and environment change nothing, and no file is left behind."""
    (tmp_path / "conftest.py").write_text("raise SystemExit('conftest')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    with start_stranger() as url:
        run = Run(
            tmp_path, url, "--only", "SEND-026", PYTEST_ADDOPTS="--no-such", PYTEST_PLUGINS="none"
        )

    assert run.code == 0, run.err
    assert {path.name for path in tmp_path.iterdir()} == {
        "conftest.py",
        "pytest.ini",
        "verdicts.json",
    }


def test_list_names_every_requirement() -> None:
    """The command list prints id, level, how it is judged and the rule."""
    program = [sys.executable, "-m", "infobip_sms_conformance", "list"]
    lines = subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()

    assert [line.split()[0] for line in lines] == list(data.read_requirements())


# ------------------------------------------------------------------ documents and edits


def read_bytes(name: str) -> bytes:
    """Return an example as it stands in its file."""
    return (data.find_folder() / "examples" / name).read_bytes()


@pytest.mark.parametrize("stem", REQUESTS)
def test_request_examples_agree(stem: str) -> None:
    """The JSON and the XML file of a request hold the same data."""
    document = documents.parse_xml(read_bytes(f"{stem}.xml"), "SmsRequest")

    assert documents.parse_json(read_bytes(f"{stem}.json")) == document


@pytest.mark.parametrize("stem", RESPONSES)
def test_response_examples_agree(stem: str) -> None:
    """The JSON and the XML file of a reply are read as the same reply."""
    from_json = replies.parse_reply(read_bytes(f"{stem}.json"))
    from_xml = replies.parse_reply(read_bytes(f"{stem}.xml"))

    assert from_json.entries == from_xml.entries
    assert (from_json.bulk_id, from_json.tracking_key) == (from_xml.bulk_id, from_xml.tracking_key)


def find_good_requests() -> list[Any]:
    """Return the examples and the generated requests."""
    return [*map(data.read_example, REQUESTS), *strategies.build_requests(40)]


def test_written_xml_is_read_back() -> None:
    """Every good request survives the way to XML and back."""
    for document in find_good_requests():
        written = documents.dump(document, "xml")

        assert documents.parse_xml(written, "SmsRequest") == document


def test_good_requests_keep_to_both_schemas() -> None:
    """Every good request is valid by openapi.yaml in JSON and by sms.xsd in XML."""
    components = data.read_openapi()["components"]
    schema = {"$ref": "#/components/schemas/SmsRequest", "components": components}
    validator = jsonschema.Draft202012Validator(schema)
    xsd = etree.XMLSchema(etree.parse(data.find_folder() / "sms.xsd"))
    for document in find_good_requests():
        assert not list(validator.iter_errors(document))
        xsd.assertValid(etree.fromstring(documents.dump(document, "xml")))


def test_generated_requests_go_to_documented_numbers() -> None:
    """No generated request has a destination that is not in the documentation."""
    found = {
        d["to"].lstrip("+") for r in strategies.build_requests(40) for d in find_destinations(r)
    }

    assert found == set(data.read_numbers()) == {"41793026727", "41793026731", "41793026785"}


def test_generated_requests_use_every_member() -> None:
    """Together, the generated requests of one run have every member that the contract knows."""
    requests = strategies.build_requests(session.GENERATED)
    members = strategies.find_members(list(requests))

    assert len(requests) == session.GENERATED
    assert members == strategies.find_members(data.read_example("every-member-request"))


def test_edits_change_one_place() -> None:
    """An edit sets, removes or repeats where its path leads, in a copy."""
    before = {"a": [{"b": 1}, {"b": 2}]}

    assert edits.apply_edit(before, "a[1].b", "set", 3) == {"a": [{"b": 1}, {"b": 3}]}
    assert edits.apply_edit(before, "a[0].b", "remove", True) == {"a": [{}, {"b": 2}]}
    assert edits.apply_edit(before, "a[0].c", "repeat", ["д", 3]) == {
        "a": [{"b": 1, "c": "ддд"}, {"b": 2}]
    }
    assert before == {"a": [{"b": 1}, {"b": 2}]}


@pytest.mark.parametrize(("path", "kind"), [("a[2]", "set"), ("a[0].c", "remove"), ("c.d", "set")])
def test_edit_that_leads_nowhere(path: str, kind: str) -> None:
    """An edit whose path does not lead to a place is an error, not a case that tests nothing."""
    with pytest.raises(LookupError):
        edits.apply_edit({"a": [{}, {}]}, path, kind, 1)


@pytest.mark.parametrize("case", data.read_cases(), ids=lambda case: str(case.id))
def test_case_differs_from_its_example_on_the_wire(case: data.Case) -> None:
    """Every case changes the bytes of its example in both formats."""
    for wire in case.wires:
        example = documents.dump(data.read_example(case.example), wire)

        assert documents.dump(edits.build_edited(case), wire) != example


# ------------------------------------------------------------------ open reading


LONG_ID = "20339128607605222071234"
ODD_REPLIES = {
    "json": f"""{{"messages": [{{"to": "1", "messageId": {LONG_ID}, "status": {{"groupId": 1}}}}], "x": 1}}""",
    "xml": f"""\ufeff<r xmlns="urn:x"><!-- c --><messages><other><status><groupId> 1 </groupId></status>
        <to>1</to><x/><messageId>{LONG_ID}</messageId></other></messages></r>""",
}


@pytest.mark.parametrize("body", ODD_REPLIES.values(), ids=ODD_REPLIES)
def test_reply_of_another_shape_is_read(body: str) -> None:
    """Unknown members, another order, other names around the entries and long ids do no harm."""
    answer = transport.Answer(200, EmailMessage(), body.encode())
    exchange = Exchange("", {}, "json", answer, reply=find_reply(answer))

    assert exchange.outcome is Outcome.ACCEPTED
    assert exchange.reply is not None
    assert exchange.reply.entries[0].message_id == LONG_ID


def test_null_words_of_a_status_are_absent_ones() -> None:
    """A description or action of null is a member left out, as the catalogue documents it."""
    body = b'{"messages":[{"to":"1","status":{"groupId":1,"description":null,"action":null}}]}'
    found = find_reply(transport.Answer(200, EmailMessage(), body))

    assert found is not None
    assert found.entries[0].status == {"groupId": 1}


def test_xml_of_another_encoding_is_read() -> None:
    """A reply in UTF-16 with its byte order mark is XML like any other."""
    body = data.find_folder().joinpath("examples", "documented-response.xml").read_text("utf-8")
    encoded = body.replace("UTF-8", "UTF-16").encode("utf-16")
    found = find_reply(transport.Answer(200, EmailMessage(), encoded))

    assert found is not None
    assert len(found.entries) == 3


def test_a_past_send_at_is_moved_ahead_and_nothing_else() -> None:
    """An instant of the documentation's examples lies ahead when it is sent; no other text changes."""
    now = datetime.now(UTC)

    assert now < datetime.fromisoformat(session.find_later("2015-07-07T17:00:00.000+01:00"))
    for text in ("2099-07-07T17:00:00.000+01:00", "tomorrow", "2015-07-07T17:00:00.000"):
        assert session.find_later(text) == text


def test_entities_are_not_resolved() -> None:
    """A document type declaration in a reply opens no file."""
    body = b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><messages>&e;</messages></r>'

    assert "root:" not in (documents.parse_tree(body).findtext("messages") or "")
