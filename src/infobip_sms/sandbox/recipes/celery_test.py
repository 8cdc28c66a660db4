"""Tests of celery_tasks.py; they need infobip-sms[sandbox] and pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery_tasks import app, send_sms

from infobip_sms import TransportError

if TYPE_CHECKING:
    from infobip_sms.sandbox import Sandbox


@pytest.fixture(autouse=True)
def celery(monkeypatch: pytest.MonkeyPatch, infobip_sandbox: Sandbox) -> None:
    """Run tasks at once, against a sandbox."""
    app.conf.task_always_eager = True
    monkeypatch.setenv("INFOBIP_BASE_URL", infobip_sandbox.url)
    monkeypatch.setenv("INFOBIP_USER", "Aladdin")
    monkeypatch.setenv("INFOBIP_PASSWORD", "open sesame")


def test_the_task_sends_a_message(infobip_sandbox: Sandbox) -> None:
    """Its ID is the ID of the task."""
    result = send_sms.delay("447700900000", "Your table is ready.")
    (received,) = infobip_sandbox.wait_for(to="447700900000", status="DELIVERED")

    assert received.message_id == result.get() == result.id


def test_a_lost_response_does_not_make_it_send_twice(infobip_sandbox: Sandbox) -> None:
    """The message arrived, but the task cannot know; it fails, and is not tried again."""
    infobip_sandbox.drop(after=True)
    result = send_sms.delay("447700900000", "Your table is ready.")

    assert isinstance(result.result, TransportError)
    assert len(infobip_sandbox.messages()) == 1
