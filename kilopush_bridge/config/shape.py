"""From raw data to sections: pydantic judges, this module says it in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from kilopush_bridge.config import schema
from kilopush_bridge.config.problems import did_you_mean, nearest, shortened

if TYPE_CHECKING:
    from collections.abc import Container

    from pydantic_core import ErrorDetails

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.source import KeyPath

# What people write who come from other tools, and what it is called here.
_OTHER_WORDS = {
    "on": "when",
    "if": "when",
    "condition": "when",
    "filter": "when",
    "trigger": "when",
    "topics": "topic",
    "exclude": "except",
    "text": "message",
    "template": "message",
    "targets": "to",
    "recipient": "to",
    "recipients": "to",
    "link": "url",
    "resolved": "recovered",
    "delay": "for",
    "duration": "for",
    "timeout": "stale",
    "throttle": "cooldown",
    "mute": "unless",
    "inhibit": "unless",
    "depends_on": "unless",
    "remind": "repeat",
    "reminder": "repeat",
    "interval": "repeat",
    "debounce": "for",
    "rate_limit": "limit",
    "batch": "group",
    "user": "username",
    "users": "people",
    "rules": "alerts",
    "broker": "mqtt",
    "reserve": "keep_for_critical",
    "time": "at",
    "times": "at",
}
_URL_HINT = "it belongs into `url`: mqtt://host:port"
# The same, where no single word takes its place.
_OTHER_WAYS: dict[tuple[type[BaseModel], str], str] = {
    (schema.FileSection, "secrets"): "where it is needed, write `!secret name` or `${NAME}`",
    (schema.MqttSection, "broker"): _URL_HINT,
    (schema.MqttSection, "host"): _URL_HINT,
    (schema.MqttSection, "port"): _URL_HINT,
    (schema.MqttSection, "server"): _URL_HINT,
    (schema.RuleSection, "action"): "`to` says who gets it, `message` what they read",
    (schema.RuleSection, "actions"): "`to` says who gets it, `message` what they read",
}
_SECTIONS: dict[str, type[BaseModel]] = {
    "mqtt": schema.MqttSection,
    "quiet": schema.QuietSection,
    "digest": schema.DigestSection,
    "defaults": schema.DefaultsSection,
    "log": schema.LogSection,
}
_RULE_WORDS = frozenset(
    {field.alias or name for name, field in schema.RuleSection.model_fields.items()}
)
_NUMBER_KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
_BRACKET_HINT = "put text that begins with `{` or `[` in quotes"


def parse_shape(data: dict[str, Any], problems: Problems) -> schema.FileSection:
    """Return the sections of a file, without the parts that cannot be used.

    Those are noted, and removed from `data`: the rest of the file is worth checking too.
    """
    _reject_unindented(data, problems)
    while True:
        try:
            return schema.FileSection.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            wrong = {_real_path(detail["loc"], data): detail for detail in reversed(details)}
            for path, detail in wrong.items():
                _reject(path, detail, data, problems)
                _remove(path, data)


def _reject_unindented(data: dict[str, Any], problems: Problems) -> None:
    """Note once that words of a rule stand where names of rules belong."""
    alerts = data.get("alerts")
    if not isinstance(alerts, dict):
        return
    words = [name for name, value in alerts.items() if _is_rule_word(name, value)]
    if not words:
        return
    names = list(alerts)
    above = names[: names.index(words[0])]
    owner = above[-1] if above and alerts[above[-1]] is None else None
    what = f"`{words[0]}` stands where a rule's name belongs"
    hint = f"indent it below `{shortened(owner)}`" if owner else "indent it below a name"
    problems.reject(("alerts", words[0]), what, hint, is_key=True)
    empty = [name for name, value in alerts.items() if value is None]
    for name in {*words, *empty}:
        problems.ignore(("alerts", name))
        del alerts[name]


def _is_rule_word(name: str, value: Any) -> bool:
    return name in _RULE_WORDS and isinstance(value, (str, list))


def _real_path(location: KeyPath, data: Any) -> KeyPath:
    """Return the part of pydantic's location that is in the file: unions add their own names."""
    path: list[str | int] = []
    for part in location:
        if part in _parts(data):
            data = data[part]
            path.append(part)
    return tuple(path)


