"""The browser phone: a page that speaks Twilio's media stream messages to `/media-stream`."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from sdr_lab.errors import NotFound

STATIC = Path(__file__).with_name("static")

FILES = {
    "phone.js": "text/javascript",
    "phone-line.js": "text/javascript",
    "phone-mulaw.js": "text/javascript",
    "phone-worklet.js": "text/javascript",
    "phone.css": "text/css",
}
"""What the page loads, all of it from here."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; "
    "style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

router = APIRouter(tags=["Telephone"], include_in_schema=False)


@router.get("/phone")
async def phone_page() -> Response:
    """The page. It holds no secret: a key is asked for when the server wants one."""
    return FileResponse(STATIC / "phone.html", media_type="text/html", headers=HEADERS)


@router.get("/phone/{name}")
async def phone_file(name: str) -> Response:
    """A file of the page."""
    if name not in FILES:
        raise NotFound(f"the phone page has no file {name[:60]!r}")
    return FileResponse(STATIC / name, media_type=FILES[name], headers=HEADERS)
