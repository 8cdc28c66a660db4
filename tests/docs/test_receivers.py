"""The receivers that users may copy are run as they stand."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.calls import TYPES, both, example
from tests.docs.receivers import fastapi_receiver, flask_receiver

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from infobip_sms.codecs import Wire

    Post = Callable[[bytes, str], int]

FOLDER = Path(__file__).parent / "receivers"
KEPT = (
    "ff4804ef-6ab6-4abd-984d-ab3b1387e852 DELIVERED_TO_HANDSET\n"
    "12db39c3-7822-4e72-a3ec-c87442c0ffc5 UNDELIVERABLE_NOT_DELIVERED\n"
)
GARBAGE = [b"", b"{}", b"[]", b"<html></html>", b"\xff\xfe", b'{"results": "none"}']


def post_to_flask(body: bytes, kind: str) -> int:
    """Post to the Flask receiver; return the status."""
    with flask_receiver.app.test_client() as client:
        return client.post("/reports", data=body, content_type=kind).status_code


def post_to_fastapi(body: bytes, kind: str) -> int:
    """Post to the FastAPI receiver, as an ASGI server does; return the status."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: MutableMapping[str, Any]) -> None:
        statuses.extend([event["status"]] if "status" in event else [])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/reports",
        "query_string": b"",
        "headers": [(b"content-type", kind.encode())],
    }
    with suppress(OSError):  # raised after 500 was sent, for the server's log
        asyncio.run(fastapi_receiver.app(scope, receive, send))
    (status,) = statuses
    return status


receivers = pytest.mark.parametrize(
    "post", [post_to_flask, post_to_fastapi], ids=["flask", "fastapi"]
)


@receivers
@both
def test_reports_are_kept_and_answered_with_200(
    post: Post, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DLR: both reports of the example are in the file, whatever the format, one body after another."""
    monkeypatch.chdir(tmp_path)
    statuses = [post(example("delivery-reports", wire), TYPES[wire]) for _ in range(2)]

    assert statuses == [200, 200]
    assert Path("reports.txt").read_text(encoding="utf-8") == KEPT * 2


@receivers
@both
def test_no_reports_are_reports(
    post: Post, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list is answered with 200, and so is a report of which nearly all is missing."""
    monkeypatch.chdir(tmp_path)

    assert post(example("no-delivery-reports", wire), TYPES[wire]) == 200
    assert post(json.dumps({"results": [{"messageId": "m"}]}).encode(), TYPES["json"]) == 200
    assert Path("reports.txt").read_text(encoding="utf-8") == "m None\n"


@receivers
@pytest.mark.parametrize("body", GARBAGE, ids=repr)
@both
def test_what_is_no_report_is_answered_with_400(
    post: Post, body: bytes, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage of any kind is rejected, and nothing is kept of it."""
    monkeypatch.chdir(tmp_path)

    assert post(body, TYPES[wire]) == 400
    assert list(tmp_path.iterdir()) == []


@receivers
def test_what_cannot_be_kept_is_not_answered_with_200(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file cannot be written the answer is 500, and the platform posts the reports again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports.txt").mkdir()

    assert post(example("delivery-reports"), TYPES["json"]) == 500


@pytest.mark.parametrize("name", ["flask_receiver", "fastapi_receiver"])
def test_a_receiver_is_short_enough_to_copy(name: str) -> None:
    """Under 15 lines, empty ones aside, imports included."""
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()

    assert 5 < len([line for line in lines if line.strip()]) < 15
