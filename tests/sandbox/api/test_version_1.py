"""Version 1 of the endpoint: its own shapes and units."""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from typing import Any

import pytest
from infobip_sms_schema import LanguageV1, MessageV1, SmsRequestV1, SmsResponseV1

from infobip_sms import Destination
from tests.sandbox.lifecycle.virtual_sandbox import (
    CALLBACK,
    CODECS,
    SEND_V1,
    START,
    Bench,
    find_text,
    find_word,
)

both = pytest.mark.parametrize("wire", ["json", "xml"])


def load(stem: str, wire: str) -> bytes:
    """Return the bytes of an example."""
    return (files("infobip_sms_schema") / "data" / "examples" / f"{stem}.{wire}").read_bytes()


def build(*to: str, **message: Any) -> SmsRequestV1:
    """Return a request of version 1 with one message."""
    return SmsRequestV1(
        messages=[MessageV1(destinations=[Destination(to=t) for t in to], **message)]
    )


@both
def test_v1_001_v1_002_v1_005_v1_008_the_documented_request_gets_the_documented_answer(
    wire: str,
) -> None:
    """Same order, names, counts and statuses as documented, but for generated ids."""
    response = Bench().ask("POST", SEND_V1, load("v1-request", wire), wire)
    answer = CODECS[wire].parse_response(response.body, SmsResponseV1)

    assert response.status == 200
    assert answer.bulk_id == "BULK-ID-123-xyz"
    assert [e.to for e in answer.messages] == ["41793026727", "41793026731", "41793026785"]
    assert answer.messages[0].message_id == "MESSAGE-ID-123-xyz"
    assert [e.sms_count for e in answer.messages] == [1, 1, 1]
    assert {(e.status.group_name, e.status.name) for e in answer.messages} == {
        ("ACCEPTED", "MESSAGE_ACCEPTED")
    }
    if wire == "xml":
        text = "".join(response.body.decode().split())
        assert "<SendSMSResponse>" in text
        assert "<messages><messages><to>" in text


@pytest.mark.parametrize("outcome", ["26", "7", "0"])
def test_read_004_the_status_of_acceptance_can_be_switched(outcome: str) -> None:
    """The switch is for both versions."""
    virtual = Bench(readings={"READ-004": outcome})
    (first,) = virtual.send("41")["messages"]
    (second,) = virtual.post(build("41"), SEND_V1)["messages"]

    assert first["status"]["id"] == second["status"]["id"] == int(outcome)


@pytest.mark.parametrize("outcome", ["26", "7", "0"])
def test_read_046_that_of_version_1_can_be_switched_alone(outcome: str) -> None:
    """Version 2 keeps its own, whether that is chosen too or not."""
    for readings, expected in (({}, 26), ({"READ-004": "7"}, 7)):
        virtual = Bench(readings={**readings, "READ-046": outcome})
        (first,) = virtual.send("41")["messages"]
        (second,) = virtual.post(build("41"), SEND_V1)["messages"]

        assert (first["status"]["id"], second["status"]["id"]) == (expected, int(outcome))


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(60_000, 60), (1, 0.001), (10**12, 172_800), (None, 172_800)]
)
def test_v1_003_the_validity_period_is_in_milliseconds(
    milliseconds: int | None, seconds: float
) -> None:
    """60000 is a minute; more than 48 hours is 48 hours."""
    virtual = Bench()
    request = build("9990020000007", validity_period_ms=milliseconds, notify_url=CALLBACK)
    virtual.post(request, SEND_V1)
    virtual.wait(days=5)
    (pushed,) = virtual.pushed

    assert pushed.at == START + dt.timedelta(seconds=seconds)
    assert pushed.status == 15


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("x" * 161, None, 2),
        ("ş" * 71, {"language_code": "TR", "locking_shift": True}, 1),
        ("ş" * 78, {"language_code": "TR", "single_shift": True}, 2),
        ("ş" * 77, {"language_code": "TR", "single_shift": True}, 1),
        ("ş" * 153, {"language_code": "TR", "single_shift": True, "locking_shift": True}, 2),
        ("x" * 155, {"language_code": "ES", "locking_shift": True}, 1),
        ("x" * 156, {"language_code": "ES", "locking_shift": True}, 2),
        ("x" * 160, {"locking_shift": True}, 1),
    ],
)
def test_v1_002_v1_004_segments_are_counted_with_the_shifts(
    text: str, language: Any, count: int
) -> None:
    """The smsCount is at the destination; shifts that a language has not are passed over (READ-033)."""
    virtual = Bench()
    made = LanguageV1(**language) if language else None
    (entry,) = virtual.post(build("41", text=text, language=made), SEND_V1)["messages"]

    assert entry["smsCount"] == count
    assert virtual.logs()[0].sms_count == count


def test_resp_004_one_destination_has_no_bulk_id_in_version_1_either() -> None:
    """A bulkId comes with several destinations; smsCount is nothing of version 2."""
    virtual = Bench()

    assert "bulkId" not in virtual.post(build("41"), SEND_V1)
    assert "bulkId" in virtual.post(build("41", "42"), SEND_V1)
    assert "smsCount" not in json.dumps(virtual.send("41"))


@both
def test_v1_006_v1_007_the_limits_of_version_1_are_its_own(wire: str) -> None:
    """A callbackData of any length is taken and comes back; NON_UNICODE is rejected by its requirement."""
    virtual = Bench(delay=0)
    data = "long " * 1000
    virtual.post(build("41", callback_data=data, notify_url=CALLBACK), SEND_V1, wire)
    virtual.wait(seconds=1)
    body = CODECS[wire].dump_model(build("41", transliteration="GREEK"))
    response = virtual.ask("POST", SEND_V1, body.replace(b"GREEK", b"NON_UNICODE"), wire)

    assert virtual.pushed[0].report.callback_data == data
    assert (response.status, find_word(response, wire)) == (400, "BAD_REQUEST")
    assert "V1-006" in find_text(response, wire)


@both
def test_v1_a_rejection_stands_in_the_reply(wire: str) -> None:
    """A number that chooses it is rejected at once; 51 and 52 have neither messageId nor smsCount."""
    virtual = Bench()
    body = CODECS[wire].dump_model(build("9990010000006", "9990010000051", "999"))
    response = virtual.ask("POST", SEND_V1, body, wire)
    rejected, missing, invalid = CODECS[wire].parse_response(response.body, SmsResponseV1).messages

    assert (rejected.status.id, rejected.sms_count) == (6, 1)
    assert rejected.message_id is not None
    for entry in (missing, invalid):
        assert (entry.message_id, entry.sms_count) == (None, None)


def test_v1_messages_are_tracked_shortened_and_scheduled() -> None:
    """What version 2 has around a message, version 1 has too."""
    virtual = Bench()
    document = {
        "bulkId": "B",
        "messages": [
            {
                "destinations": [{"to": "41"}],
                "text": "https://www.example.com/",
                "sendAt": "2030-01-02T00:00:00.000+00:00",
            }
        ],
        "tracking": {"track": "URL"},
    }
    response = virtual.ask("POST", SEND_V1, json.dumps(document).encode())

    assert len(json.loads(response.body)["trackingProcessKey"]) == 32
    assert virtual.logs()[0].text.startswith("http://me:1/s/")
    assert virtual.ask("GET", "/sms/1/bulks", bulkId="B").status == 200
