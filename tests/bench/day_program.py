"""One task of a day, done by one program; runs also where nothing of ours is installed.

python day_program.py PROGRAM TASK COUNT URL      bodies of reports on standard input, as JSON
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

CHUNK = 1_000
TEXT = "Your order {} is ready; please come to the counter before six o'clock."


class ByHand:
    """What somebody writes with urllib3 and json in an hour."""

    def __init__(self, url: str) -> None:
        import urllib3  # noqa: PLC0415 - each program imports its own

        self._pool = urllib3.connection_from_url(url)
        media = "application/json"
        self._headers = {"Authorization": "App key", "Accept": media, "Content-Type": media}

    def send(self, numbers: range) -> int:
        """Send one message to each; return how many were accepted."""
        messages = [
            {
                "from": "InfoSMS",
                "destinations": [{"to": f"999{n:09}", "messageId": f"order-{n % CHUNK}"}],
                "text": TEXT.format(n),
            }
            for n in numbers
        ]
        body = json.dumps({"messages": messages}).encode()
        path = "/sms/2/text/advanced"
        response = self._pool.urlopen("POST", path, body=body, headers=self._headers)
        return sum(m["status"]["groupId"] == 1 for m in json.loads(response.data)["messages"])

    def send_bulk(self, count: int) -> int:
        """Send one message to each of many numbers."""
        return sum(self.send(range(n, n + CHUNK)) for n in range(0, count, CHUNK))

    def receive(self, body: str) -> int:
        """Return the number of delivered messages."""
        return sum(r["status"]["groupId"] == 3 for r in json.loads(body)["results"])


class Ours:
    """infobip-sms."""

    def __init__(self, url: str) -> None:
        import infobip_sms  # noqa: PLC0415 - each program imports its own

        self._api = infobip_sms
        self._client = infobip_sms.Client(url, auth=infobip_sms.ApiKey("key"))

    def _build(self, number: int) -> Any:
        to = self._api.Destination(to=f"999{number:09}", message_id=f"order-{number % CHUNK}")
        return self._api.Message(from_="InfoSMS", destinations=[to], text=TEXT.format(number))

    def send(self, numbers: range) -> int:
        """Send one message to each; return how many were accepted."""
        response = self._client.send([self._build(n) for n in numbers])
        return sum(entry.status.group_id == 1 for entry in response)

    def send_bulk(self, count: int) -> int:
        """Send one message to each of many numbers."""
        messages = (self._build(n) for n in range(count))
        outcomes = self._client.send_many(messages, chunk=CHUNK, concurrency=1)
        return sum(outcome.state == "accepted" for outcome in outcomes)

    def receive(self, body: str) -> int:
        """Return the number of delivered messages."""
        reports = self._api.parse_delivery_reports(body, "application/json").results
        return sum(report.status is not None and report.status.group_id == 3 for report in reports)


class Official:
    """infobip-api-python-client 4.0.0."""

    def __init__(self, url: str) -> None:
        from infobip_api_client import models  # type: ignore[import-not-found] # noqa: PLC0415 - only there
        from infobip_api_client.api.sms_api import SmsApi  # type: ignore[import-not-found] # noqa: PLC0415 - only there
        from infobip_api_client.api_client import (  # type: ignore[import-not-found] # noqa: PLC0415 - only there
            ApiClient,
            Configuration,
        )

        key = {"APIKeyHeader": "key"}
        settings = Configuration(host=url, api_key=key, api_key_prefix={"APIKeyHeader": "App"})
        self._api, self._models = SmsApi(ApiClient(settings)), models

    def send(self, numbers: range) -> int:
        """Send one message to each; return how many were accepted."""
        kinds = self._models
        messages = [
            kinds.SmsTextualMessage(
                _from="InfoSMS",
                destinations=[
                    kinds.SmsDestination(to=f"999{n:09}", message_id=f"order-{n % CHUNK}")
                ],
                text=TEXT.format(n),
            )
            for n in numbers
        ]
        request = kinds.SmsAdvancedTextualRequest(messages=messages)
        response = self._api.send_sms_message(sms_advanced_textual_request=request)
        return sum(entry.status.group_id == 1 for entry in response.messages)

    def send_bulk(self, count: int) -> int:
        """Send one message to each of many numbers."""
        return sum(self.send(range(n, n + CHUNK)) for n in range(0, count, CHUNK))

    def receive(self, body: str) -> int:
        """Return the number of delivered messages."""
        found = self._models.SmsDeliveryResult.from_json(body)
        return sum(report.status.group_id == 3 for report in found.results)


def perform(program: Any, task: str, count: int, bodies: dict[str, str]) -> int:
    """Do a task; return how many messages came out of it."""
    if task == "singles":
        return sum(program.send(range(n, n + 1)) for n in range(count))
    if task == "bulk":
        return int(program.send_bulk(count))
    size = 1 if task == "reports" else 100
    return sum(program.receive(bodies[str(size)]) for _ in range(count // size))


def main() -> None:
    """Do one task, and print seconds of the processor, of the wall, and the peak of memory in MiB."""
    name, task, count, url = sys.argv[1:]
    kinds = {"by hand": ByHand, "infobip": Ours, "official": Official}
    program = next(kind for start, kind in kinds.items() if name.startswith(start))(url)
    bodies = json.loads(sys.stdin.read())
    perform(program, task, CHUNK if task == "bulk" else 100, bodies)  # loads what it needs
    wall, cpu = time.perf_counter(), time.process_time()
    found = perform(program, task, int(count), bodies)
    taken = time.process_time() - cpu, time.perf_counter() - wall
    assert found == int(count), found
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps([*taken, peak]))


if __name__ == "__main__":
    main()
