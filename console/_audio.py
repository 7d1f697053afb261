"""A recording's sound over HTTP, whole or in one byte range."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from ._problems import ProblemError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CHUNK = 256 * 1024


def pick_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, last) byte asked for; None for the whole.

    A unit or form of range that we do not serve (several ranges) is answered with the whole (RFC 9110).

    Raises:
        ProblemError: ``bad-range``, nothing of the file lies in it.
    """
    if header is None:
        return None
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size - 1
    else:
        start, stop = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    if start >= size or start > stop:
        raise ProblemError("bad-range", "header:Range", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


async def send_audio(request: web.Request, path: Path) -> web.StreamResponse:
    """Answer with the file at ``path``, or the part of it that the Range header asks for.

    Raises:
        ProblemError: ``no-recording`` when the file is not there, ``bad-range``.
    """
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError:
        raise ProblemError("no-recording") from None
    try:
        size = await asyncio.to_thread(_size, file)
        part = pick_range(request.headers.get("Range"), size)
        start, stop = part or (0, size - 1)
        response = web.StreamResponse(status=200 if part is None else 206)
        response.content_type = "audio/flac"
        response.content_length = stop - start + 1
        response.headers["Accept-Ranges"] = "bytes"
        if part is not None:
            response.headers["Content-Range"] = f"bytes {start}-{stop}/{size}"
        await response.prepare(request)
        await asyncio.to_thread(file.seek, start)
        left = stop - start + 1
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(_CHUNK, left))
            if not chunk:
                # Shorter than it said: the broken length tells the reader that something is missing.
                raise ConnectionResetError("the recording became shorter while it was sent")
            await response.write(chunk)
            left -= len(chunk)
        await response.write_eof()
        return response
    finally:
        await asyncio.to_thread(file.close)


def _size(file: BinaryIO) -> int:
    file.seek(0, 2)
    return file.tell()
