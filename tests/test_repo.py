"""The repository keeps its own rules: arrows, names, sizes, and facts that refer to each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import infobip_sms

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "infobip_sms"
JUDGE = ROOT / "conformance" / "infobip_sms_conformance"
SCHEMA_PACKAGE = "infobip_sms_schema"

# Module -> modules of the binding that it may import; every one may import what is generated.
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "alphabets": set(),
    "text": {"alphabets", "errors"},
    "rules": {"errors"},
    "structure": {"converters"},
    "converters": {"rules"},
    "wire_json": {"errors", "rules", "structure"},
    "xml_text": {"errors"},
    "xml_by_schema": {"errors", "rules", "structure", "xml_text"},
    "wire_xml": {"errors", "xml_by_schema", "xml_text"},
    "media": {"errors", "wire_json", "wire_xml", "xml_by_schema"},
    "exchange": {"errors", "media", "rules", "structure"},
    "reports": {"media"},
    "outcomes": {"errors"},
    "journal": {"errors", "outcomes"},
    "reconciling": {"outcomes"},
    "delivery": {"errors", "journal", "outcomes", "reconciling", "retries"},
    "volume": {"delivery", "journal", "outcomes", "structure"},
    "operations": {"delivery", "exchange", "media", "outcomes", "reconciling", "volume"},
    "retries": {"errors"},
    "addresses": {"errors"},
    "connections": {"addresses", "errors", "exchange", "retries"},
    "client": {
        "addresses",
        "connections",
        "errors",
        "exchange",
        "media",
        "operations",
        "retries",
    },
    "__init__": {
        "client",
        "errors",
        "exchange",
        "journal",
        "outcomes",
        "reconciling",
        "reports",
        "retries",
        "text",
    },
    "demo": {"__init__", "media"},
    "sandbox/__init__": {"sandbox/local"},
    "sandbox/protocol": {"media"},
    "sandbox/settings": set(),
    "sandbox/statement": {"sandbox/settings"},
    "sandbox/catalogue": set(),
    "sandbox/fates": {"sandbox/catalogue"},
    "sandbox/instants": set(),
    "sandbox/windows": set(),
    "sandbox/state": {"media", "sandbox/fates"},
    "sandbox/life": {"sandbox/catalogue", "sandbox/instants", "sandbox/state", "sandbox/windows"},
    "sandbox/entries": {"sandbox/catalogue", "sandbox/settings", "sandbox/state"},
    "sandbox/pushes": {
        "addresses",
        "media",
        "sandbox/entries",
        "sandbox/instants",
        "sandbox/settings",
        "sandbox/state",
    },
    "sandbox/records": {"media", "sandbox/fates", "sandbox/state"},
    "sandbox/store": {"sandbox/records", "sandbox/state"},
    "sandbox/retention": {"sandbox/state"},
    "sandbox/engine": {
        "sandbox/life",
        "sandbox/pushes",
        "sandbox/retention",
        "sandbox/settings",
        "sandbox/state",
    },
    "sandbox/texts": {"text"},
    "sandbox/sending": {
        "sandbox/catalogue",
        "sandbox/fates",
        "sandbox/instants",
        "sandbox/life",
        "sandbox/settings",
        "sandbox/state",
        "sandbox/texts",
    },
    "sandbox/rejecting": {"sandbox/catalogue", "sandbox/sending", "structure"},
    "sandbox/lookups": {
        "sandbox/catalogue",
        "sandbox/entries",
        "sandbox/sending",
        "sandbox/settings",
        "sandbox/state",
    },
    "sandbox/bulks": {
        "sandbox/catalogue",
        "sandbox/instants",
        "sandbox/life",
        "sandbox/protocol",
        "sandbox/sending",
        "sandbox/settings",
        "sandbox/state",
    },
    "sandbox/tracking": {"sandbox/protocol", "sandbox/sending", "sandbox/state"},
    "sandbox/routes": {"sandbox/protocol", "sandbox/settings", "structure"},
    "sandbox/app": {
        "media",
        "sandbox/bulks",
        "sandbox/engine",
        "sandbox/instants",
        "sandbox/lookups",
        "sandbox/protocol",
        "sandbox/rejecting",
        "sandbox/routes",
        "sandbox/sending",
        "sandbox/settings",
        "sandbox/state",
        "sandbox/texts",
        "sandbox/tracking",
        "sandbox/windows",
    },
    "sandbox/faults_requests": {"media", "sandbox/routes", "sandbox/sending"},
    "sandbox/faults_replies": {"sandbox/catalogue", "sandbox/protocol", "sandbox/sending"},
    "sandbox/faults_late": {
        "media",
        "sandbox/catalogue",
        "sandbox/instants",
        "sandbox/life",
        "sandbox/pushes",
        "sandbox/sending",
        "sandbox/state",
    },
    "sandbox/faults_lookups": {"sandbox/app", "sandbox/protocol", "sandbox/sending"},
    "sandbox/faults": {
        "media",
        "sandbox/app",
        "sandbox/faults_late",
        "sandbox/faults_lookups",
        "sandbox/faults_replies",
        "sandbox/faults_requests",
        "sandbox/protocol",
        "sandbox/pushes",
        "sandbox/routes",
        "sandbox/sending",
        "sandbox/settings",
        "sandbox/state",
    },
    "sandbox/push": {"sandbox/pushes"},
    "sandbox/recorder": {"sandbox/protocol"},
    "sandbox/pretty": set(),
    "sandbox/views": {
        "sandbox/catalogue",
        "sandbox/fates",
        "sandbox/pretty",
        "sandbox/recorder",
        "sandbox/state",
        "sandbox/statement",
        "sandbox/switches",
        "text",
    },
    "sandbox/inbox": {
        "sandbox/guard",
        "sandbox/protocol",
        "sandbox/recorder",
        "sandbox/settings",
        "sandbox/state",
        "sandbox/statement",
        "sandbox/switches",
        "sandbox/views",
    },
    "sandbox/clock": {"sandbox/instants"},
    "sandbox/guard": {"addresses", "sandbox/protocol"},
    "sandbox/switches": {
        "sandbox/app",
        "sandbox/faults",
        "sandbox/protocol",
        "sandbox/settings",
    },
    "sandbox/search": {
        "sandbox/catalogue",
        "sandbox/entries",
        "sandbox/settings",
        "sandbox/state",
        "structure",
    },
    "sandbox/control": {
        "sandbox/catalogue",
        "sandbox/clock",
        "sandbox/faults",
        "sandbox/guard",
        "sandbox/instants",
        "sandbox/protocol",
        "sandbox/search",
        "sandbox/state",
        "sandbox/switches",
    },
    "sandbox/timekeeping": {
        "sandbox/clock",
        "sandbox/engine",
        "sandbox/push",
        "sandbox/pushes",
        "sandbox/state",
        "sandbox/store",
        "sandbox/switches",
    },
    "sandbox/shell": {
        "sandbox/app",
        "sandbox/clock",
        "sandbox/control",
        "sandbox/engine",
        "sandbox/inbox",
        "sandbox/recorder",
        "sandbox/store",
        "sandbox/switches",
        "sandbox/timekeeping",
    },
    "sandbox/incoming": {"media"},
    "sandbox/serve": {
        "sandbox/app",
        "sandbox/clock",
        "sandbox/incoming",
        "sandbox/shell",
        "sandbox/state",
        "sandbox/store",
    },
    # runs it all in the process of a test, and gives that a client
    "sandbox/local": {
        "__init__",
        "sandbox/app",
        "sandbox/clock",
        "sandbox/control",
        "sandbox/search",
        "sandbox/serve",
        "sandbox/settings",
        "sandbox/shell",
        "sandbox/state",
        "structure",
    },
    "pytest_plugin": {"sandbox/__init__"},
    "listen": {"errors", "reports"},
    # the command line: what all commands have, then each family of commands
    "commands/__init__": set(),
    "commands/program": set(),
    "commands/values": {"__init__"},
    "commands/output": {"__init__", "wire_json"},
    "commands/rows": {"__init__", "commands/output"},
    "commands/reading": {"commands/program"},
    "commands/dry_run": {"__init__", "commands/output", "commands/program", "exchange"},
    "commands/failures": {"__init__", "addresses", "commands/output", "commands/program"},
    "commands/settings": {
        "__init__",
        "client",
        "commands/dry_run",
        "commands/failures",
        "commands/program",
        "commands/values",
        "media",
    },
    "commands/questions": {"__init__", "addresses"},
    "commands/message": {"__init__", "commands/settings", "commands/values", "structure"},
    "commands/spreadsheet": {"__init__", "commands/message", "commands/program"},
    "commands/tally": {
        "commands/failures",
        "commands/output",
        "commands/program",
        "outcomes",
    },
    "commands/bulk": {
        "__init__",
        "commands/output",
        "commands/program",
        "commands/questions",
        "commands/settings",
        "commands/spreadsheet",
        "commands/tally",
        "outcomes",
        "structure",
    },
    "commands/documents": {"__init__", "media"},
    "commands/send": {
        "__init__",
        "commands/bulk",
        "commands/documents",
        "commands/failures",
        "commands/message",
        "commands/output",
        "commands/program",
        "commands/questions",
        "commands/reading",
        "commands/settings",
        "commands/spreadsheet",
        "commands/values",
        "media",
    },
    "commands/lookups": {
        "__init__",
        "commands/message",
        "commands/output",
        "commands/program",
        "commands/reading",
        "commands/rows",
        "commands/settings",
        "commands/values",
    },
    "commands/scheduled": {
        "__init__",
        "commands/output",
        "commands/program",
        "commands/settings",
        "commands/values",
    },
    "commands/listening": {
        "__init__",
        "commands/output",
        "commands/program",
        "commands/rows",
        "listen",
    },
    "commands/servers": {"commands/program", "demo"},
    "commands/sandboxing": {
        "commands/output",
        "commands/program",
        "commands/servers",
        "commands/settings",
        "sandbox/app",
        "sandbox/clock",
        "sandbox/faults",
        "sandbox/serve",
        "sandbox/settings",
        "sandbox/statement",
        "sandbox/store",
    },
    "cli": {
        "commands/listening",
        "commands/lookups",
        "commands/program",
        "commands/sandboxing",
        "commands/scheduled",
        "commands/send",
        "commands/servers",
    },
    "__main__": {"cli"},
}


def read_toml(name: str) -> dict[str, Any]:
    """Return a TOML file of schema/."""
    return tomllib.loads((ROOT / "schema" / name).read_text(encoding="utf-8"))


REQUIREMENTS = read_toml("requirements.toml")
IDS = {row["id"] for row in REQUIREMENTS["requirement"]}
READINGS = {row["id"] for row in REQUIREMENTS["reading"]}


def find_imports(path: Path, package: str) -> set[str]:
    """Return the full names of what a module imports, at any depth of its syntax tree."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*parents, *filter(None, [node.module])]) if node.level else node.module
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def find_own_modules(path: Path) -> set[str]:
    """Return the modules of the binding that a module of it imports."""
    package = ".".join(["infobip_sms", *path.relative_to(SRC).parts[:-1]])
    found = set()
    for name in find_imports(path, package):
        parts = name.split(".")
        if parts[0] != "infobip_sms":
            continue
        options = ["/".join(parts[1:]), "/".join(parts[1:-1]), "/".join([*parts[1:-1], "__init__"])]
        module = next((o for o in options if o and (SRC / f"{o}.py").exists()), "__init__")
        found.add(module)
    return found


