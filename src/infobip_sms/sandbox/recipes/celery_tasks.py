"""A Celery task that sends a message, and never sends it twice; celery_test.py tests it.

Address and account are in the environment of the worker: INFOBIP_BASE_URL and INFOBIP_API_KEY, or
INFOBIP_USER and INFOBIP_PASSWORD.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

from infobip_sms import Client, Destination, Message, TransportError

app = Celery("messages")


@app.task(
    bind=True, max_retries=10
)  # without acks_late: a task that is delivered twice sends twice
def send_sms(self: Any, to: str, text: str) -> str:
    """Send a text; return its message ID, which is that of the task."""
    message_id: str = self.request.id
    message = Message(destinations=Destination(to, message_id=message_id), text=text)
    with Client.from_env() as client:
        try:
            client.send(message)
        except TransportError as error:
            if error.sent == "no":
                raise self.retry(exc=error, countdown=60) from error
            raise  # it may have arrived: look it up by its ID before you send it again
    return message_id
