"""`kilopush-bridge init` without questions: all is given, or what is missing is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kilopush_bridge.cli.init.questions import search, try_broker
from kilopush_bridge.config import Broker
from kilopush_bridge.errors import UsageError
from kilopush_bridge.mqtt.probe import Answer
from kilopush_bridge.setup import AnswerError, Answers, Kind, checks, kinds_in, references
from kilopush_bridge.setup.files import PASSWORD, SECRET, TOKEN
from kilopush_bridge.setup.given import Given

_Value = TypeVar("_Value")


def answers_without_questions(given: Given) -> Answers:
    """Return the answers that are given.

    Raises:
        UsageError: with one line for each that is missing or wrong.
    """
    problems: list[str] = []
    token = _checked(TOKEN, given.token, checks.channel_token, problems)
    secret = _checked(SECRET, given.secret, checks.secret_key, problems)
    people = _people(given, problems)
    default_to = tuple(people)[:1]
    if given.to is not None and people:
        found = _checked("--to", given.to, lambda text: checks.default_to(text, people), problems)
        default_to = found or default_to
    broker, kinds = _broker(given, problems)
    if problems or broker is None:
        lines = "\n".join(f"  {one}" for one in problems)
        raise UsageError(f"without questions, init needs these to be right:\n{lines}")
    return Answers(broker, token or "", secret or "", people, default_to, kinds)


def _checked(
    name: str, text: str | None, check: Callable[[str], _Value], problems: list[str]
) -> _Value | None:
    if not text:
        problems.append(f"{name} is missing")
        return None
    try:
        return check(text)
    except AnswerError as error:
        problems.append(f"{name}: {error}")
        return None


def _people(given: Given, problems: list[str]) -> dict[str, str]:
    people: dict[str, str] = {}
    if not given.people:
        problems.append("--person NAME is missing, and the user token in KILO_<NAME>")
    variables = references(given.people)
    for said, token in given.people.items():
        name = _checked(
            f"--person {said}", said, lambda text: checks.person_name(text, people), problems
        )
        found = _checked(
            variables[said], token, lambda text: checks.user_token(text, people), problems
        )
        if name and found:
            people[name] = found
    return people


def _broker(given: Given, problems: list[str]) -> tuple[Broker | None, tuple[Kind, ...]]:
    url = given.broker or (_found(problems) if given.is_connecting else None)
    if url is None:
        if not given.is_connecting:
            problems.append("--broker is missing")
        return None, ()
    try:
        login = checks.split_login(url)
        broker = checks.broker_at(
            login.url,
            login.username or given.username,
            login.password or given.password,
            given.ca_file,
        )
    except AnswerError as error:
        problems.append(f"--broker: {error}")
        return None, ()
    if not given.is_connecting:
        return broker, ()
    look = try_broker(broker)
    if look.answer is not Answer.WELCOME:
        hints = {
            Answer.LOGIN: f"see --username and {PASSWORD}",
            Answer.UNTRUSTED: "see --ca-file",
        }
        hint = hints.get(look.answer, "--no-connect writes the file all the same")
        problems.append(f"--broker: {broker.url}: {look.why}; {hint}")
    return broker, kinds_in(look.heard)


def _found(problems: list[str]) -> str | None:
    """Return the first broker that asks for no password: one that does must be named by people."""
    looks = search()
    if looks and looks[0].answer is Answer.WELCOME:
        print(f"Broker: {looks[0].broker.url}")
        return looks[0].broker.url
    wanting = [f"{look.broker.url} answers, and wants a password" for look in looks]
    problems.append("; ".join(["--broker is missing", *wanting]))
    return None
