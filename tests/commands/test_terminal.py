"""What the command line does with errors, whichever command they come from."""

from __future__ import annotations

import typer
from typer.testing import CliRunner, Result

from sdr_lab.commands.terminal import Commands
from sdr_lab.errors import BadInput, ProviderError, StorageError


def fails_with(error: BaseException) -> Result:
    app = typer.Typer(cls=Commands)

    @app.callback()
    def main() -> None:
        """Makes a group of it."""

    @app.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(app, ["fail"])


def test_an_error_of_ours_is_one_line():
    result = fails_with(BadInput("got 1,\nallowed: 2"))

    assert (result.exit_code, result.stderr.count("\n")) == (1, 2)  # a line for each document
    assert fails_with(BadInput("got  1")).stderr == "got 1\n"


def test_errors_of_a_task_group_are_a_line_each():
    full = StorageError("disk full")
    group = ExceptionGroup("x", [full, ExceptionGroup("y", [ProviderError("piper", "gone"), full])])

    result = fails_with(group)

    assert (result.exit_code, result.stderr) == (1, "disk full\npiper: gone\n")


def test_what_is_a_defect_is_not_hidden():
    for error in (ValueError("a bug"), ExceptionGroup("x", [BadInput("b"), ValueError("a bug")])):
        result = fails_with(error)

        assert result.exception is error
        assert result.stderr == ""


def test_ctrl_c_is_one_line_and_the_exit_code_of_shells():
    result = fails_with(KeyboardInterrupt())

    assert (result.exit_code, result.stderr.count("\n")) == (130, 1)
    assert "interrupted" in result.stderr
