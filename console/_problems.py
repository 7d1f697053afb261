"""Errors as the API tells them: one shape, a code, both languages, never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ._captions import caption
from ._schema import Problem, Text2

STATUS: Mapping[str, int] = {
    "bad-query": 400,
    "bad-id": 400,
    "bad-key": 400,
    "no-token": 401,
    "bad-token": 401,
    "token-expired": 401,
    "not-allowed": 403,
    "not-your-seat": 403,
    "not-your-call": 403,
    "no-such-place": 404,
    "no-such-call": 404,
    "no-such-seat": 404,
    "no-such-ticket": 404,
    "no-recording": 404,
    "no-such-break": 404,
    "no-such-callback": 404,
    "no-such-mode": 404,
    "no-such-centre": 404,
    "no-such-incident": 404,
    "nobody-has-skill": 404,
    "no-entry": 404,
    "no-party": 404,
    "unknown-cursor": 404,
    "no-handover": 404,
    "no-such-restriction": 404,
    "method-not-allowed": 405,
    "refused": 409,
    "seat-busy": 409,
    "seat-talking": 409,
    "must-rest": 409,
    "rests-already": 409,
    "incident-configured": 409,
    "no-call-in-hand": 409,
    "not-waiting": 409,
    "no-number": 409,
    "not-talking": 409,
    "too-late": 409,
    "no-caller": 409,
    "full": 409,
    "entry-disabled": 409,
    "entry-closed": 409,
    "number-not-allowed": 409,
    "not-in-consult": 409,
    "nothing-held": 409,
    "not-joined": 409,
    "supervisor-busy": 409,
    "key-used": 409,
    "bad-order": 409,
    "no-phone": 409,
    "do-not-disturb": 409,
    "callback-running": 409,
    "callback-over": 409,
    "callbacks-full": 409,
    "number-withheld": 409,
    "not-restrictable": 409,
    "already-proposed": 409,
    "restrictions-full": 409,
    "second-person": 409,
    "not-proposed": 409,
    "not-in-force": 409,
    "restriction-over": 409,
    "history-full": 409,
    "not-its-call": 409,
    "handover-gone": 410,
    "too-large": 413,
    "not-json": 415,
    "bad-range": 416,
    "bad-body": 422,
    "note-missing": 422,
    "too-long": 422,
    "too-many-tries": 429,
    "internal": 500,
    "unavailable": 503,
    "audit-failed": 503,
    "too-many-streams": 503,
    "slow-reader": 503,
    "listen-only": 400,
    "stopping": 503,
}


class ProblemError(Exception):
    """Raised by handlers; a middleware makes the answer of it.

    Args:
        code: key of :data:`STATUS`, or with ``status`` any other code of the desk's.
        where: the field, parameter or part concerned; empty: the request's path is told.
        status: HTTP status when ``code`` is not in the table.
        headers: further headers of the answer, e.g. ``Allow``.
    """

    def __init__(
        self,
        code: str,
        where: str = "",
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.where = where
        self.status = STATUS[code] if status is None else status
        self.headers = dict(headers or {})
        if self.status == 401:
            self.headers.setdefault("WWW-Authenticate", 'Bearer realm="hotline"')


def problem(code: str, where: str, status: int | None = None) -> Problem:
    """The body that tells ``code``; an unknown code borrows the captions of ``refused``."""
    what = caption(f"problem.{code}") or caption("problem.refused") or Text2(zh=code, en=code)
    mend = caption(f"problem.{code}.mend") or caption("problem.refused.mend") or Text2(zh="", en="")
    return Problem(
        status=STATUS.get(code, 409) if status is None else status,
        code=code,
        what=what.en,
        where=where,
        mend=mend.en,
        message=Text2(zh=f"{what.zh}。{mend.zh}。", en=f"{what.en}. {mend.en}."),
    )


def problem_response(error: ProblemError, path: str) -> web.Response:
    """The HTTP answer of ``error``."""
    body = problem(error.code, error.where or path, error.status)
    return web.Response(
        status=error.status,
        text=body.model_dump_json(),
        content_type="application/problem+json",
        headers=error.headers,
    )
