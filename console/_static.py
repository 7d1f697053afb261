"""The page and its parts: a fixed set of files, read once, so that no path can lead anywhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

from ._captions import captions
from ._settings import Settings

_TYPES: Mapping[str, str] = {
    "html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    content_type: str
    etag: str


def _asset(body: bytes, content_type: str) -> _Asset:
    return _Asset(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


def load_assets(settings: Settings) -> Mapping[str, _Asset]:
    """Path → asset: the page, everything in ``static/`` and the captions."""
    found = {}
    for file in files("console").joinpath("static").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            found["/" if file.name == "index.html" else f"/static/{file.name}"] = _asset(file.read_bytes(), kind)
    texts = {
        "languages": list(settings.languages),
        "captions": {key: {"zh": text.zh, "en": text.en} for key, text in captions().items()},
    }
    found["/static/i18n.json"] = _asset(json.dumps(texts, ensure_ascii=False).encode(), "application/json")
    found["/favicon.ico"] = found["/static/icon.svg"]
    return found


def add_assets(app: web.Application, settings: Settings) -> frozenset[str]:
    """Add the asset routes; gives their paths, which answer without a token because they hold no data."""
    assets = load_assets(settings)

    async def serve(request: web.Request) -> web.Response:
        asset = assets[request.path]
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == asset.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)

    for path in assets:
        app.router.add_get(path, serve)
    return frozenset(assets)
