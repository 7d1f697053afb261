"""The ticket platform as seen from the outbox: a port, and a small HTTP adapter behind it.

The adapter POSTs each message as JSON to one URL with `Idempotency-Key`; what the platform's own fields are called is
its business. Error codes never hold what was sent or answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import aiohttp

from ._outbox import Message

_REFUSALS = frozenset({400, 406, 413, 415, 422})
"""The message itself is wrong: it will be as wrong the next time. All other refusals are about us, or about now."""
_MOST_WAIT = 3600.0
_MOST_BODY = 65536


class NotNow(Exception):  # noqa: N818 - what the platform says
    """Not delivered, or it is not known: try again. `code` is safe to log; `after`: not before so many seconds."""

    def __init__(self, code: str, after: float = 0.0) -> None:
        super().__init__(code)
        self.code, self.after = code, after


class NeverSo(Exception):  # noqa: N818 - what the platform says
    """The platform will not take this message as it is. `code` is safe to log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Platform(Protocol):
    """Where tickets go."""

    async def deliver(self, message: Message) -> None:
        """Returns when the platform has the message. Told the same `key` again it must change nothing.

        Raises:
            NotNow: try again.
            NeverSo: it refuses this message.
        """


class HttpPlatform:
    """See the module's text.

    Args:
        url: where messages are POSTed.
        token: gives the bearer token for each message (so that a changed file counts); "": none.
        timeout: seconds for one message, answer included.
    """

    def __init__(self, url: str, token: Callable[[], str] = lambda: "", timeout: float = 10.0) -> None:
        self._url, self._token, self._timeout = url, token, timeout
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, message: Message) -> None:
        """See Platform."""
        try:
            token = self._token()
        except OSError:
            raise NotNow("no-token") from None
        headers = {"Idempotency-Key": message.key, "X-Hotline-Message": message.kind}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = {"kind": message.kind, "at": message.at, "ticket": message.subject, "data": message.body}
        try:
            async with self._open().post(self._url, json=body, headers=headers, allow_redirects=False) as answer:
                # Read to its end: an answer that breaks off is none.
                text = await answer.content.read(_MOST_BODY)
                while await answer.content.read(_MOST_BODY):
                    pass
                _judge(answer.status, text, answer.headers.get("Retry-After", ""))
        except TimeoutError:
            raise NotNow("timeout") from None
        except aiohttp.ClientSSLError:
            raise NotNow("tls") from None
        except aiohttp.ClientConnectorError:
            raise NotNow("unreachable") from None
        except (aiohttp.ClientError, OSError):
            raise NotNow("broken-off") from None
        except ValueError:
            raise NotNow("bad-header") from None  # a token with a line break, say

    async def close(self) -> None:
        """Closes its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout), cookie_jar=aiohttp.DummyCookieJar(),
                json_serialize=lambda value: json.dumps(value, ensure_ascii=False),
            )  # fmt: skip
        return self._session


def _judge(status: int, text: bytes, retry_after: str) -> None:
    if 200 <= status < 300:
        return
    if status == 409 and _code_of(text) == "duplicate":
        return  # it has it already
    if status in _REFUSALS:
        raise NeverSo(f"http-{status}")
    # 409 without that: the first try is still being worked on. 401 and 404 are mended at the platform or in our
    # settings, and then the same message is right.
    after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
    raise NotNow(f"http-{status}", min(after, _MOST_WAIT))


def _code_of(text: bytes) -> str:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(data.get("code", "")) if isinstance(data, dict) else ""
