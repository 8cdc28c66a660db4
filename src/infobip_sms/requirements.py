"""The requirements that error messages name: what each says, and where it is documented."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

_MAX_SHOWN = 60
_WIDTH = 9
_CHECKED = {
    "exchange": "at servers, by one request and its response",
    "client": "at clients, by what they send",
    "time": "at servers, by moving or awaiting their clock",
    "push": "at servers, by the delivery reports that they send",
    "session": "at servers, by several requests",
    "receiver": "at receivers of delivery reports, by how they respond",
    "never": "nowhere: it cannot be seen from outside",
}
_LABELS = {
    "question": "Question",
    "outcomes": "Allowed",
    "ours": "Here",
    "why": "Why",
    "source": "Source",
    "pages": "",
    "valid": "Valid",
    "invalid": "Invalid",
    "checked": "Checked",
    "reading": "See also",
}


def explain(requirement_id: str) -> str:
    """Return what a requirement says, such as ``SEND-008``: error messages end with its ID.

    Has its wording, its source with the address of the page, a valid and an invalid value, and where
    it is checked. Raises KeyError with suggestions for an unknown ID.
    """
    found = find_requirement(requirement_id)
    title = f"{found['id']}  {found['level']}" if "level" in found else found["id"]
    lines = [title, *([found["text"]] if "text" in found else [])]
    for name, label in _LABELS.items():
        value = found.get(name)
        values = value if isinstance(value, list) else [value] if value else []
        for index, one in enumerate(values):
            lines.append(f"  {'' if index else label:<{_WIDTH}} {one}")
    return "\n".join(lines)


def find_requirement(requirement_id: str) -> dict[str, Any]:
    """Return the same as ``explain`` as plain data; raise KeyError with suggestions."""
    wanted = requirement_id.strip(" ()[]").upper()
    rows = {
        row["id"]: row for kind in ("requirement", "reading") for row in _read("requirements")[kind]
    }
    if wanted not in rows:
        import difflib  # noqa: PLC0415 - only an unknown ID needs it

        near = difflib.get_close_matches(_pad_id(wanted), rows, n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(near)}?" if near else "IDs are such as SEND-008"
        raise KeyError(f"there is no requirement {requirement_id!r}; {hint}")
    row = dict(rows[wanted])
    observable = row.pop("observable", None)
    row["pages"] = _list_pages(row["source"])
    row |= _find_values(wanted)
    if observable:
        client = "by this client, before it sends" if "invalid" in row else ""
        command = f"infobip-sms conformance explain {wanted}"
        row["checked"] = [part for part in (client, f"{_CHECKED[observable]}: {command}") if part]
    return row


def _pad_id(requirement_id: str) -> str:
    """Return an ID with three digits: SEND-8 is SEND-008."""
    return re.sub(
        r"^([A-Z0-9]*[A-Z][A-Z0-9]*)-?(\d{1,3})$", lambda m: f"{m[1]}-{m[2]:0>3}", requirement_id
    )


def _read_data(name: str) -> str:
    from importlib.resources import files  # noqa: PLC0415 - as below

    return (files("infobip_sms_schema") / "data" / name).read_text(encoding="utf-8")


@cache
def _read(name: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - every command imports this module

    return tomllib.loads(_read_data(f"{name}.toml"))


def _list_pages(source: str) -> list[str]:
    pages = _read("requirements")["page"]
    named = [page for page in pages if page["name"] in source]
    return [f"{page.get('title', page['name'])}: {page['address']}" for page in named]


def _find_values(requirement_id: str) -> dict[str, str]:
    """Return an invalid value of the cases, and a valid one: of a case, or of the edited example."""
    own = {
        kind: [case for case in _read("cases")[kind] if case["requirement"] == requirement_id]
        for kind in ("accepted", "rejected")
    }
    values = {}
    if own["rejected"]:
        case = own["rejected"][0]
        values["invalid"] = _show_edit(case)
        values["valid"] = _show(case["path"], _get_original(case))
    if own["accepted"]:
        values["valid"] = _show_edit(own["accepted"][0])
    return values


def _show_edit(case: dict[str, Any]) -> str:
    if case.get("remove"):
        return f"{case['path']} is missing"
    if "repeat" in case:
        text, times = case["repeat"]
        return f"{case['path']} = {json.dumps(text, ensure_ascii=False)} repeated {times} times"
    return _show(case["path"], case["set"])


def _show(path: str, value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    cut = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return f"{path} = {cut}"


def _get_original(case: dict[str, Any]) -> Any:
    """Return what the example has at the path of a case; None if it has nothing there."""
    value = json.loads(_read_data(f"examples/{case['example']}.json"))
    for name, index in re.findall(r"([A-Za-z]+)|\[(\d+)\]", case["path"]):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError):
            return None
    return value