MODULES = sorted(str(p.relative_to(SRC).with_suffix("")) for p in SRC.rglob("*.py"))


def test_every_module_has_its_place_in_the_table() -> None:
    """No module of the binding stands outside the table of arrows, and no row outside the binding."""
    assert set(MODULES) == set(ARROWS)


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_along_the_arrows(module: str) -> None:
    """A module imports what the table allows, also inside functions and under TYPE_CHECKING."""
    assert find_own_modules(SRC / f"{module}.py") - ARROWS[module] == set()


def test_the_table_has_no_cycle() -> None:
    """The arrows lead one way."""
    settled: set[str] = set()
    while left := {m for m in ARROWS if m not in settled}:
        ready = {m for m in left if ARROWS[m] <= settled}
        assert ready, left
        settled |= ready


def test_only_connections_and_serve_open_connections() -> None:
    """Of the binding, connections.py alone can open a connection, serve.py and listen.py can listen.

    addresses.py has urllib3's parser of URLs, and client.py a type. The sandbox's push.py brings
    reports to callback servers, its local.py asks it for control.
    """
    network = {"urllib3", "socket", "http", "ssl"}
    words_only = {"http.HTTPStatus"}
    users = {
        module: {
            name.split(".")[0]
            for name in find_imports(SRC / f"{module}.py", "infobip_sms") - words_only
        }
        & network
        for module in MODULES
    }

    assert {m: n for m, n in users.items() if n} == {
        "addresses": {"urllib3"},
        "client": {"ssl"},
        "connections": {"urllib3", "socket", "http", "ssl"},
        "listen": {"socket", "http"},
        "sandbox/local": {"http"},
        "sandbox/push": {"urllib3"},
        "sandbox/serve": {"socket"},
    }


