"""The fixture ``infobip_sandbox``, in runs of pytest of their own, as an application would have them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from infobip_sms import pytest_plugin

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("starlette", "uvicorn", "jinja2", "xmlschema", "click", "rich", "lxml", "hypothesis")

USES = '''
import urllib.request

import pytest

from infobip_sms import Destination, Message, ApiError, SmsRequest

REQUEST = SmsRequest(messages=[Message(destinations=[Destination(to="41793026727")], text="Hi")])
kept = []


@pytest.fixture
def application(infobip_sandbox):
    """An application that is told where to send."""
    client = infobip_sandbox.client()
    kept.append(client)
    return lambda: client.send(REQUEST).messages[0].message_id


def test_it_works(application, infobip_sandbox):
    kept.append(application())
    (message,) = infobip_sandbox.wait_for(to="41793026727")
    assert message.text == "Hi"
    infobip_sandbox.clock.freeze()
    infobip_sandbox.clock.advance(36000)
    infobip_sandbox.fail_with(400)
    with pytest.raises(ApiError):
        application()
    kept.append(infobip_sandbox.clock.now())


def test_nothing_is_left_of_the_test_before(infobip_sandbox, application):
    assert infobip_sandbox.messages() == []
    assert infobip_sandbox.clock.now() < kept[2]
    with pytest.raises(RuntimeError):
        kept[0].send(REQUEST)
    assert application() == kept[1]
    infobip_sandbox.drop()


@pytest.mark.parametrize("number", range(3))
def test_each_time_anew(infobip_sandbox, application, number):
    application()
    assert len(infobip_sandbox.messages()) == 1


def test_it_fails_as_a_test_does(infobip_sandbox):
    infobip_sandbox.wait_for(to="41793026727", timeout=0)


def test_any_program_may_ask(infobip_sandbox):
    with urllib.request.urlopen(f"{infobip_sandbox.url}/sandbox/messages") as response:
        assert response.read() == b'{"messages": [], "total": 0, "limit": 100}\\n'
'''

USES_NOT = f"""
import sys


def test_what_is_loaded():
    heavy = {HEAVY!r} + ("infobip_sms.sandbox.testing", "infobip_sms.sandbox.api.app")
    assert [name for name in heavy if name in sys.modules] == []
    assert "infobip_sms.pytest_plugin" in sys.modules
"""

WITHOUT = """
from infobip_sms import pytest_plugin

pytest_plugin.find_spec = lambda name: None if name == "uvicorn" else name
"""


def run(folder: Path, *options: str, **files: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on some files in a folder, with warnings as errors."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def find_counts(result: subprocess.CompletedProcess[str]) -> str:
    """Return the line in which pytest sums up."""
    line = result.stdout.rstrip().rpartition("\n")[2]
    return re.sub(r" in [0-9.]+s.*|=+ ?", "", line)


def test_it_is_found_without_being_named() -> None:
    """The package names it as a plugin of pytest."""
    (found,) = entry_points(group="pytest11", name="infobip_sms")

    assert found.value == pytest_plugin.__name__


def test_a_sandbox_for_each_test(tmp_path: Path) -> None:
    """It works, begins anew with every test whatever the last one did, and fails as a test does."""
    result = run(tmp_path, test_application=USES)

    assert find_counts(result) == "1 failed, 6 passed", result.stdout + result.stderr
    assert "TimeoutError: 0 of 1 messages after 0 s; latest messages: none" in result.stdout
    assert result.stderr == ""


def test_a_run_that_does_not_use_it_does_not_load_it(tmp_path: Path) -> None:
    """Of the sandbox and of all that it needs nothing is imported."""
    result = run(tmp_path, "-p", "no:hypothesispytest", "-p", "no:xdist", test_other=USES_NOT)

    assert find_counts(result) == "1 passed", result.stdout + result.stderr


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    """A process that imports it has none of an extra, no XML library and no sandbox."""
    code = f"""import sys, infobip_sms.pytest_plugin
    print([m for m in sys.modules if m.split(".")[0] in {HEAVY!r} or "infobip_sms.sandbox" in m])"""
    command = [sys.executable, "-c", code.replace("\n    ", "\n")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """One sentence says what to install, without a traceback."""
    result = run(tmp_path, test_application=USES, conftest=WITHOUT)

    assert "7 errors" in find_counts(result)
    assert "infobip_sandbox needs: pip install 'infobip-sms[sandbox]'" in result.stdout
    assert "find_spec" not in result.stdout
