"""Checks of the Authorization header, and the credentials in it."""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from infobip_sms_conformance.client_checks.schema_check import RequestFindings, RequestViolation
from infobip_sms_conformance.sanitization.redaction import AUTH, collect_secrets
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import is_loopback
from infobip_sms_conformance.transport.http1 import CapturedExchange

HEADER = "authorization"
ABSENT, FORM, TRANSPORT, SESSION = "AUTH-001", "AUTH-007", "AUTH-005", "AUTH-006"
REDACTED = re.compile(r"\*{3}|redact|masked|hidden|removed|xxxx", re.IGNORECASE)
SCHEMES = ("Basic", "App", "IBSSO", "Bearer")
EXPECTED = "Basic, App, IBSSO or Bearer, a space, and the credentials"


def check_authorization(findings: RequestFindings, captured: CapturedExchange) -> None:
    """Check the form of Authorization, and that it is sent over https."""
    value = captured.get_header(HEADER)
    if not value:
        if captured.has_all_headers:
            got = "no Authorization"
            findings.add_violation(
                RequestViolation(ABSENT, "Authorization", got, EXPECTED, part="head")
            )
        return
    scheme, _, token = value.partition(" ")
    findings.checked |= {ABSENT, FORM}
    for got, expected in (
        () if is_redacted(value) and not captured.has_all_headers else check_header_value(value)
    ):
        findings.add_violation(RequestViolation(FORM, "Authorization", got, expected, part=HEADER))
    if scheme.lower() in {"app", "ibsso"} and scheme not in SCHEMES:
        findings.add_violation(build_case_violation(scheme))
    if scheme == "IBSSO" and token:
        findings.checked.add(SESSION)
    parts = urlsplit(captured.base_url)
    if not is_loopback(parts.hostname or "localhost"):
        findings.checked.add(TRANSPORT)
        if parts.scheme != "https":
            got = "credentials over plain http"
            findings.add_violation(
                RequestViolation(TRANSPORT, "Authorization", got, "https", part=HEADER)
            )


def check_header_value(value: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a value of Authorization."""
    scheme, sign, token = value.partition(" ")
    known = {name.lower(): name for name in SCHEMES}
    if not sign:
        yield "no scheme before the credentials", EXPECTED
    elif scheme.lower() not in known:
        yield "an unknown scheme", EXPECTED
    elif not token.strip():
        yield f"{known[scheme.lower()]} without credentials", EXPECTED
    elif scheme.lower() != "basic" and re.search(r"\s", token.strip()):
        yield f"{known[scheme.lower()]} with more than one word", "the credentials, without spaces"
    elif not token.isascii():
        yield "characters outside of ASCII", "credentials in ASCII"
    elif scheme.lower() == "basic" and find_pair(token) is None:
        yield (
            "Basic with something other than the Base64 of user:password",
            "the Base64 of user:password",
        )


def build_case_violation(scheme: str) -> RequestViolation:
    """Return the violation of a scheme in another case, which servers have to accept (RFC 9110)."""
    known = next(name for name in SCHEMES if name.lower() == scheme.lower())
    return RequestViolation(
        FORM,
        "Authorization",
        f"{scheme}, in another case",
        f"{known}, as documented",
        part=HEADER,
        is_tolerated=True,
    )


def build_placeholder(value: str) -> str:
    """Return a placeholder with the form of a value of Authorization and no credentials."""
    scheme, sign, token = value.partition(" ")
    if scheme.lower() not in {name.lower() for name in SCHEMES}:
        return f"Other {AUTH}" if sign else AUTH
    if scheme.lower() == "basic" and find_pair(token):
        return f"{scheme} {base64.b64encode(f'{AUTH}:{AUTH}'.encode()).decode()}"
    two = " " in token.strip()
    return f"{scheme}{sign}{f'{AUTH} {AUTH}' if two else AUTH if token.strip() else ''}"


def is_redacted(value: str) -> bool:
    """Tell whether a tool has redacted the credentials."""
    return bool(REDACTED.search(value))


def find_pair(token: str) -> tuple[str, str] | None:
    """Return user and password of a Basic token."""
    try:
        plain = base64.b64decode(token.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    user, sign, password = plain.partition(":")
    return (user, password) if sign else None


def get_secrets(captured: CapturedExchange) -> tuple[str, ...]:
    """Return every spelling of the credentials of a request, to be masked."""
    found: set[str] = set()
    for name in (HEADER, "proxy-authorization", "cookie", "x-api-key"):
        value = captured.get_header(name)
        scheme, _, token = value.partition(" ")
        token = token.strip() or scheme
        if not token:
            continue
        user, password = find_pair(token) or ("", "")
        found.update(collect_secrets(Credentials(user or None, password, token)))
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))
