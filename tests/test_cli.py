from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from sdr_lab import __version__
from sdr_lab.cli import app
from tests.test_architecture import HEAVY


def test_version():
    assert CliRunner().invoke(app, ["--version"]).stdout == f"sdr-lab {__version__}\n"


def test_usage_errors_exit_with_2():
    for args in (["no-such-command"], ["doctor", "--no-such-option"]):
        assert CliRunner().invoke(app, args).exit_code == 2


def test_help_imports_nothing_heavy():
    slow = [*HEAVY, "numpy", "scipy", "pandas", "pydantic"]
    code = (
        "import sys; from typer.testing import CliRunner; from sdr_lab.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print(*sorted(set({slow!r}) & set(sys.modules)))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == ""
