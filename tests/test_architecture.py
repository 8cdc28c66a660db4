"""The repository keeps its own rules: arrows, names, sizes, and facts that refer to each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

import infobip_sms

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "infobip_sms"
SUITE = ROOT / "conformance" / "infobip_sms_conformance"
SCHEMA_PACKAGE = "infobip_sms_schema"


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


# Who may import whom: a package or module may import what is listed in the lines above its own.
# Names in one line do not import each other. What is generated may be imported everywhere.
LAYERS = {
    "infobip_sms": """
        advice | requirements | arguments
        errors | rules
        auth
        text | codecs | transport | sqlite_file
        masking
        sandbox.config | sandbox.clock
        sandbox.state
        sandbox.lifecycle
        sandbox.api
        sandbox.mutants
        sandbox.admin
        sandbox.runtime
        exchange | webhooks | send_many
        operations | webhook_server | webhook_forwarder
        client_settings
        client
        otel | async_client
        __init__
        sandbox.testing
        sandbox
        pytest_plugin | cli.base
        cli.send
        cli
        __main__
    """,
    "infobip_sms_conformance": """
        __init__ | errors
        contract
        transport
        observations
        fixtures | sanitization
        session
        checks.support
        checks
        run | client_checks
        reporting
        client_run | receiver_run
        cli | testing
        __main__ | pytest_plugin
    """,
}
FOLDERS = {"infobip_sms": SRC, "infobip_sms_conformance": SUITE}


def get_place(module: str, places: dict[str, int]) -> str:
    """Return the row of the table that covers a module: its own name, or the nearest package."""
    parts = module.split(".")[1:] or ["__init__"]
    for length in range(len(parts), 0, -1):
        if (place := ".".join(parts[:length])) in places:
            return place
    assert len(parts) == 1, f"{module} has no place in the table"
    return "__init__"


def list_package_imports(root: str) -> set[tuple[str, str]]:
    """Return which place imports which, of one of the two packages."""
    rows = [line.split(" | ") for line in LAYERS[root].split("\n") if line.strip()]
    places = {place.strip(): level for level, row in enumerate(rows) for place in row}
    found = set()
    for path in FOLDERS[root].rglob("*.py"):
        module = ".".join([root, *path.relative_to(FOLDERS[root]).with_suffix("").parts])
        package = module.rpartition(".")[0]
        for name in find_imports(path, package):
            if name.split(".")[0] == root:
                source = module.removesuffix(".__init__")
                found.add((get_place(source, places), get_place(name, places)))
    return {(a, b) for a, b in found if a != b}


@pytest.mark.parametrize("root", LAYERS)
def test_packages_import_only_what_is_above_them(root: str) -> None:
    """No import leads to a package of the same line or of a line below, also not inside functions."""
    rows = [line.split(" | ") for line in LAYERS[root].split("\n") if line.strip()]
    levels = {place.strip(): level for level, row in enumerate(rows) for place in row}

    assert {(a, b) for a, b in list_package_imports(root) if levels[b] >= levels[a]} == set()
    assert len(list_package_imports(root)) > 20


MODULES = sorted(str(p.relative_to(SRC).with_suffix("")) for p in SRC.rglob("*.py"))


def test_only_connections_and_serve_open_connections() -> None:
    """Of the binding, connections.py alone can open a connection, serve.py and listen.py can listen.

    connection_failures.py has their errors.
    urls.py has urllib3's parser of URLs, responses.py reads what a connection received, client.py, client_settings.py and
    async_client.py have a type. The sandbox brings reports to callback servers, and its testing.py asks
    it for control.
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
        "transport/urls": {"urllib3"},
        "transport/connection_failures": {"http", "socket", "ssl"},
        "client": {"ssl"},
        "client_settings": {"ssl"},
        "async_client": {"ssl"},
        "transport/cancellation": {"socket"},
        "transport/connections": {"urllib3", "socket", "http", "ssl"},
        "transport/responses": {"urllib3", "http"},
        "webhook_server": {"socket"},
        "sandbox/testing": {"http"},
        "sandbox/runtime/webhook_sender": {"socket", "ssl"},
        "sandbox/runtime/outgoing_connections": {"socket", "ssl"},
        "sandbox/runtime/server": {"socket"},
    }


def test_the_judge_imports_nothing_of_what_it_judges() -> None:
    """No module of the conformance suite imports the binding or what is generated."""
    modules = list(SUITE.rglob("*.py"))
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


def test_help_lists_the_fields_of_every_result() -> None:
    """help() of a public class that is not generated names each of its fields, as a line of its own."""
    hidden = {"username", "password", "key", "token"}  # said by the names of their classes
    missing = []
    for name in infobip_sms.__all__:
        cls = getattr(infobip_sms, name)
        if isinstance(cls, type) and attrs.has(cls) and cls.__base__ is object:
            fields = {f.name for f in attrs.fields(cls) if not f.name.startswith("_")} - hidden
            missing += [f"{name}.{f}" for f in fields if f"\n    {f}: " not in (cls.__doc__ or "")]
    assert missing == []


