"""Who the suite is to the server."""

import base64
import shlex
import subprocess
from dataclasses import dataclass, field

from infobip_sms_conformance.errors import UsageError

TIMEOUT = 60.0


class Secret(str):
    """A text that ``repr`` does not show, because ``pytest -l`` shows the repr of local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True)
class Credentials:
    """User and password for Basic, the API key for App; at least one of the two."""

    user: str | None = field(repr=False)
    password: str = field(repr=False)
    api_key: str | None = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Header fields that every request has, such as those that a gateway expects."""
    token_command: str = field(default="", repr=False)
    """A command that prints a token; it takes the place of user and password."""

    @property
    def basic(self) -> str | None:
        """The value of Authorization for the Basic scheme."""
        return None if self.user is None else build_basic(self.user, self.password)

    @property
    def app(self) -> str | None:
        """The value of Authorization for the App scheme."""
        return Secret(f"App {self.api_key}") if self.api_key else None

    @property
    def primary(self) -> str:
        """What the run begins with."""
        found = read_token(self.token_command) if self.token_command else self.basic or self.app
        assert found is not None, "there is one of the two"
        return found

    @property
    def fallback(self) -> str | None:
        """What is tried where the first is not taken."""
        return self.app if self.basic else None

    def find_other(self, used: str) -> str | None:
        """Return the value of Authorization for the other scheme than one that is used, if there is one."""
        return next((one for one in (self.basic, self.app) if one not in {None, used}), None)


def read_token(command: str) -> str:
    """Return the Authorization that a command prints: a scheme and a token, or a token for Bearer.

    UsageError if it cannot be run or fails; what it prints is never shown.
    """
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
    except subprocess.CalledProcessError as error:
        raise UsageError(f"--token-command ended with exit code {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"--token-command took more than {TIMEOUT:g} s") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--token-command cannot be run: {type(error).__name__}") from None
    words = [Secret(word) for word in done.stdout.split()]
    is_ascii = done.stdout.isascii()
    del done  # its repr has all that was printed
    if not 0 < len(words) <= len(("scheme", "token")) or not is_ascii:
        raise UsageError("--token-command: expected a token, or a scheme and a token, in one line")
    return Secret(" ".join(words if len(words) > 1 else ["Bearer", *words]))


def build_basic(user: str, password: str) -> Secret:
    """Return the value of Authorization for any user and password."""
    return Secret("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
