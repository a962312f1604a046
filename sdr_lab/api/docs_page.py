"""`/docs` and `/redoc`: the API to try out and to read, without asking other machines.

FastAPI's own pages load Swagger UI and ReDoc from a content network: behind a firewall they are
blank, and elsewhere that network could run code in a page into which one types a key. Here both
come from the package `fastapi-offline`, of which nothing but these files is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from sdr_lab.errors import MissingPackage, NotFound

STATIC = Path(__file__).with_name("static")
PACKAGE = "fastapi_offline"

OURS = {"docs.js": "text/javascript"}
THEIRS = {
    "swagger-ui-bundle.js": "text/javascript",
    "redoc.standalone.js": "text/javascript",
    "swagger-ui.css": "text/css",
}

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Both libraries write styles into the page; scripts come from here only."""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs_page() -> Response:
    """To try out."""
    return FileResponse(STATIC / "docs.html", media_type="text/html", headers=HEADERS)


@router.get("/redoc")
async def redoc_page() -> Response:
    """To read."""
    return FileResponse(STATIC / "redoc.html", media_type="text/html", headers=HEADERS)


@router.get("/docs/{name}")
async def docs_file(name: str) -> Response:
    """A file of these pages."""
    if name in OURS:
        return FileResponse(STATIC / name, media_type=OURS[name], headers=HEADERS)
    if name not in THEIRS:
        raise NotFound(f"the pages of the API have no file {name[:60]!r}")
    return FileResponse(library() / name, media_type=THEIRS[name], headers=HEADERS)


def library(package: str = PACKAGE) -> Path:
    """Return the folder of Swagger UI and ReDoc; nothing is imported.

    Raises:
        MissingPackage: they are not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingPackage(
            "the pages of the API are not installed: `pip install fastapi-offline`; the "
            "description itself is under /openapi.json"
        )
    return Path(spec.origin).with_name("static")
