"""The test message of `kilopush-bridge init`."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import typer

from kilopush_bridge.app.requests import Request
from kilopush_bridge.cli.common import counted
from kilopush_bridge.cli.init.questions import ask_credentials
from kilopush_bridge.cli.init.target import Target
from kilopush_bridge.cli.send import Sent, row_text, send_request
from kilopush_bridge.config import Config
from kilopush_bridge.core.budget import PER_DAY
from kilopush_bridge.model import HoldKind, State
from kilopush_bridge.outbox import upkeep
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.outbox.store import Transaction, open_for_reading, open_state
from kilopush_bridge.setup import Answers

TEXT = "It works: kilopush-bridge reaches you."


def offer_test(target: Target, answers: Answers, wanted: bool | None) -> bool:
    """Send a test message if that is wanted; return whether nothing went wrong.

    There is no other way to find out whether a secret is right.
    """
    print()
    if not (_confirm(answers) if wanted is None else wanted):
        return True
    while not send_test(target, answers):
        if not _is_forbidden(target.load(answers)):
            return False
        if not typer.confirm("Type the channel's token and secret key again?", default=True):
            return False
        token, secret = ask_credentials()
        answers = replace(answers, token=token, secret=secret)
        replace(target, is_forced=True).write(answers)
    return True


def send_test(target: Target, answers: Answers) -> bool:
    """Send a test message to everybody; return whether it left for all of them."""
    config = target.load(answers)
    sent = send_request(config, Request(text=TEXT, to=tuple(config.people)))
    if not sent.is_alone:
        print("in the outbox; the running bridge delivers it")
        return True
    for row in sent.rows:
        print(row_text(row))
    if all(row["state"] == State.SENT for row in sent.rows):
        return True
    _withdraw(config, sent)
    print("What did not arrive is not tried again. To repeat it: kilopush-bridge send Hello")
    return False


def _confirm(answers: Answers) -> bool:
    names = " and ".join(filter(None, [", ".join([*answers.people][:-1]), [*answers.people][-1]]))
    cost = f"It takes {len(answers.people)} of the {counted(PER_DAY, 'message', 'messages')} a day"
    return bool(typer.confirm(f"Send a test message to {names}? {cost}.", default=True))


def _is_forbidden(config: Config) -> bool:
    with closing(open_for_reading(config.state)) as connection:
        return any(hold.kind is HoldKind.FORBIDDEN for hold in load_holds(connection))


def _withdraw(config: Config, sent: Sent) -> None:
    """Take the test back where it did not leave: hours later it would only confuse."""
    with closing(open_state(config.state)) as connection, Transaction(connection):
        for row in sent.rows:
            upkeep.drop(connection, row["id"], time.time())