def test_the_table_of_contents_is_what_can_be_seen() -> None:
    """Every public name of the package is in __all__, and nothing else is."""
    seen = {name for name in dir(infobip_sms) if not name.startswith("__")}
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
    sorted([*SRC.rglob("*.py"), *SUITE.rglob("*.py"), *(ROOT / "schema").rglob("*.py")]),
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
        r"\b(?:SEND|WIN|VAL|SCHED|RESP|HTTP|AUTH|ERR|TEXT|XML|DLR|LOG|PREV|BULK|TRACK|V1|RCV|READ)-\d{3}\b"
    )
    files = [
        *SRC.rglob("*.py"),
        *SUITE.rglob("*.py"),
        *(ROOT / "schema").glob("*.*"),
        ROOT / "README.md",
    ]
    named = {i for f in files for i in pattern.findall(f.read_text(encoding="utf-8"))}

    assert named - IDS - READINGS == set()


def test_requirements_are_complete() -> None:
    """Every requirement has its level, wording, source, kind of proof, and a reason if it is not checked."""
    for row in REQUIREMENTS["requirement"]:
        assert row["level"] in {"MUST", "SHOULD", "MAY"}
        assert row["seen"] in {"documentation", "recorded traffic", "later vendor spec"}
        assert row["observable"] in {
            "exchange",
            "client",
            "time",
            "push",
            "session",
            "receiver",
            "never",
        }
        assert row["text"].endswith(".")
        assert row["source"]
        assert (row["observable"] in {"exchange", "receiver"}) == ("why" not in row)
        assert (row["observable"] == "receiver") == (row.get("binds") == "receiver")
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
    rows = [*cases["rejected"], *cases["accepted"]]

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
        if path.relative_to(SRC).as_posix() != "sandbox/mutants/requests.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in (2880, 11, 14, 23, 59)
    }

    assert found == set()


def test_wire_spelling_stands_in_the_schemas_only() -> None:
    """No field is spelled as on the wire in the binding, but where a fault reads a broken request."""
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
        (path.relative_to(SRC).as_posix(), node.value)
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in wire
    }

    assert found == {
        ("sandbox/mutants/requests.py", "messageId"),
        ("sandbox/mutants/requests.py", "bulkId"),
    }


RETIRED = re.compile(
    r"\b(judges?|judged|judging|the bill|fates?|repl(?:y|ies)|refus(?:e|es|ed|al|als|ing)|wants|strangers?"
    r"|liars?|outsiders?|errands?|clerks?|troubles?|made if missing|members?|legal|what becomes? of"
    r"|what became of)\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(
    r"connection (?:was )?refused|refused the connection"  # the system's own words for it
    r"|--refuse",  # an option of the sandbox
    re.IGNORECASE,
)


def list_own_files(name: str) -> list[Path]:
    """Return the files of the project with a name, without what other targets install and build."""
    folders = ("src", "generated", "conformance", "schema", "tests")
    return [*ROOT.glob(name), *(path for folder in folders for path in (ROOT / folder).rglob(name))]


def list_prose() -> list[tuple[Path, str]]:
    """Return every text that a user may read: pages, requirements, and strings with a blank in the code."""
    found = [(p, p.read_text(encoding="utf-8")) for p in list_own_files("README.md")]
    found += [
        (p, re.sub(r"<[^>]*>|\{[{%].*?[}%]\}", "", p.read_text(encoding="utf-8")))
        for folder in (SRC, SUITE)
        for p in folder.rglob("*.html")
    ]
    rows = [*REQUIREMENTS["requirement"], *REQUIREMENTS["reading"]]
    texts = [str(v) for row in rows for v in row.values() if " " in str(v)]
    found += [(ROOT / "schema" / "requirements.toml", text) for text in texts]
    for path in (*SRC.rglob("*.py"), *SUITE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                found.append((path, node.value))
    return found


def test_no_retired_word_is_in_a_text_that_a_user_reads() -> None:
    """The words of the field are used: response, field, rejected, check, plan, allowed."""
    texts = list_prose()
    used = [
        (str(path.relative_to(ROOT)), RETIRED.findall(ALLOWED.sub("", text)), text[:60])
        for path, text in texts
    ]

    assert len(texts) > 2000
    assert [row for row in used if row[1]] == []


def test_every_module_that_a_text_names_exists() -> None:
    """A file name in a docstring or comment of the product is that of a file."""
    known = {p.name for p in list_own_files("*.py")}
    examples = {"test_contract.py", "_xsd.py", "program.py"}  # of a user, or made for a moment
    dead = {
        (str(path.relative_to(ROOT)), name)
        for folder in (SRC, SUITE, ROOT / "schema")
        for path in folder.rglob("*.py")
        for name in re.findall(
            r"(?<![\w/.-])(?:[\w/]*/)?(\w+\.py)\b", path.read_text(encoding="utf-8")
        )
        if name not in known | examples
    }

    assert dead == set()
