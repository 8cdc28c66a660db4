"""The client for asyncio: every call of Client in a thread, with cancellation."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from .arguments import hint
from .client import _CALL_HINT, _SAME, Client
from .errors import hide_locals
from .operations import _V1_WARNING
from .transport.cancellation import CANCELLATION, Cancellation
from .transport.retry import Retry
from .transport.urls import DEFAULT_URL

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Iterable, Mapping
    from contextvars import Context
    from pathlib import Path
    from types import TracebackType

    from infobip_sms_schema import MessageV1, SmsRequestV1, SmsResponseV1

    from .auth import Auth
    from .codecs import Engine, Wire
    from .errors import Attempt, Sent

P = ParamSpec("P")
T = TypeVar("T")

_END: Any = object()
_NOTES: dict[Sent, str] = {
    "no": "The call was cancelled; the request was not sent.",
    "maybe": "The call was cancelled; the request may have been sent. "
    "Look up its messages with get_logs before you send again.",
}


def _in_thread(
    method: Callable[Concatenate[Client, P], T],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """Return a method of Client as a coroutine method."""

    @wraps(method)
    async def call(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> T:
        return await self._call(partial(method, self._client, *args, **options))

    return call


def _as_async_generator(
    method: Callable[Concatenate[Client, P], Iterator[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]]:
    """Return a method of Client that yields results as an async generator method."""

    @wraps(method)
    def iterate(
        self: AsyncClient, /, *args: P.args, **options: P.kwargs
    ) -> AsyncGenerator[T, None]:
        return _iterate(method(self._client, *args, **options))

    return iterate


class AsyncClient:
    """Client for Infobip's SMS API, for asyncio.

    Takes the arguments of Client; its methods have the same arguments, raise the same exceptions and
    give the same guarantees. Each call runs in a thread; at most ``connections`` run at a time, the
    others wait, and their ``timeout`` begins when they run.

    A cancelled call ends at once. If it had not begun, was still connecting or waited for its next
    attempt, nothing more is sent; if its request was under way, its connection is closed, and the
    messages may have been accepted. A note of the CancelledError says which. ``send_many`` brings
    the requests that are under way to their end first, and begins no others.
    """

    @hide_locals
    @hint(_CALL_HINT.replace("Client", "AsyncClient"))
    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        base_url: str = DEFAULT_URL,
        *,
        auth: Auth,
        wire: Wire = "json",
        xml_engine: Engine = "generated",
        validate_xml: bool = False,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        connections: int = 10,
        retry: Retry | None = Retry(),  # noqa: B008 - frozen
        proxy: str | Literal[False] | None = None,
        ca: str | Path | ssl.SSLContext | None = None,
        user_agent: str | None = None,
        on_attempt: Callable[[str, Attempt], object] | None = None,
        headers: Mapping[str, str] | None = None,
        trust_http: Collection[str] = (),
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self"}
        self._use(Client(**given))

    def _use(self, client: Client, threads: _Threads | None = None) -> None:
        self._client = client
        self._threads = threads or _Threads(client._settings.connections)  # noqa: SLF001 - one thread for each

    @classmethod
    def from_client(cls, client: Client) -> Self:
        """Return an AsyncClient that uses a client, such as a TracedClient, and closes it at its end."""
        self = cls.__new__(cls)
        self._use(client)
        return self

    @classmethod
    @hide_locals
    def from_env(cls, **settings: Any) -> Self:
        """Return a client for the server and credentials of the environment, as Client.from_env does."""
        return cls.from_client(Client.from_env(**settings))

    @hide_locals
    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: Retry | None = _SAME,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client with other settings that shares the connections and threads of this one.

        retry: None for no retries. headers: added to those of this client.

        Closing either client closes both.
        """
        other = object.__new__(type(self))
        client = self._client.with_options(timeout=timeout, retry=retry, headers=headers)
        other._use(client, self._threads)
        return other

    send_text = _in_thread(Client.send_text)
    send = _in_thread(Client.send)
    _send_v1 = _in_thread(Client._send_v1)  # noqa: SLF001 - the warning is for the caller, not for a thread
    fetch_delivery_reports = _in_thread(Client.fetch_delivery_reports)
    get_logs = _in_thread(Client.get_logs)
    preview = _in_thread(Client.preview)
    get_scheduled = _in_thread(Client.get_scheduled)
    reschedule = _in_thread(Client.reschedule)
    get_scheduled_status = _in_thread(Client.get_scheduled_status)
    set_scheduled_status = _in_thread(Client.set_scheduled_status)
    record_conversion = _in_thread(Client.record_conversion)
    send_many = _as_async_generator(Client.send_many)
    reconcile = _as_async_generator(Client.reconcile)

    def send_v1(
        self,
        request: SmsRequestV1 | MessageV1 | Iterable[MessageV1],
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, SmsResponseV1]:
        """Send messages with version 1 of the API, as Client.send_v1 does; also warns where it is called."""
        warnings.warn(_V1_WARNING, DeprecationWarning, stacklevel=2)
        return self._send_v1(request, wire, timeout)

    async def close(self) -> None:
        """Wait for the calls under way, and close all connections; no call may follow."""
        await self._threads.close()
        self._client.close()

    async def __aenter__(self) -> Self:
        self._client.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Async{self._client!r}"

    def __reduce__(self) -> tuple[Callable[[Client], Self], tuple[Client]]:
        return type(self).from_client, (self._client,)

    async def _call(self, function: Callable[[], T]) -> T:
        cancellation, context = _build_context()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads.get_pool(), context.run, function)
        except asyncio.CancelledError as error:
            error.add_note(_NOTES[cancellation.cancel()])
            raise


class _Threads:
    """The threads of a client, started when they are first needed; a fork has its own."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        self._closed = False

    def get_pool(self) -> ThreadPoolExecutor:
        """Return the threads of this process."""
        if self._closed:
            raise RuntimeError("this client is closed; make another one")
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            self._pool = ThreadPoolExecutor(self._count, "infobip-sms")
        return self._pool

    async def close(self) -> None:
        """Let the calls under way end; none may follow."""
        self._closed = True
        if self._pool is not None and self._process == os.getpid():
            await asyncio.to_thread(self._pool.shutdown)


def _build_context() -> tuple[Cancellation, Context]:
    """Return the caller's context with a cancellation of its own."""
    cancellation, context = Cancellation(), copy_context()
    context.run(CANCELLATION.set, cancellation)
    return cancellation, context


async def _iterate(results: Iterator[T]) -> AsyncGenerator[T, None]:
    """Yield results, each from one thread; whatever ends this, what began there is brought to its end."""
    cancellation, context = _build_context()
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(1, "infobip-sms")
    step: Callable[[], T] = partial(context.run, next, results, _END)
    try:
        while (result := await loop.run_in_executor(pool, step)) is not _END:
            yield result
    finally:
        cancellation.cancel()
        try:
            if isinstance(results, Generator):  # a second cancellation ends the wait, not the work
                close = partial(context.run, results.close)
                await asyncio.shield(loop.run_in_executor(pool, close))
        finally:
            pool.shutdown(wait=False)
