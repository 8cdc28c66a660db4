"""The recipes of the README run as they stand, and print what they say."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms.webhook_server import WebhookServer
from tests.client.calls import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms import DeliveryReport, DeliveryReports

README = (Path(__file__).resolve().parents[2] / "src" / "README.md").read_text(encoding="utf-8")
PART = README.partition("## Recipes")[2].partition("\n## ")[0]
SETUP, *BLOCKS = re.findall(r"```python\n(.*?)```", PART, re.DOTALL)
NAMES = re.findall(r"^\*\*(.+?)\*\*", PART, re.MULTILINE)
TUTORIALS = (
    "Ids of your own",
    "Transliteration",
    "Language",
    "Flash",
    "Schedule and validity",
    "Delivery window",
    "Fields that the documentation does not list",
    "Intermediate reports",
    "Reports on a notify URL",
    "SMS tracking",
    "URL shortening",
)


class Callback:
    """A callback server and the reports that came to it."""

    def __init__(self) -> None:
        self.reports: list[DeliveryReport] = []
        self.came = threading.Condition()
        self.listener = WebhookServer("127.0.0.1", 0, self.write, print)
        threading.Thread(target=self.listener.run, daemon=True).start()

    def write(self, reports: DeliveryReports) -> None:
        """Keep reports."""
        with self.came:
            self.reports += reports.results
            self.came.notify_all()

    def wait(self, number: int) -> list[DeliveryReport]:
        """Return the reports once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.reports) >= number, NEVER)
            return self.reports


@pytest.fixture(name="callback")
def fixture_callback() -> Iterator[Callback]:
    """Give a callback server."""
    callback = Callback()
    yield callback
    callback.listener.shutdown()


def run(block: str, sandbox: str, callback: Callback, output: Any) -> list[tuple[str, str]]:
    """Run a recipe; return what it says that it prints, beside what it prints."""
    code = f"{SETUP}\n{block}\nclient.close()\n"
    code = code.replace("http://127.0.0.1:8080", sandbox)
    code = code.replace("http://127.0.0.1:9000", callback.listener.url)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own page
    said = re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE)
    printed = output.readouterr().out.splitlines()
    assert len(said) == len(printed)
    return list(zip(said, printed, strict=True))


def test_there_is_a_recipe_for_each_tutorial() -> None:
    """The nine tutorials that the documentation links, and two more, have one recipe of at most ten lines."""
    assert tuple(NAMES) == TUTORIALS
    assert len(BLOCKS) == len(TUTORIALS)
    assert all(len(block.splitlines()) <= 10 for block in BLOCKS)


@pytest.mark.parametrize("name", TUTORIALS)
def test_recipes_do_what_they_say(
    name: str, sandbox_url: str, callback: Callback, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recipe runs against the sandbox and prints what is beside its prints."""
    lines = run(BLOCKS[NAMES.index(name)], sandbox_url, callback, capsys)

    for said, printed in lines:
        begin, cut, _ = said.replace("http://127.0.0.1:8080", sandbox_url).partition("…")
        assert printed.startswith(begin) if cut else printed == begin
    if name == "Intermediate reports":
        first, last = callback.wait(2)
        assert [r.status and r.status.is_final for r in (first, last)] == [False, True]
        assert first.message_id == last.message_id
    if name == "Reports on a notify URL":
        (report,) = callback.wait(1)
        assert report.callback_data == "customer 42"
    if name not in {"Intermediate reports", "Reports on a notify URL"}:
        assert lines
