"""The command line: parse, call, print. Data goes to standard output, everything else to standard error."""

from sweeplens.cli.commands import main

__all__ = ["main"]
