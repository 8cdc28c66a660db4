"""The requirements that errors name are explained, with and without the command line's extra."""

from __future__ import annotations

import json
import re
import sys

import pytest

import infobip_sms.__main__ as program
from infobip_sms import InvalidRequestError, Message, explain
from infobip_sms.cli import cli
from infobip_sms.requirements import find_requirement
from tests.test_architecture import IDS, READINGS


@pytest.mark.parametrize("requirement_id", sorted(IDS | READINGS))
def test_every_id_is_explained(requirement_id: str) -> None:
    """Wording or question, and the source, are there; PAGE has its title and address."""
    shown = explain(requirement_id)

    assert shown.startswith(requirement_id)
    assert "  Source " in shown
    if "PAGE" in shown:
        assert "Send fully-featured textual message: https://dev-old.infobip.com/send-sms/" in shown
    if requirement_id in IDS:
        assert "  Checked " in shown


def test_send_008_is_explained_with_values() -> None:
    """The id at the end of a message leads to a valid and an invalid value."""
    with pytest.raises(InvalidRequestError) as caught:
        Message(destinations="nobody")
    (requirement_id,) = re.findall(r"\(([A-Z]+-\d+)\)$", str(caught.value))
    lines = explain(requirement_id).splitlines()

    assert lines[0] == "SEND-008  MUST"
    assert '  Valid     messages[0].destinations[0].to = "41793026727"' in lines
    assert '  Invalid   messages[0].destinations[0].to = "nobody"' in lines
    assert "  Checked   by this client, before it sends" in lines


@pytest.mark.parametrize("typo", ["SEND-08", "SEN-008", "SEND008", "send_008"])
def test_a_typo_gets_suggestions(typo: str) -> None:
    """The nearest ids are named."""
    with pytest.raises(KeyError, match=r"did you mean .*SEND-008"):
        explain(typo)


def test_the_command_needs_no_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without click the same is printed, and an unknown id ends with 3."""
    monkeypatch.setitem(sys.modules, "click", None)
    for name in [name for name in sys.modules if name.startswith("infobip_sms.cli")]:
        monkeypatch.delitem(sys.modules, name)
    for words, code in (["send-008"], 0), (["SEND-08"], 3), ([], 3):
        monkeypatch.setattr(sys, "argv", ["infobip-sms", "explain", *words])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert ended.value.code == code
    printed = capsys.readouterr()
    assert printed.out.strip() == explain("SEND-008")
    assert "did you mean" in printed.err


def test_the_command_prints_text_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Several ids one after the other; --json has the same as fields."""
    assert cli(["explain", "SEND-008", "READ-001"], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert shown == f"{explain('SEND-008')}\n\n{explain('READ-001')}\n"
    assert cli(["explain", "SEND-008", "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out) == find_requirement("SEND-008")
    assert cli(["explain", "SEND-08"], standalone_mode=False) == 3
