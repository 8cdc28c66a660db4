"""The README's Python is run as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infobip_sms import Basic, Client, Destination, Message, ReportStore, SmsRequest, cli
from infobip_sms.cli.sandbox import sandbox as command
from infobip_sms.sandbox import running
from tests.cli.runs import KEY, NUMBER, run

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "src" / "README.md").read_text(encoding="utf-8")
FOLDERS = ("src", "conformance", "schema", "tests")
SANDBOX = (ROOT / "src" / "infobip_sms" / "sandbox" / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_of_python_run(sandbox_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example, pointed at a sandbox, prints the status of an accepted message."""
    example, *_ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line for line in example.splitlines() if line]
    assert "http://127.0.0.1:8080" in example
    exec(compile(example.replace("http://127.0.0.1:8080", sandbox_url), "README.md", "exec"), {})  # noqa: S102 - our own page

    assert len(lines) <= 10
    assert capsys.readouterr().out == "PENDING_ACCEPTED\n"


def test_the_asyncio_example_runs(sandbox_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example, pointed at a sandbox, prints what is beside its prints."""
    part = GUIDE.partition("## asyncio")[2].partition("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    assert "http://127.0.0.1:8080" in example
    exec(compile(example.replace("http://127.0.0.1:8080", sandbox_url), "README.md", "exec"), {})  # noqa: S102 - our own page

    first, second = re.findall(r"print\(.*\)  # (.*)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == [first, second, "41793026731 accepted"]


def test_the_client_for_a_real_account_is_made_and_sends_a_message(
    monkeypatch: pytest.MonkeyPatch, sandbox_url: str
) -> None:
    """The example with an API key makes a client, and the one after it sends with such a client."""
    _, account, message = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.setenv("INFOBIP_API_KEY", "KEY")
    names: dict[str, Any] = {}
    exec(compile(account, "README.md", "exec"), names)  # noqa: S102 - our own page
    assert isinstance(names["client"], Client)
    names["client"].close()

    with Client(sandbox_url, auth=Basic("Aladdin", "open sesame")) as names["client"]:
        exec(compile(message, "README.md", "exec"), names)  # noqa: S102 - our own page
    assert [entry.status.name for entry in names["response"]] == ["PENDING_ACCEPTED"] * 2


def test_every_link_between_the_pages_leads_to_a_file() -> None:
    """Relative links of every README resolve, and every README is linked from the first."""
    pages = [ROOT / "README.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("README.md"))]
    links = [
        (page, (page.parent / target).resolve())
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert [link for link in links if not link[1].exists()] == []
    assert set(pages[1:]) <= {target for page, target in links if page == pages[0]}


def test_every_file_that_the_pages_of_contributors_name_exists() -> None:
    """Paths and make targets on the pages of schema/ and tests/ are there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in (ROOT / "schema" / "README.md", ROOT / "tests" / "README.md"):
        text = page.read_text(encoding="utf-8")
        names = re.findall(r"`((?:schema|src|tests|generated)/[\w./-]*)`", text)
        near = re.findall(r"^\| .*?`([\w/]+\.(?:py|toml|yaml|xsd|jinja2))`", text, re.MULTILINE)
        homes = (page.parent, page.parent / "conformance" / "mutation", page.parent / "peers", ROOT)
        targets = re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)

        assert [name for name in names if not (ROOT / name).exists()] == []
        assert [n for n in near if not any((home / n).exists() for home in homes)] == []
        assert [target for target in targets if f"\n{target}:" not in makefile] == []
        assert names
        assert targets


def test_every_file_that_the_readme_names_exists() -> None:
    """Paths in the map lead somewhere."""
    names = re.findall(r"`((?:schema|src|conformance|generated)/[\w./-]*)`", README)

    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_command_that_the_readme_names_exists() -> None:
    """Subcommands and make targets of the README are there."""
    commands = set(re.findall(r"`infobip-sms (\w+)", README))
    targets = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert commands <= set(cli.cli.commands)
    assert commands
    assert [t for t in targets if f"\n{t}:" not in makefile] == []


