"""From answers to the text of `config.yaml` and `secrets.yaml`."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

from kilopush_bridge.config.secret_file import FILE_NAME
from kilopush_bridge.setup.answers import CHANNEL, EVERYONE, Answers, Keep
from kilopush_bridge.setup.devices import names_of, rules_for

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSWORD = "MQTT_PASSWORD"  # noqa: S105  (the name of one)
TOKEN = "KILO_TOKEN"  # noqa: S105
SECRET = "KILO_SECRET"  # noqa: S105

# Text that YAML takes as it stands, wherever it stands.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/.-]*(?:://[A-Za-z0-9_.:\[\]/-]+)?\Z")
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_WIDTH = 34  # of a line before its comment

_WHERE = {
    Keep.FILE: f"""\
# `!secret name` is read from {FILE_NAME} beside this file. Keep that one to yourself; this one can
# be shown to anybody.""",
    Keep.ENVIRONMENT: """\
# `${NAME}` is taken from the environment of the bridge; this file can be shown to anybody.""",
    Keep.INLINE: """\
# This file holds secrets: whoever has it can send on your channel.""",
}


def references(people: Iterable[str]) -> dict[str, str]:
    """Return the name of the variable that holds each person's token: `anna` has `KILO_ANNA`.

    A name that makes none, or one that is taken, is counted: `KILO_PERSON_2`.
    """
    names: dict[str, str] = {}
    for number, person in enumerate(people, 1):
        plain = unicodedata.normalize("NFKD", person).encode("ascii", "ignore").decode()
        word = re.sub(r"\W+", "_", plain).strip("_").upper()
        name = f"KILO_{word}"
        if not word or name in {TOKEN, SECRET, *names.values()}:
            name = f"KILO_PERSON_{number}"
        names[person] = name
    return names


def secrets_of(answers: Answers) -> dict[str, str]:
    """Return every secret by the name of its variable."""
    names = references(answers.people)
    password = answers.broker.password
    return {
        **({PASSWORD: password} if password is not None else {}),
        TOKEN: answers.token,
        SECRET: answers.secret,
        **{names[person]: token for person, token in answers.people.items()},
    }


def file_name(name: str) -> str:
    """Return what a variable is called in `secrets.yaml`, which other programs may share."""
    return name.lower() if name.startswith("KILO_") else f"kilo_{name.lower()}"


def config_text(answers: Answers, keep: Keep) -> str:
    """Return the configuration file."""
    parts = (
        _head(keep),
        _mqtt(answers, keep),
        _channel(answers, keep),
        _people(answers, keep),
        _budget(),
        _alerts(answers),
    )
    return "\n".join(parts)


def merged_secrets(text: str, answers: Answers) -> str:
    """Return `secrets.yaml` with our secrets in it; what else stands there stays."""
    values = {file_name(name): _quoted(value) for name, value in secrets_of(answers).items()}
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if (name := _name_in(line)) in values:
            lines[at] = f"{name}: {values.pop(name)}"
    if not text.strip():
        lines = ["# Secrets of kilopush-bridge. Only its user should be able to read this file."]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in values.items())]) + "\n"


def clashes(text: str, answers: Answers) -> list[str]:
    """Return which of our names a `secrets.yaml` has with other values."""
    ours = {file_name(name) for name in secrets_of(answers)}
    kept = set(text.splitlines()) - set(merged_secrets(text, answers).splitlines())
    return sorted(name for name in map(_name_in, kept) if name in ours)


def _name_in(line: str) -> str:
    match = re.match(r"([\w-]+)[ \t]*:(?:[ \t]|\Z)", line)
    return match[1] if match else ""


def _head(keep: Keep) -> str:
    return f"""\
# kilopush-bridge: MQTT in, KILO.Push alerts out. Written by `kilopush-bridge init`.
#   kilopush-bridge check                  says what is wrong with this file, with line numbers
#   kilopush-bridge try TOPIC PAYLOAD      says what a message would do
#   kilopush-bridge run
#
{_WHERE[keep]}
"""


def _mqtt(answers: Answers, keep: Keep) -> str:
    broker = answers.broker
    lines = ["mqtt:", f"  url: {_value(broker.url)}"]
    if broker.username is not None:
        lines.append(f"  username: {_value(broker.username)}")
    if broker.password is not None:
        lines.append(f"  password: {_secret(PASSWORD, broker.password, keep)}")
    if broker.ca_file is not None:
        lines.append(f"  ca_file: {_value(broker.ca_file)}")
    return _lines(lines)


def _channel(answers: Answers, keep: Keep) -> str:
    return _lines(
        [
            _commented("channels:", "in the app: Channels, your channel, API"),
            f"  {CHANNEL}:",
            f"    token: {_secret(TOKEN, answers.token, keep)}",
            f"    secret: {_secret(SECRET, answers.secret, keep)}",
        ]
    )


def _people(answers: Answers, keep: Keep) -> str:
    names = references(answers.people)
    lines = [_commented("people:", "in the app: Profile, User Token")]
    for person, token in answers.people.items():
        lines.append(f"  {_value(person, is_key=True)}: {_secret(names[person], token, keep)}")
    if len(answers.people) > 1:
        lines.append(_commented(f"  {EVERYONE}: {_list(answers.people)}", "a group"))
    to = answers.default_to
    lines += [
        "",
        "defaults:",
        _commented(
            f"  to: {_value(to[0]) if len(to) == 1 else _list(to)}", "if a rule does not say"
        ),
        _commented("  priority: normal", "critical, high, normal, low (no sound), digest"),
    ]
    return _lines(lines)


def _budget() -> str:
    return """\
# KILO.Push allows a channel 300 messages a day. 60 of them are kept for critical alerts; what does
# not fit into the rest is told in digests. A verified channel has no limit:
# budget: {per_day: unlimited}

# quiet:                          # at night only what is critical or high; the rest waits
#   from: "22:30"
#   to: "07:00"
"""


def _alerts(answers: Answers) -> str:
    rules, examples = rules_for(answers.kinds)
    heard = ", ".join(names_of(answers.kinds))
    lines = [f"# The rules. These suit what was heard at the broker: {heard}."] if heard else []
    lines += ["alerts:"]
    blocks = [_addressed(rule, answers) for rule in rules.values()]
    blocks += [_as_comment(_addressed(rule, answers)) for rule in examples.values()]
    if not rules:
        what = "# The rules. These are examples: take the `# ` away from what suits your house."
        lines.insert(0, what)
    return "\n".join([_lines(lines) + blocks[0], *blocks[1:]])


def _addressed(rule: str, answers: Answers) -> str:
    """Return a rule that wakes everybody if it is critical."""
    if len(answers.people) == 1 or answers.default_to == (EVERYONE,):
        return rule
    return re.sub(
        r"(    priority: critical.*\n)", lambda found: f"{found[1]}    to: {EVERYONE}\n", rule
    )


def _as_comment(block: str) -> str:
    return "".join(f"# {line}\n" for line in block.splitlines())


def _secret(name: str, value: str, keep: Keep) -> str:
    match keep:
        case Keep.FILE:
            return f"!secret {file_name(name)}"
        case Keep.ENVIRONMENT:
            return f"${{{name}}}"
        case Keep.INLINE:
            return _value(value)


def _value(text: str, *, is_key: bool = False) -> str:
    """Return text as the configuration reads it back: `$` stands for itself in keys only."""
    return _quoted(text if is_key else text.replace("$", "$$"))


def _quoted(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _NO_TEXT:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(_value(name) for name in names)}]"


def _commented(line: str, comment: str) -> str:
    return f"{line.ljust(_WIDTH - 1)} # {comment}"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
