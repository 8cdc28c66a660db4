"""Options of a project file, and what a server behind a gateway needs: header fields, tokens, trusted hosts."""

from pathlib import Path

import pytest
from infobip_sms_conformance.cli.settings import read_settings
from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.annotations import format_annotations
from infobip_sms_conformance.reporting.summary import RequirementFailure
from infobip_sms_conformance.run.result import SanitizedFinding
from infobip_sms_conformance.transport.credentials import read_token
from infobip_sms_conformance.transport.http import TargetError, parse_target

from infobip_sms.sandbox import running
from tests.conformance.runs_in_process import Judge

OPTIONS = {"url", "api_key", "only", "live", "seed"}
KEY = "key-of-the-project-file"


def test_project_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of pyproject.toml is read, with variables; conformance.toml goes before it."""
    monkeypatch.setenv("SMS_KEY", KEY)
    project = '[tool.infobip-sms.conformance]\napi-key = "a${SMS_KEY}"\nonly = ["RESP"]\nseed = 5\n'
    (tmp_path / "pyproject.toml").write_text(project)

    assert read_settings(tmp_path, OPTIONS) == {"api_key": f"a{KEY}", "only": ["RESP"], "seed": 5}
    (tmp_path / "conformance.toml").write_text('url = "http://127.0.0.1:1"\n')
    assert read_settings(tmp_path, OPTIONS) == {"url": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "there is no option colour"),
        ("live = true", "live: only on the command line"),
        ('api-key = "${NOT_SET_AT_ALL}"', "the environment variable NOT_SET_AT_ALL is not set"),
        ("url", "expected TOML"),
    ],
)
def test_faulty_file_is_wrong_usage(tmp_path: Path, text: str, said: str) -> None:
    """An unknown option, one that is given each time, and a variable that is not set are named."""
    (tmp_path / "conformance.toml").write_text(text)

    with pytest.raises(UsageError, match=said):
        read_settings(tmp_path, OPTIONS)


def test_pyproject_of_something_else_is_ignored(tmp_path: Path) -> None:
    """A pyproject.toml without the table, or that is not TOML, has no settings."""
    for text in ("[tool.other]", "=", "tool = 1"):
        (tmp_path / "pyproject.toml").write_text(text)
        assert read_settings(tmp_path, OPTIONS) == {}


def test_token_command_is_run_again_after_a_401(judge_line: Judge, tmp_path: Path) -> None:
    """An expired token is replaced by a new one; the run goes on, and neither is in the output."""
    command = tmp_path / "token.sh"
    command.write_text(
        f"if [ -e {tmp_path}/seen ]; then echo App {KEY}; else echo App expired; fi\ntouch {tmp_path}/seen\n"
    )
    header = ("--header", "X-Tenant: tenant-of-the-tests")
    with running(api_key=KEY) as sandbox:
        run = judge_line.run(
            "server", sandbox.url, "--token-command", f"sh {command}", *header, "--only", "RESP-001"
        )

    assert run.code == 0, run.out + run.err
    assert KEY not in run.out
    assert "tenant-of-the-tests" not in run.out


def test_failing_token_command_is_wrong_usage(tmp_path: Path) -> None:
    """A command that fails or prints no token is named without what it printed."""
    for command in ("false", "echo a b c", "printf ''", str(tmp_path / "none"), "'"):
        with pytest.raises(UsageError, match="--token-command"):
            read_token(command)
    assert read_token("echo abc") == "Bearer abc"


def test_http_to_another_host_is_for_trusted_ones() -> None:
    """Credentials travel over http to the hosts that are named, and to no others."""
    with pytest.raises(TargetError, match="--trust-http sandbox"):
        parse_target("http://sandbox:8080", live=True, trust_http=["gateway"])
    assert parse_target("http://sandbox:8080", live=True, trust_http=["sandbox"]).port == 8080


def test_annotations_are_one_line_each() -> None:
    """What a workflow command would take for its own end is escaped."""
    failure = RequirementFailure(
        read_requirements()["SEND-010"],
        Verdict.FAIL,
        ("json", "xml"),
        SanitizedFinding("SEND-010", "json", "", Verdict.FAIL, expected="HTTP 400", got="100 %\r"),
        (),
    )
    (line,) = format_annotations([failure])

    assert line.startswith("::error title=SEND-010 in json and xml::flash is")
    assert line.endswith("%0Aexpected HTTP 400%0Agot 100 %25%0D")
