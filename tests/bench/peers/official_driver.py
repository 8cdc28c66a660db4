"""Works with the official client 4.0.0, in its environment, where nothing of ours is."""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def build_work(url: str, bodies: dict[str, str]) -> dict[str, Any]:
    """Return what can be done with documents of these names: read, written, and sent."""
    from infobip_api_client import models  # type: ignore[import-not-found] # noqa: PLC0415 - only there
    from infobip_api_client.api.sms_api import SmsApi  # type: ignore[import-not-found] # noqa: PLC0415 - likewise
    from infobip_api_client.api_client import (  # type: ignore[import-not-found] # noqa: PLC0415 - likewise
        ApiClient,
        Configuration,
    )

    key = {"APIKeyHeader": "key"}
    settings = Configuration(host=url, api_key=key, api_key_prefix={"APIKeyHeader": "App"})
    api = SmsApi(ApiClient(settings))
    work: dict[str, Any] = {}
    for name, body in bodies.items():
        response = name.startswith("response")
        kind = models.SmsResponse if response else models.SmsAdvancedTextualRequest
        model = kind.from_json(body)
        work[f"read {name}"] = lambda kind=kind, body=body: kind.from_json(body)
        work[f"write {name}"] = model.to_json
        if not response:
            work[f"send {name}"] = lambda model=model: api.send_sms_message(
                sms_advanced_textual_request=model
            )
    return work


def main() -> None:
    """Do what is asked on standard input."""
    work = build_work(sys.argv[1], json.loads(sys.stdin.readline()))
    print("[]", flush=True)
    for line in sys.stdin:
        name, count = json.loads(line)
        do = work[name]
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            do()
        taken = (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
