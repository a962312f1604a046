"""The live server: `python server.py --host 127.0.0.1 --port 9001`, or `uvicorn server:app`."""

from __future__ import annotations

from sdr_lab.api.app import create_app

app = create_app()
