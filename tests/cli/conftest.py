"""A command as a user runs it."""

import pytest

from amper_cli.main import main


@pytest.fixture
def run(capsys):
    """``run(*arguments)``: (exit code, standard output, standard error); argparse leaves by SystemExit."""

    def call(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
