"""A request as a command of a POSIX shell, which sends it again once some variables are set.

URL    the base URL of the server
AUTH   the value of Authorization, scheme included; APP and BASIC where a request has the other scheme
TO     a number that may get messages; TO2, TO3 where a request goes to several
"""

import re
from collections.abc import Mapping

from infobip_sms_conformance.sanitization.redaction import UNPRINTABLE
from infobip_sms_conformance.transport.credentials import Credentials, build_basic

SPECIAL = re.compile(f"[\t\n]|{UNPRINTABLE.pattern}")
VARIABLE = re.compile(r"\$(?:TO\d*|\{TO\d*[%#]\?+\})")
HEADER = "HEADER"
NAMES = re.compile(rf"\b(?:URL|AUTH|APP|BASIC|TO\d*|{HEADER}\d+)\b")
DECODED = '$(printf %s "${{{}#Basic }}" | base64 -d{})'
CODED = "Basic $(printf %s \"{}\" | base64 | tr -d '\\n')"


def build_curl(
    method: str, path: str, headers: Mapping[str, str], body: str | None, authorization: str
) -> str:
    """Return the command; ``path``, ``body`` and ``authorization`` have variables in place of values."""
    parts = ["curl", "-sS", "-X", method, f'"$URL{path}"']
    if authorization:
        parts.append(f'-H "Authorization: {authorization}"')
    own = [name for name in headers if name not in {"authorization", "content-type", "accept"}]
    parts += [f'-H "{name}: ${HEADER}{number}"' for number, name in enumerate(own, 1)]
    if body is None and method in {"POST", "PUT"}:
        body = ""
    for name in ("content-type", "accept"):
        if name in headers:
            parts.append(f"-H {quote(f'{name.title()}: {headers[name]}')}")
        elif name == "accept" or body is not None:
            parts.append(f"-H {name.title()}:")  # curl puts one of its own otherwise
    if body is None:
        return " ".join(parts)
    if SPECIAL.search(body):
        return f"{build_printf(body)} | {' '.join(parts)} --data-binary @-"
    return " ".join([*parts, f"--data-raw {VARIABLE.sub(unquote, quote(body))}"])


def build_printf(body: str) -> str:
    """Return the command that prints a body which is not one line of characters that a terminal shows."""
    plain = body.replace("\\", "\\\\").replace("%", "%%")
    escaped = SPECIAL.sub(escape_bytes, quote(plain).replace("${TO%%", "${TO%"))
    return f"printf {VARIABLE.sub(unquote, escaped)}"


def escape_bytes(match: re.Match[str]) -> str:
    """Return the bytes of a character as printf takes them."""
    errors = "surrogateescape" if "\udc80" <= match[0] <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in match[0].encode("utf-8", errors))


def quote(text: str) -> str:
    """Return a text as one word."""
    return "'" + text.replace("'", "'\\''") + "'"


def unquote(match: re.Match[str]) -> str:
    """Return a variable within a quoted word."""
    return f"'\"{match[0]}\"'"


def get_variables(*commands: str) -> list[str]:
    """Return the names of the variables in some commands, each once."""
    found = {name for command in commands for name in re.findall(r"\$\{?([A-Z]+\d*)", command)}
    return sorted((name for name in found if NAMES.fullmatch(name)), key=get_sort_key)


def get_sort_key(name: str) -> tuple[int, str]:
    """Return the place of a variable: where to, who, to whom."""
    order = ("URL", "AUTH", "APP", "BASIC")
    return (order.index(name) if name in order else len(order), name)


def name_authorization(value: str | None, first: str, credentials: Credentials) -> str:
    """Return an Authorization as the variables have it; a wrong one as it is made of the right one."""
    if not value:
        return ""
    names = {credentials.app: "APP", credentials.basic: "BASIC", first: "AUTH"}
    for right, name in names.items():
        if right and value == right:
            return f"${name}"
        if right and value == right[:-1]:
            return f"${{{name}%?}}"
    name = names.get(credentials.basic, "AUTH")
    if value == build_basic(f"not {credentials.user}", credentials.password):
        return CODED.format("not " + DECODED.format(name, ""))
    return CODED.format(DECODED.format(name, " | sed 's/:/:not /'"))
