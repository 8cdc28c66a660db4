"""What the options of a run stand for together."""

import argparse
from urllib.parse import urlsplit

from infobip_sms_conformance.cli.options import PASSWORD, USER
from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.contract.hypothesis_backend import DEFAULT_SEED
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.reporting import files
from infobip_sms_conformance.sanitization.redaction import Mask, collect_secrets
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import TargetServer


def resolve_options(options: argparse.Namespace) -> None:
    """Turn options into what they stand for; WrongUsage when that is nothing."""
    options.profile = options.profile or ("live" if options.live else "full")
    seed = None
    if options.replay:
        token, _, written = options.replay.partition("@")
        seed = int(written) if written.isdecimal() else None
        options.only = [token]
    if options.rerun_failed:
        failed, seed = files.read_failed(options.rerun_failed)
        options.only = filter_failed(failed, options.only)
    if options.seed is None:
        options.seed = DEFAULT_SEED if seed is None else seed
    require_known_prefixes(options.only)
    require_account(options)
    require_callback(options)


def filter_failed(failed: list[str], only: list[str]) -> list[str]:
    """Return what failed, as far as it was asked for."""
    chosen = [number for number in failed if not only or number.startswith(tuple(only))]
    if not chosen:
        raise UsageError("nothing of that kind failed in the file of --rerun-failed")
    return chosen


def require_known_prefixes(only: list[str]) -> None:
    """Raise WrongUsage for a prefix of no requirement."""
    for one in only:
        prefix = one.partition(":")[0]
        if not prefix or not any(number.startswith(prefix) for number in read_requirements()):
            raise UsageError(f"no requirement begins with {prefix!r}; see the command list")


def require_account(options: argparse.Namespace) -> None:
    """Raise WrongUsage where it is not said who the suite is; the example's account is for this machine."""
    if options.no_basic and options.user is not None:
        raise UsageError("--user and --no-basic do not go together")
    if options.no_basic and not options.api_key:
        raise UsageError("--no-basic expects --api-key")
    if options.live and options.user is None:
        if not options.api_key:
            raise UsageError("--live expects an account: --user and --password, or --api-key")
        options.no_basic = True
    if options.live and options.user is not None and options.password is None:
        raise UsageError("--user expects --password")


def require_callback(options: argparse.Namespace) -> None:
    """Raise WrongUsage for a callback that no server could reach."""
    if options.callback is None:
        return
    if not options.callback_port:
        raise UsageError("--callback expects --callback-port, to which it leads")
    try:
        parts = urlsplit(options.callback)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("--callback has to look like https://hooks.example.com/sms")


def build_credentials(options: argparse.Namespace) -> Credentials:
    """Return who the suite is."""
    if options.no_basic:
        return Credentials(None, "", options.api_key)
    user = USER if options.user is None else options.user
    password = PASSWORD if options.password is None else options.password
    return Credentials(user, password, options.api_key)


def format_target(options: argparse.Namespace, target: TargetServer) -> str:
    """Name the server, without a credential that may are in its path."""
    if options.dry_run and not options.url:
        return "the sandbox"
    return Mask((), collect_secrets(build_credentials(options))).hide(str(target))
