"""Generation: both schemas agree, the output is deterministic, and nothing drifts unseen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schema"
DERIVED = {"sms-reader.xsd", "sms-v1.xsd", "sms-v1-reader.xsd"}
GENERATED = ROOT / "generated" / "infobip_sms_schema"


def generate(*arguments: str | Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the generator as make does."""
    command = [sys.executable, str(SCHEMA / "generate.py"), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONHASHSEED": seed}
    )


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, but compiled modules."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if path.suffix != ".pyc"}


def copy_schema(folder: Path) -> Path:
    """Return a copy of the schemas that a test may break."""
    return Path(shutil.copytree(SCHEMA, folder / "schema"))


def test_generated_is_in_step_and_deterministic(tmp_path: Path) -> None:
    """What is committed is what the schemas give, byte for byte, with another hash seed in another folder."""
    assert generate("--target", tmp_path / "out", seed="4711").returncode == 0
    assert read_files(tmp_path / "out") == read_files(GENERATED)


CHANGES: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (
        (
            'maxLength value="200"',
            'maxLength value="201"',
            "Message.callback_data: max_length 200, 201",
        ),
        ("{3,14}", "{3,15}", "Message.from_: pattern "),
        ('maxInclusive value="23"', 'maxInclusive value="24"', "TimeOfDay.hour: maximum 23, 24"),
        ('value="CYRILLIC"', 'value="CYRILIC"', "Transliteration: values "),
        (
            '"processKey" type="xs:string" minOccurs="0"',
            '"processKey" type="xs:string"',
            "Tracking.process_key: required False, True",
        ),
        (
            '"Destination" maxOccurs="unbounded"',
            '"Destination"',
            "Message.destinations: many True, False",
        ),
        ('"flash" type="xs:boolean"', '"flash" type="xs:string"', "Message.flash: type bool, str"),
        ('name="smsResponse"', 'name="SMSResponse"', "root element smsResponse: SmsResponse, None"),
        (
            '<xs:element name="action" type="xs:string" minOccurs="0"/>',
            "",
            "Status.action: only in openapi.yaml",
        ),
    ),
    (
        (
            'name="destination" type',
            'name="receiver" type',
            "Message.destinations: wrapper destination, receiver",
        ),
    ),
)


def change_xsd(folder: Path, *changes: tuple[str, str]) -> Path:
    """Return a copy of the schemas with these replacements in sms.xsd."""
    schema = copy_schema(folder)
    text = (schema / "sms.xsd").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (schema / "sms.xsd").write_text(text, encoding="utf-8")
    return schema


@pytest.mark.parametrize("changes", CHANGES)
def test_every_change_in_one_schema_only_is_named(
    tmp_path: Path, changes: tuple[tuple[str, str, str], ...]
) -> None:
    """Limits, names, types and numbers that differ stop generation before it writes; each is a line."""
    schema = change_xsd(tmp_path, *((old, new) for old, new, _ in changes))
    result = generate("--schema", schema, "--target", tmp_path / "out")
    found = [line.strip() for line in result.stdout.splitlines()[1:]]

    assert result.returncode == 1
    for _, _, difference in changes:
        assert any(line.startswith(difference) for line in found), difference
    assert not (tmp_path / "out").exists()


def test_a_root_element_that_json_does_not_name_is_no_difference(tmp_path: Path) -> None:
    """The type of a root element may change where openapi.yaml says nothing about it."""
    schema = change_xsd(tmp_path, ('type="DeliveryReportsFlat"', 'type="DeliveryReports"'))

    assert generate("--schema", schema, "--target", tmp_path / "out").returncode == 0


def change_openapi(folder: Path, old: str, new: str) -> Path:
    """Return a copy of the schemas with this replacement in openapi.yaml."""
    schema = copy_schema(folder)
    text = (schema / "openapi.yaml").read_text(encoding="utf-8")
    assert old in text
    (schema / "openapi.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return schema


def test_what_openapi_alone_has_or_lacks_is_named(tmp_path: Path) -> None:
    """A limit in openapi.yaml alone is reported, and a known difference that is no longer needed."""
    line = "          maxLength: 200\n"
    schema = change_openapi(tmp_path, line, f"{line}          minLength: 3\n")
    text = (schema / "openapi.yaml").read_text(encoding="utf-8")
    last = "            items: {type: string}\n"
    start, end = text.index("        validationErrors:"), text.rindex(last) + len(last)
    (schema / "openapi.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    result = generate("--schema", schema, "--target", tmp_path / "out")

    assert result.returncode == 1
    assert "Message.callback_data: min_length 3, None" in result.stdout
    assert (
        "ErrorDetails.validation_errors: only in openapi.yaml: known difference that no longer exists"
        in result.stdout
    )


def test_a_limit_that_models_cannot_hold_stops_generation(tmp_path: Path) -> None:
    """A kind of limit that the models cannot hold is no silent loss."""
    line = "          x-item-requirement: WIN-003\n"
    schema = change_openapi(tmp_path, line, f"{line}          uniqueItems: true\n")
    result = generate("--schema", schema, "--target", tmp_path / "out")

    assert result.returncode == 1
    assert "unexpected keyword argument" in result.stderr


def test_drift_is_seen_both_ways(tmp_path: Path) -> None:
    """A file that is missing, left over or changed makes the check fail and is named."""
    target = Path(shutil.copytree(GENERATED, tmp_path / "out"))
    (target / "scalars.py").unlink()
    (target / "left_over.py").write_text("", encoding="utf-8")
    with (target / "models.py").open("a", encoding="utf-8") as models:
        models.write("# edited\n")
    result = generate("--check", "--target", target)

    assert result.returncode == 1
    assert [line.strip() for line in result.stdout.splitlines()[1:]] == [
        "differs: models.py",
        "missing: scalars.py",
        "orphan: left_over.py",
    ]


def test_line_1_of_each_generated_module_says_so() -> None:
    """Every generated module begins with the mark; the data beside them are byte copies of schema/."""
    modules = sorted(GENERATED.glob("*.py"))

    assert modules
    assert all(
        m.read_text(encoding="utf-8").startswith("# Generated by schema/generate.py")
        for m in modules
    )
    for copy in (GENERATED / "data").rglob("*.*"):
        source = SCHEMA / copy.relative_to(GENERATED / "data")
        assert copy.name in DERIVED or copy.read_bytes() == source.read_bytes()
