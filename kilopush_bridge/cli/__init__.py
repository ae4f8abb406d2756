"""The command line."""

from __future__ import annotations

import sys

import typer

from kilopush_bridge import __version__
from kilopush_bridge.cli.ack import ack
from kilopush_bridge.cli.check import check
from kilopush_bridge.cli.demo import demo
from kilopush_bridge.cli.emulator import emulator
from kilopush_bridge.cli.init import init
from kilopush_bridge.cli.queue import queue
from kilopush_bridge.cli.run import run
from kilopush_bridge.cli.schema import schema
from kilopush_bridge.cli.send import send
from kilopush_bridge.cli.snooze import snooze
from kilopush_bridge.cli.status import status
from kilopush_bridge.cli.try_ import try_
from kilopush_bridge.errors import KilopushError

app = typer.Typer(
    name="kilopush-bridge",
    help="MQTT in, KILO.Push alerts out: the alarm always gets through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init)
app.command()(run)
app.command()(check)
app.command("try")(try_)
app.command()(send)
app.command()(status)
app.command()(ack)
app.command()(snooze)
app.add_typer(queue, name="queue")
app.command()(emulator)
app.command()(demo)
app.command()(schema)


def _version(is_asked: bool) -> None:
    if is_asked:
        print(f"kilopush-bridge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line; known errors end with one clear line each and their exit code."""
    try:
        app()
    except KilopushError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
