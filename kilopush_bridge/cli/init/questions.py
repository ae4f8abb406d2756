"""The conversation of `kilopush-bridge init`: ask, check at once, ask again."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import typer

from kilopush_bridge.config import Broker
from kilopush_bridge.mqtt.probe import Answer, Look, look_at, look_at_all
from kilopush_bridge.setup import FILTERS, AnswerError, Answers, Kind, checks, kinds_in
from kilopush_bridge.setup.answers import EVERYONE
from kilopush_bridge.setup.devices import names_of
from kilopush_bridge.setup.given import Given
from kilopush_bridge.setup.places import PLACES

SEARCH_S = 3.0
CONNECT_S = 10.0
LISTEN_S = 3.0

_Value = TypeVar("_Value")


def ask_everything(given: Given) -> Answers:
    """Ask for what is not given."""
    _headline(1, "The MQTT broker")
    broker, kinds = _ask_broker(given)
    _headline(2, "The channel of KILO.Push")
    print("In the app: Channels, your channel, API. What you type or paste here stays hidden.")
    token, secret = ask_credentials(given.token, given.secret)
    _headline(3, "The people")
    print("In the app of each of them: Profile, User Token. It stays hidden, too.")
    people = _ask_people(given)
    return Answers(broker, token, secret, people, _ask_default_to(given, people), kinds)


def ask_credentials(token: str | None = None, secret: str | None = None) -> tuple[str, str]:
    """Ask for the channel's token and secret key."""
    return (
        _ask("Channel token", checks.channel_token, token, is_hidden=True),
        _ask("Channel secret key", checks.secret_key, secret, is_hidden=True),
    )


def search() -> list[Look]:
    """Look for brokers where homes have them, all at once; return those that answer, open first."""
    looks = look_at_all([checks.broker_at(url) for url in PLACES], SEARCH_S)
    usable = (Answer.WELCOME, Answer.LOGIN)
    found = [look for look in looks if look.answer in usable]
    return sorted(found, key=lambda look: usable.index(look.answer))


def try_broker(broker: Broker) -> Look:
    """Connect, and listen for a moment to who talks there."""
    if broker.scheme != "embedded":
        return look_at(broker, CONNECT_S, FILTERS, LISTEN_S)
    if importlib.util.find_spec("amqtt"):
        return Look(broker, Answer.WELCOME)
    needed = "a broker inside the bridge needs: pip install 'kilopush-bridge[embedded]'"
    return Look(broker, Answer.NONE, needed)


# --- the broker ----------------------------------------------------------------------------------


def _ask_broker(given: Given) -> tuple[Broker, tuple[Kind, ...]]:
    text, proposal = given.broker, None
    if text:
        print(f"Broker: {checks.split_login(text).url}")
    elif given.is_connecting:
        proposal = _found()
    while True:
        broker = _parse_broker(text or _prompt("Broker", proposal), given)
        text = None
        if broker is None:
            continue
        if not given.is_connecting:
            return broker, ()
        look = _enter(broker)
        if look is not None:
            return look.broker, kinds_in(look.heard)
        proposal = broker.url


def _found() -> str | None:
    """Say which brokers answer; return the one to propose."""
    print("Looking for a broker ...")
    looks = search()
    for look in looks:
        login = ", and wants a user name and password" if look.answer is Answer.LOGIN else ""
        print(f"  {look.broker.url} answers{login}")
    if not looks:
        print("  none answers under the names that homes use")
        print("Type its name or address, or `embedded` for a broker inside the bridge.")
        return None
    return looks[0].broker.url


def _parse_broker(text: str, given: Given) -> Broker | None:
    try:
        login = checks.split_login(text)
        return checks.broker_at(
            login.url,
            login.username or given.username,
            login.password or given.password,
            given.ca_file,
        )
    except AnswerError as error:
        print(f"  {error}")
        return None