def test_the_judge_imports_nothing_of_what_it_judges() -> None:
    """No module of the conformance suite imports the binding or what is generated."""
    modules = list(JUDGE.rglob("*.py"))
    roots = {n.split(".")[0] for m in modules for n in find_imports(m, "infobip_sms_conformance")}

    assert len(modules) > 5
    assert roots.isdisjoint({"infobip_sms", SCHEMA_PACKAGE})


def test_generated_code_imports_nothing_of_ours() -> None:
    """What is generated uses attrs and the standard library."""
    folder = ROOT / "generated" / SCHEMA_PACKAGE
    roots = {n.split(".")[0] for m in folder.glob("*.py") for n in find_imports(m, SCHEMA_PACKAGE)}

    assert roots.isdisjoint({"infobip_sms", "infobip_sms_conformance"})


def test_import_loads_neither_xmlschema_nor_any_extra() -> None:
    """Importing the package loads no XML library, no orjson and nothing of an extra."""
    heavy = (
        "xmlschema elementpath lxml orjson anyascii click rich starlette uvicorn hypothesis pytest"
    )
    code = f"import infobip_sms, sys; print([m for m in {heavy.split()} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_the_table_of_contents_is_what_can_be_seen() -> None:
    """Every public name of the package is in __all__, and nothing else is."""
    modules = {m for m in MODULES if "/" not in m} | {"commands", "sandbox"}
    own = ("_", "@")  # @ is pytest's, which rewrites the package of every plugin
    machinery = {"annotations", "import_module", "TYPE_CHECKING", "Any"}
    seen = {n for n in dir(infobip_sms) if not n.startswith(own)} - modules - machinery
    promised = {
        name.rpartition(".")[2]
        for name in find_imports(SRC / "__init__.py", "infobip_sms")
        if name.startswith(("infobip_sms.", f"{SCHEMA_PACKAGE}."))
    }

    assert seen == promised == set(infobip_sms.__all__)
    assert all(getattr(infobip_sms, name) is not None for name in infobip_sms.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        infobip_sms.nothing  # noqa: B018 - that it is not there


@pytest.mark.parametrize(
    "path",
    sorted([*SRC.rglob("*.py"), *JUDGE.rglob("*.py"), *(ROOT / "schema").rglob("*.py")]),
    ids=str,
)
def test_modules_are_small_and_say_what_they_are(path: Path) -> None:
    """No module has more than 400 lines, no function more than 40, and each opens with its rules."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 40]

    assert text.count("\n") <= 400
    assert long == []
    assert ast.get_docstring(tree), "a module says what it is"


def test_requirement_ids_that_are_named_exist() -> None:
    """An id in code, schemas or cases is an id of requirements.toml."""
    pattern = re.compile(
        r"\b(?:SEND|WIN|VAL|SCHED|RESP|HTTP|AUTH|ERR|TEXT|XML|DLR|LOG|PREV|BULK|TRACK|V1|READ)-\d{3}\b"
    )
    files = [
        *SRC.rglob("*.py"),
        *JUDGE.rglob("*.py"),
        *(ROOT / "schema").glob("*.*"),
        ROOT / "README.md",
    ]
    named = {i for f in files for i in pattern.findall(f.read_text(encoding="utf-8"))}

    assert named - IDS - READINGS == set()


def test_requirements_are_complete() -> None:
    """Every requirement has its level, wording, source, kind of proof, and a reason if it is not judged."""
    for row in REQUIREMENTS["requirement"]:
        assert row["level"] in {"MUST", "SHOULD", "MAY"}
        assert row["seen"] in {"documentation", "recorded traffic", "later vendor spec"}
        assert row["judged"] in {"exchange", "client", "time", "push", "session", "never"}
        assert row["text"].endswith(".")
        assert row["source"]
        assert (row["judged"] == "exchange") == ("why" not in row)
        assert row.get("reading", "READ-001") in READINGS
    assert len(IDS) == len(REQUIREMENTS["requirement"])


def test_readings_are_complete() -> None:
    """Every reading names its outcomes, which of them is ours, why, and the source."""
    for row in REQUIREMENTS["reading"]:
        assert len(row["outcomes"]) > 1
        assert row["question"].endswith("?")
        assert all(row[member] for member in ("ours", "why", "source"))


def test_every_status_has_a_group_and_a_source() -> None:
    """Rows of the catalogue refer to groups that exist and say where they are from."""
    catalogue = read_toml("statuses.toml")
    for rows, groups in (("status", "group"), ("error", "error_group")):
        known = {group["id"] for group in catalogue[groups]}
        for row in catalogue[rows]:
            assert row["group"] in known
            assert row["source"]
            assert row["seen"] in {"documentation", "recorded traffic", "later vendor spec"}
    assert len({row["id"] for row in catalogue["status"]}) == len(catalogue["status"])


def test_cases_have_permanent_ids_and_existing_examples() -> None:
    """Every case has an id of its own, one edit, an example and a requirement."""
    cases = read_toml("cases.toml")
    rows = [*cases["refused"], *cases["accepted"]]

    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert (ROOT / "schema" / "examples" / f"{row['example']}.json").exists()
        assert row["requirement"] in IDS
        assert len({"set", "remove", "repeat"} & row.keys()) == 1


def test_numbers_of_the_schemas_do_not_stand_in_the_binding() -> None:
    """No limit of the contract is repeated in src/: 2880, 200 characters, 14 digits, 11 characters."""
    found = {
        (str(path.relative_to(ROOT)), node.value)
        for path in SRC.rglob("*.py")
        if path.name != "faults_requests.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in (2880, 11, 14, 23, 59)
    }

    assert found == set()


def test_wire_spelling_stands_in_the_schemas_only() -> None:
    """No member is spelled as on the wire in the binding, but where a fault reads a broken request."""
    wire = {
        "messageId",
        "bulkId",
        "sendAt",
        "callbackData",
        "notifyUrl",
        "validityPeriod",
        "groupId",
    }
    found = {
        (path.name, node.value)
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in wire
    }

    assert found == {("faults_requests.py", "messageId"), ("faults_requests.py", "bulkId")}
