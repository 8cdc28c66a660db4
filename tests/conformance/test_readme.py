"""The suite's own page: its commands run, its files are read, and its tables are true."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from infobip_sms_conformance.cli import cli
from infobip_sms_conformance.cli.settings import read_settings
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.session import plan

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.mutation import clients
from tests.conformance.runs_in_process import Judge

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "conformance" / "README.md").read_text("utf-8")
HERE, LEAD = "http://127.0.0.1:8080", "infobip-sms conformance "


def find_blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


COMMANDS = [
    line.removeprefix(LEAD)
    for block in find_blocks("sh")
    for line in block.splitlines()
    if line.startswith(LEAD)
]


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give the sandbox that the page's commands check."""
    with running(api_key="KEY") as sandbox:
        yield sandbox


@pytest.fixture(name="folder", scope="module")
def fixture_folder(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, judge_line: Judge
) -> Path:
    """Give a folder with a run in which one requirement failed."""
    folder = tmp_path_factory.mktemp("page")
    sandbox.switch_on("WIN-003")
    words = ("--only", "WIN-003", "--json", str(folder / "failed.json"))
    judge_line.run("server", sandbox.url, *words)
    sandbox.reset()
    return folder


SERVERS = ("server ", "list", "explain ", "coverage", "diff ")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith(SERVERS)])
def test_command_of_the_page_runs(
    judge_line: Judge, sandbox: Sandbox, folder: Path, command: str
) -> None:
    """Every command does what it is shown for; those of a whole run are narrowed to a chapter."""
    failed = re.sub(r"(--rerun-failed|--replay) run\.json", rf"\1 {folder}/failed.json", command)
    words = shlex.split(failed.replace(HERE, sandbox.url).replace('"$KEY"', "KEY"))
    words = [str(folder / word) if word.startswith("run.") else word for word in words]
    narrow = {"--only", "--rerun-failed", "--replay", "--dry-run"}
    if words[0] == "server" and not narrow & set(words):
        words += ["--only", "HTTP-001"]
    run = judge_line.run(*words)

    assert run.code == 0, run.out + run.err
    assert run.out


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(SERVERS)])
def test_other_commands_of_the_page_are_understood(command: str) -> None:
    """The commands that check clients have the options that are shown."""
    name, *arguments = shlex.split(command)

    assert name in {"client", "proxy", "har", "receiver"}
    assert cli.commands[name].make_context(name, arguments).params


def test_client_commands_of_the_page_run(tmp_path: Path) -> None:
    """A sender that does it right passes in the ways that are shown, alone and beside what was asked."""
    asked = str(clients.CLIENTS_DIRECTORY / "expected.json")
    for command in (c for c in COMMANDS if "my_sender" in c and "--scenarios" not in c):
        sender = shlex.join([*clients.COMMAND, "--once"])
        words = shlex.split(command.replace("python my_sender.py", sender))
        words = [asked if word == "request.json" else word for word in words]
        program = [sys.executable, "-m", "infobip_sms_conformance", *words]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout


def test_findings_of_the_page_are_those_that_are_known() -> None:
    """The table of clients names each requirement that the suite finds broken, and no other."""
    known = tomllib.loads((ROOT / "tests" / "peers" / "suite_findings.toml").read_text("utf-8"))
    names = {
        "python-client-3": "infobip-api-python-client` 3.0.3",
        "python-client-4": "infobip-api-python-client` 4.0.0",
        "node-sdk": "@infobip-api/sdk` 0.3.2",
        "python-sdk-5": "infobip-api-python-sdk` 5.0.1",
    }
    table = PAGE.partition("| Client | Finding |")[2].partition("\n\n")[0]
    rows = re.split(r"\n\| (?=\w)", table)
    for name, title in names.items():
        (row,) = [row for row in rows if title in row]
        found = {line[:8] for way in known[name].values() for line in way["found"]}
        found = {line for line in found if re.match(r"[A-Z]+-\d", line)}
        assert {number.ljust(8)[:8] for number in re.findall(r"[A-Z]+-\d{3}", row)} == found


def test_ci_commands_are_understood(judge_line: Judge, sandbox: Sandbox, tmp_path: Path) -> None:
    """The steps for CI are YAML whose command the suite takes, and write the files that they name."""
    block, *_ = find_blocks("yaml")
    command = yaml.safe_load(block)[0]["run"].strip().removeprefix(LEAD)
    words = shlex.split(command.replace(HERE, sandbox.url))
    words = [str(tmp_path / word) if word.startswith("conformance.") else word for word in words]
    run = judge_line.run(*words, "--only", "HTTP-001")

    assert run.code == 0, run.err
    assert len(list(tmp_path.iterdir())) == 5


def test_action_and_gitlab_job_of_the_page_are_understood() -> None:
    """The snippets name inputs that the action has, and options that the command has."""
    _, github, gitlab = map(yaml.safe_load, find_blocks("yaml"))
    action = yaml.safe_load((ROOT / "conformance" / "action.yml").read_text("utf-8"))
    lines = [*action["runs"]["steps"][-1]["run"].splitlines(), *gitlab["conformance"]["script"]]
    script = " ".join(line for line in lines if "my-gateway" not in line)

    assert set(github[0]["with"]) <= set(action["inputs"])
    assert set(re.findall(r"(?<= )--[a-z-]+", script)) <= set(
        re.findall(r"--[a-z-]+", build_help("server"))
    )


def test_project_file_of_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shown table of pyproject.toml has options of the command."""
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("TENANT", "mine")
    (tmp_path / "pyproject.toml").write_text(find_blocks("toml")[0])
    options = {str(parameter.name) for parameter in cli.commands["server"].params}

    assert read_settings(tmp_path, options)["header"] == ["X-Tenant: mine"]


def test_baseline_of_the_page_is_one(tmp_path: Path) -> None:
    """The shown baseline is read."""
    _, block = find_blocks("toml")
    (tmp_path / "known.toml").write_text(block)

    assert len(baseline.read_baseline(tmp_path / "known.toml")) == 1
    assert tomllib.loads(block)["known"][0]["format"] == "xml"


def test_pytest_project_of_the_page_runs(tmp_path: Path, sandbox: Sandbox) -> None:
    """The shown conftest, test and property test make a project that passes."""
    conftest, test, own = find_blocks("python")
    start = (
        "from contextlib import nullcontext\n"
        f"def start_my_server():\n    return nullcontext({sandbox.url!r})\n"
    )
    shortened = conftest.replace(
        'without=["bulks"]', 'without=["bulks"], options=["--only", "HTTP-001"]'
    )
    (tmp_path / "conftest.py").write_text(start + shortened)
    (tmp_path / "test_contract.py").write_text(test)
    (tmp_path / "test_own.py").write_text(own)
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_tables_of_the_page_are_true() -> None:
    """Every verdict, profile and feature is on the page, and every option that it names exists."""
    for verdict in Verdict:
        assert f"| {verdict} | " in PAGE
    for profile in plan.PROFILES:
        assert f"| `{profile}` | " in PAGE
    for feature in plan.FEATURES:
        assert f"`{feature}`" in PAGE
    commands = ("server", "client", "proxy", "har", "receiver")
    known = {o for c in commands for o in re.findall(r"--[a-z][a-z-]+", build_help(c))}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= known
    assert f"at most {plan.MAX_MESSAGES_LIVE} messages to at most {plan.MAX_NUMBERS_LIVE}" in PAGE


def build_help(name: str) -> str:
    """Return the help of a command."""
    command = [sys.executable, "-m", "infobip_sms_conformance", name, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