def _enter(broker: Broker) -> Look | None:
    """Return a look at a broker that lets us in, or that is to be used anyway; None: another."""
    while True:
        print(f"Connecting to {broker.url}, and listening for a moment ...")
        look = try_broker(broker)
        match look.answer:
            case Answer.WELCOME:
                _say_who_talks(look)
                return look
            case Answer.LOGIN:
                corrected = _ask_login(look)
            case Answer.UNTRUSTED:
                corrected = _ask_authority(look)
            case _:
                print(f"  {look.why}")
                is_wanted = typer.confirm("Use it anyway?", default=False)
                return look if is_wanted else None
        if corrected is None:
            return None
        broker = corrected


def _say_who_talks(look: Look) -> None:
    names = names_of(kinds_in(look.heard))
    if names:
        print(f"  Connected. Heard: {', '.join(names)}.")
    else:
        print("  Connected.")


def _ask_login(look: Look) -> Broker | None:
    is_first = look.broker.username is None
    print(f"  {'it wants a user name and password' if is_first else look.why}")
    username = _prompt("User name (empty: another broker)", "", shows_default=False)
    if not username:
        return None
    password = _prompt("Password", "", shows_default=False, is_hidden=True)
    return replace(look.broker, username=username, password=password or None)


def _ask_authority(look: Look) -> Broker | None:
    print(f"  {look.why}")
    while True:
        name = _prompt(
            "File with the certificate authority to trust (empty: another broker)",
            "",
            shows_default=False,
        )
        if not name:
            return None
        if Path(name).is_file():
            return replace(look.broker, ca_file=str(Path(name).resolve()))
        print(f"  there is no file {name}")


# --- people --------------------------------------------------------------------------------------


def _ask_people(given: Given) -> dict[str, str]:
    people: dict[str, str] = {}
    for said, token in given.people.items():
        name = _ask("Name", lambda text: checks.person_name(text, people), said)
        people[name] = _ask_user_token(name, people, token)
    if given.people:
        return people
    name = _ask(
        "Name of the first person", lambda text: checks.person_name(text, people), default="me"
    )
    people[name] = _ask_user_token(name, people)
    while len(people) < checks.PEOPLE_MAX:
        name = _ask("Name of another person (empty: no more)", _or_nothing(people), default="")
        if not name:
            break
        people[name] = _ask_user_token(name, people)
    return people


def _or_nothing(people: dict[str, str]) -> Callable[[str], str]:
    return lambda text: checks.person_name(text, people) if text.strip() else ""


def _ask_user_token(name: str, people: dict[str, str], given: str | None = None) -> str:
    return _ask(
        f"User token of {name}",
        lambda text: checks.user_token(text, people),
        given,
        is_hidden=True,
    )


def _ask_default_to(given: Given, people: dict[str, str]) -> tuple[str, ...]:
    def check(text: str) -> tuple[str, ...]:
        return checks.default_to(text, people)

    if len(people) == 1 and given.to is None:
        return tuple(people)
    question = f"Who gets an alert whose rule names nobody ({', '.join(people)} or {EVERYONE})"
    return _ask(question, check, given.to, default=next(iter(people)))


# --- asking --------------------------------------------------------------------------------------


def _headline(number: int, text: str) -> None:
    print()
    typer.secho(f"{number}. {text}", bold=True)


def _ask(
    question: str,
    check: Callable[[str], _Value],
    given: str | None = None,
    *,
    default: str | None = None,
    is_hidden: bool = False,
) -> _Value:
    """Return the checked answer; what was given needs no question, unless it is wrong."""
    if given is not None:
        try:
            value = check(given)
        except AnswerError as error:
            print(f"{question}: {error}")
        else:
            print(f"{question}: {'given' if is_hidden else given}")
            return value
    while True:
        text = _prompt(question, default, shows_default=bool(default), is_hidden=is_hidden)
        try:
            return check(text)
        except AnswerError as error:
            print(f"  {error}")


def _prompt(
    question: str,
    default: str | None = None,
    *,
    shows_default: bool = True,
    is_hidden: bool = False,
) -> str:
    answer: str = typer.prompt(
        question, default=default, hide_input=is_hidden, show_default=shows_default
    )
    return answer.strip()
