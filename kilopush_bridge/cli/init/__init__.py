"""`kilopush-bridge init`: from nothing to a configuration that works."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kilopush_bridge.cli.common import PLACES
from kilopush_bridge.cli.init.questions import ask_everything
from kilopush_bridge.cli.init.target import Target
from kilopush_bridge.cli.init.trial import offer_test, send_test
from kilopush_bridge.cli.init.unattended import answers_without_questions
from kilopush_bridge.errors import EXIT_UNEXPECTED, UsageError
from kilopush_bridge.setup import Keep
from kilopush_bridge.setup.checks import split_login
from kilopush_bridge.setup.files import PASSWORD, SECRET, TOKEN, file_name
from kilopush_bridge.setup.given import Given, parse_secret_file, tokens_of


def init(
    config: Annotated[
        Path | None,
        typer.Option(
            "-c", "--config", help="File to write; else $KILOPUSH_CONFIG, then ./config.yaml."
        ),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="Address of the MQTT broker, or `embedded`.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="For the broker.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate authority of the broker.")
    ] = None,
    channel_token: Annotated[str | None, typer.Option(help="Or set KILO_TOKEN.")] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(help="NAME or NAME=USER_TOKEN; can be repeated. Or set KILO_<NAME>."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Who gets alerts by default: names with commas, or everyone.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            help="Lines NAME=value: MQTT_PASSWORD, KILO_TOKEN, KILO_SECRET, KILO_<NAME>; "
            "else the environment."
        ),
    ] = None,
    env: Annotated[
        bool, typer.Option("--env", help="Write ${KILO_TOKEN} and so on instead of secrets.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Write secrets into the file itself.")
    ] = False,
    connect: Annotated[bool, typer.Option(help="Try the broker, and listen to it.")] = True,
    test: Annotated[
        bool | None,
        typer.Option("--test/--no-test", help="Send a test message; default: ask, with --yes no."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Ask for what is needed, write a configuration that works, send a test message."""
    path = config or Path(os.environ.get("KILOPUSH_CONFIG") or PLACES[0])
    values = {**os.environ, **_read_secrets(secret_file)}
    given = Given(
        broker=_without_password(broker) or values.get("MQTT_URL"),
        username=username or values.get("MQTT_USERNAME"),
        password=values.get(PASSWORD) or values.get(file_name(PASSWORD).upper()),
        ca_file=str(ca_file.resolve()) if ca_file else None,
        token=channel_token or values.get(TOKEN),
        secret=values.get(SECRET),
        people=tokens_of(person or (), values),
        to=to,
        is_connecting=connect,
    )
    target = Target(path, _keep(env, inline), force)
    target.check_free()
    if yes or not sys.stdin.isatty():
        target.write(answers := answers_without_questions(given))
        if test:
            _end(send_test(target, answers))
    else:
        _converse(given, target, test)


def _converse(given: Given, target: Target, test: bool | None) -> None:
    is_written = False
    try:
        print("Ctrl-C stops at any time; nothing is written before the last answer.")
        answers = ask_everything(given)
        print()
        if names := target.clashes(answers):
            what = f"{target.secrets_path} has another {' and '.join(names)}"
            typer.confirm(f"{what} already. Replace it?", default=False, abort=True)
            target = replace(target, is_forced=True)
        target.write(answers)
        is_written = True
        is_sent = offer_test(target, answers, test)
        _say_next(target)
    except (typer.Abort, KeyboardInterrupt):
        done = "; the configuration stays as written" if is_written else ": nothing was written"
        print(f"\nStopped{done}.", file=sys.stderr)
        raise typer.Exit(EXIT_UNEXPECTED) from None
    _end(is_sent)


def _end(is_sent: bool) -> None:
    if not is_sent:
        raise typer.Exit(EXIT_UNEXPECTED)


def _say_next(target: Target) -> None:
    option = "" if target.is_default else f" -c {target.path}"
    print()
    print("Next:")
    for command, what in (
        (f"check{option}", f"after each change of {target.path.name}"),
        (f"try TOPIC PAYLOAD{option}", "what a message would do, before it does it"),
        (f"run{option}", "the bridge; docs/getting-started.md has it as a service"),
    ):
        print(f"  kilopush-bridge {command:<{20 + len(option)}} {what}")


def _keep(env: bool, inline: bool) -> Keep:
    if env and inline:
        raise UsageError("--env or --inline: secrets are kept in one place")
    return Keep.ENVIRONMENT if env else Keep.INLINE if inline else Keep.FILE


def _without_password(broker: str | None) -> str | None:
    """Refuse an argument that everybody on this machine can see."""
    if broker is not None and split_login(broker).password is not None:
        raise UsageError(
            f"--broker must not hold a password: others can see it; use --username and {PASSWORD}"
        )
    return broker


def _read_secrets(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return parse_secret_file(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--secret-file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--secret-file {path}: it is not UTF-8") from error
