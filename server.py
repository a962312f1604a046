"""The live server: `python server.py --host 127.0.0.1 --port 9001`, or `uvicorn server:app`.

`app` costs little to import: settings are read and the workspace is opened at first use.
"""

from __future__ import annotations

import sys

from sdr_lab.api.app import create_app
from sdr_lab.api.serve import main

app = create_app()

if __name__ == "__main__":
    sys.exit(main())