def _parts(data: Any) -> Container[str | int]:
    if isinstance(data, list):
        return range(len(data))
    return data if isinstance(data, dict) else ()


def _remove(path: KeyPath, data: Any) -> None:
    *parents, last = path
    for part in parents:
        if part not in _parts(data):
            return  # its section has been removed as a whole
        data = data[part]
    if isinstance(data, list):
        data[int(last)] = ""  # the places of the other items stay true
    else:
        data.pop(last, None)


def _reject(path: KeyPath, detail: ErrorDetails, data: Any, problems: Problems) -> None:
    for part in path:
        data = data[part]
    if detail["type"] == "extra_forbidden":
        _reject_word(path, problems)
    elif detail["type"] == "literal_error":
        choices = detail["ctx"]["expected"].replace("'", "`")
        _reject_choice(path, data, choices, problems)
    elif detail["type"] in _NUMBER_KINDS:
        _reject_number(path, detail, data, problems)
    else:
        problems.reject(path, *_what(path, detail["type"], data))


def _reject_number(path: KeyPath, detail: ErrorDetails, value: Any, problems: Problems) -> None:
    field = _model_at(path[:-1]).model_fields[str(path[-1])]
    needed = _NUMBER_KINDS[detail["type"]].format(**detail.get("ctx", {}))
    shown = f", not {problems.shown(path, value)}" if isinstance(value, str) else ""
    problems.reject(path, f"`{path[-1]}` must be {needed}{shown}", field.description or "")


def _what(path: KeyPath, kind: str, value: Any) -> tuple[str, str]:
    word = shortened(str(path[-1])) if isinstance(path[-1], str) else f"{path[-2]}[{path[-1]}]"
    if kind == "too_short" or value is None:
        return f"`{word}` is empty", ""
    if kind == "too_long":
        return f"`{word}` has too many entries", f"at most {schema.TIMES_MAX}"
    if kind in ("string_type", "bool_type"):
        return f"`{word}` must be a text", _BRACKET_HINT
    hint = "no `-` or `[` here: the name goes before the colon" if isinstance(value, list) else ""
    return f"`{word}` must be a section of `name: value` lines", hint


def _reject_choice(path: KeyPath, value: Any, choices: str, problems: Problems) -> None:
    word = path[-1]
    known = choices.replace(" or ", ", ").replace("`", "").split(", ")
    hint = did_you_mean(value, known) if isinstance(value, str) else ""
    problems.reject(path, f"`{word}` must be {choices}", hint)


def _reject_word(path: KeyPath, problems: Problems) -> None:
    """Note an unknown word, and let what was probably meant count as present."""
    word = str(path[-1])
    words = _words_beside(path)
    other_way = _OTHER_WAYS.get((_model_at(path[:-1]), word))
    meant, hint = (None, other_way) if other_way else _meant(word, words)
    problems.reject(path, f"`{shortened(word)}` is no word here", hint, is_key=True)
    if meant:
        problems.excuse((*path[:-1], meant))


def _meant(word: str, words: list[str]) -> tuple[str | None, str]:
    """Return the word that was probably meant, and the hint that says so."""
    others = [other for other, ours in _OTHER_WORDS.items() if ours in words]
    if word not in others and (close := nearest(word, words)):
        return close, f"did you mean `{close}`?"
    if other := nearest(word, others):
        return _OTHER_WORDS[other], f"here that is `{_OTHER_WORDS[other]}`"
    return None, f"there are: {', '.join(words)}"


def _words_beside(path: KeyPath) -> list[str]:
    fields = _model_at(path[:-1]).model_fields
    return [field.alias or name for name, field in fields.items() if name not in schema.LATER_WORDS]


def _model_at(path: KeyPath) -> type[BaseModel]:
    match path:
        case ("alerts", _):
            return schema.RuleSection
        case ("channels", _):
            return schema.ChannelSection
        case ("budget",) | ("channels", _, "budget"):
            return schema.BudgetSection
        case ("senders", _):
            return schema.SenderSection
        case (str(name),) if name in _SECTIONS:
            return _SECTIONS[name]
        case _:
            return schema.FileSection