def test_commands_of_the_guide_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of the first page and the guide, as pasted and in their order, ends with 0."""
    monkeypatch.chdir(tmp_path)
    files = {"guests.csv": f"to,name\n{NUMBER},Ann\n", "prices.csv": "country,price\n*,0.05\n"}
    for name, text in (files | {"stop.csv": "41793026731\n"}).items():
        Path(name).write_text(text, encoding="utf-8")
    ReportStore("reports.sqlite").close()  # of listen, which runs until it is stopped
    table = re.findall(r"^\| .* \| `(infobip-sms send .*)` \|$", README, re.MULTILINE)
    lines = [*table, *_find_shell_lines(GUIDE)]
    commands = [shlex.split(x, comments=True)[1:] for x in lines if x.startswith("infobip-sms ")]
    finite = [words for words in commands if words[0] != "listen"]
    with running(api_key=KEY) as sandbox:
        later = Message(
            destinations=NUMBER, text="Hello", send_at=datetime.now(UTC) + timedelta(hours=1)
        )
        sandbox.client().send(SmsRequest(bulk_id="reminder", messages=later))
        ends = [(words, run(*words, url=sandbox.url)) for words in finite]

    assert [(words, end.output) for words, end in ends if end.exit_code] == []
    assert len(ends) >= 12
    for words in commands:
        if words[0] == "listen":
            cli.cli.commands["listen"].make_context("listen", words[1:])


def _find_shell_lines(page: str) -> list[str]:
    """Return the lines of the shell blocks of a page, each with what follows its backslash."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return "".join(b for language, b in blocks if not language).replace("\\\n", " ").splitlines()


def test_the_receivers_are_the_ones_that_are_tested() -> None:
    """The receivers to copy are in the README as they are in the files that tests run."""
    receivers = sorted((ROOT / "tests" / "docs" / "receivers").glob("*.py"))

    assert len(receivers) == 2
    assert all(f"```python\n{r.read_text(encoding='utf-8')}```" in GUIDE for r in receivers)
    assert all(sum(map(bool, r.read_text().splitlines())) < 15 for r in receivers)


def test_the_sandbox_in_a_process_of_its_own_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example prints what is beside its print."""
    example, _ = re.findall(r"```python\n(.*?)```", SANDBOX, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own page

    assert capsys.readouterr().out == f"{example.rpartition('# ')[2].strip()}\n"


def test_the_sandbox_as_a_fixture_runs(tmp_path: Path) -> None:
    """The example is a test that passes, with the plugin and nothing else, and can fail."""
    _, example = re.findall(r"```python\n(.*?)```", SANDBOX, re.DOTALL)
    (tmp_path / "test_good.py").write_text(example, encoding="utf-8")
    (tmp_path / "test_bad.py").write_text(example.replace('ready."\n', 'cold."\n'), "utf-8")
    plugins = ["-p", "infobip_sms.pytest_plugin", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugins, "."],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in result.stdout
    assert "FAILED test_bad.py" in result.stdout


def test_what_other_languages_ask_is_answered() -> None:
    """Each line for curl gets 200 from a sandbox, and finds the message that was sent."""
    with running() as sandbox:
        message = Message(destinations=[Destination(to="41793026727")], text="Hello")
        sandbox.client().send(SmsRequest(messages=[message]))
        asked = re.findall(r"^curl (.*)$", SANDBOX, re.MULTILINE)
        answers = [ask_as_curl(sandbox.url, line) for line in asked]

    assert len(answers) == 6
    assert [status for status, _ in answers] == [200] * 6
    assert answers[2][1]["total"] == 1


def ask_as_curl(url: str, line: str) -> tuple[int, Any]:
    """Make the request that curl would make; return its status and the JSON of its body."""
    words = shlex.split(line, comments=True)
    options = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
    body = options.get("-d")
    method = options.get("-X", "GET" if body is None else "POST")
    assert options.keys() <= {"-d", "-X"}
    target = urlsplit(words[-1])
    assert target.netloc == "127.0.0.1:8080"
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request(method, f"{target.path}?{target.query}", body)
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def test_the_options_of_the_sandbox_are_those_that_there_are() -> None:
    """Each option that the README names is one of the command, and it names them all."""
    there = {name for option in command.params for name in option.opts}
    named = set(re.findall(r"--[a-z][a-z-]*", SANDBOX))

    assert named == there
