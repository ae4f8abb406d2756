"""The shape of the configuration file: which words there are and what may stand behind them.

The JSON Schema for editors is made from these models. Here, nothing is required: a word that is
missing is noted together with what needs more than one value to judge (names of people,
expressions, topics), so that every problem of a file is seen at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from kilopush_bridge.config.config import DIGEST_AT, Grant
from kilopush_bridge.core.budget import DIGESTS, KEEP_FOR_CRITICAL, OTHER_SENDERS, PER_DAY
from kilopush_bridge.core.protocol import API_URL

# Sections of the design that this version accepts, with one warning, and does not act on.
LATER_SECTIONS = ("web", "heartbeat", "alive")
LATER_MQTT_WORDS = ("discovery",)
LATER_WORDS = frozenset({*LATER_SECTIONS, *LATER_MQTT_WORDS})

UNLIMITED = "unlimited"
COUNT_MAX = 1_000_000  # far beyond any use: arithmetic with it stays exact
TIMES_MAX = 24
TIME_PATTERN = "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"


def _one_or_more(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Names = Annotated[
    list[str],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]
PriorityWord = Literal["critical", "high", "normal", "low", "digest"]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]
OneOrMore = Annotated[int, Field(ge=1, le=COUNT_MAX)]
# The pattern is for editors. Times are read later, where an item that is wrong can be left out.
Time = Annotated[str, Field(json_schema_extra={"pattern": TIME_PATTERN})]
Times = Annotated[
    list[str],
    BeforeValidator(_one_or_more, json_schema_input_type=Time | list[Time]),
    Field(min_length=1, max_length=TIMES_MAX),
]


def _later() -> Any:
    return Field(default=None, description="not acted on in this version")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty_words(cls, data: Any) -> Any:
        """A word with nothing behind it (`alerts:`) is as good as none."""
        if data is None:
            return {}
        if isinstance(data, dict):
            return {word: value for word, value in data.items() if value not in (None, "")}
        return data


class MqttSection(_Section):
    """How to reach the broker."""

    url: str = Field(
        default="mqtt://localhost:1883", description="mqtt:// mqtts:// ws:// wss:// or embedded://"
    )
    username: str | None = Field(default=None, description="for the broker")
    password: str | None = Field(
        default=None, description="for the broker; better ${MQTT_PASSWORD}"
    )
    ca_file: str | None = Field(
        default=None, description="certificate authority to trust instead of the system's"
    )
    cert_file: str | None = Field(default=None, description="client certificate")
    key_file: str | None = Field(default=None, description="key of the client certificate")
    client_id: str | None = Field(
        default=None, description="default: a random one, kept with the state"
    )
    topic_prefix: str = Field(default="kilopush", description="the bridge's own topics")
    discovery: Any = _later()


class BudgetSection(_Section):
    """How many messages a channel may send a day, and what is kept for whom."""

    per_day: OneOrMore | Literal["unlimited"] | None = Field(
        default=None, description=f"messages a day, or `{UNLIMITED}`; default: {PER_DAY}"
    )
    keep_for_critical: Count | None = Field(
        default=None, description=f"messages kept for criticals; default: {KEEP_FOR_CRITICAL}"
    )
    other_senders: Count | None = Field(
        default=None, description=f"messages left to other senders; default: {OTHER_SENDERS}"
    )
    digests: Count | None = Field(
        default=None, description=f"messages kept for digests, one per person; default: {DIGESTS}"
    )


class ChannelSection(_Section):
    """A channel of KILO.Push: the sender."""

    model_config = ConfigDict(json_schema_extra={"required": ["token", "secret"]})

    token: str | None = Field(
        default=None, description="channel token: c_ and 40 letters and digits"
    )
    secret: str | None = Field(
        default=None, description="channel secret key: 64 letters and digits"
    )
    budget: BudgetSection = Field(
        default_factory=BudgetSection, description="where this channel differs from `budget`"
    )
    critical_channel: str | None = Field(
        default=None, description="the channel for criticals while this one's day is used up"
    )


class QuietSection(_Section):
    """When only what is urgent is sent."""

    model_config = ConfigDict(json_schema_extra={"required": ["from", "to"]})

    from_: Time | None = Field(default=None, alias="from", description="time of day: 22:30")
    to: Time | None = Field(default=None, description="time of day; may be on the next day")
    let_through: Literal["critical", "high", "normal"] = Field(
        default="high", description="this and what is more urgent does not wait"
    )


class DigestSection(_Section):
    """When what waited is sent as one message."""

    at: Times = Field(
        default=[f"{at:%H:%M}" for at in DIGEST_AT], description="time(s) of day: 07:00"
    )


class SenderSection(_Section):
    """What one sender may ask for over `kilopush/send/...`."""

    priority: PriorityWord = Field(default="high", description="the highest that it may use")
    per_hour: OneOrMore = Field(
        default=Grant().per_hour,
        description=f"requests in an hour, criticals by themselves; default: {Grant().per_hour}",
    )


class DefaultsSection(_Section):
    """What rules take when they do not say."""

    to: Names | None = Field(default=None, description="person, group or list of them")
    priority: PriorityWord = Field(default="normal", description="how urgent an alert is")
    channel: str | None = Field(default=None, description="default: the first channel")


class LogSection(_Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="how much"
    )
    format: Literal["text", "json"] = Field(
        default="text", description="for people or for machines"
    )


class RuleSection(_Section):
    """One rule under `alerts:`."""

    model_config = ConfigDict(
        json_schema_extra={
            "required": ["topic", "message"],
            "oneOf": [
                {"required": ["when"]},
                {"required": ["event"]},
                {"required": ["stale"]},
            ],
        }
    )

    topic: Names | None = Field(
        default=None, description="topic filter(s); +name and #name name a wildcard"
    )
    except_: Names | None = Field(
        default=None, alias="except", description="topic filter(s) to leave out"
    )
    when: str | None = Field(default=None, description="a state: fires when it begins to hold")
    event: str | None = Field(
        default=None, description="each message for which this is true counts by itself"
    )
    until: str | None = Field(
        default=None, description="what ends a `when`; default: `when` is false"
    )
    stale: str | None = Field(
        default=None, description="fires when nothing was heard for so long: 3h"
    )
    for_: str | None = Field(
        default=None, alias="for", description="a `when` must hold so long before it is told: 15m"
    )
    clear_after: str | None = Field(
        default=None, description="an `event` counts as over so long after the last one: 5m"
    )
    repeat: Names | None = Field(
        default=None, description="reminders while it lasts, the last interval recurs: [10m, 1h]"
    )
    cooldown: str | None = Field(
        default=None, description="least time between two alarms of the same key: 5m"
    )
    limit: str | None = Field(
        default=None, description="alarms of the rule, the surplus goes to the digest: 6 per hour"
    )
    group: str | None = Field(
        default=None, description="collect so long, then one message, one line each: 20s"
    )
    unless: Names | None = Field(
        default=None, description="rule(s) that mute this one while they fire"
    )
    key: str | None = Field(
        default=None, description="what makes two messages the same alert; default: the topic"
    )
    priority: PriorityWord | None = Field(default=None, description="default: that of `defaults`")
    to: Names | None = Field(default=None, description="person, group or list; default: `defaults`")
    channel: str | None = Field(default=None, description="the channel that sends it")
    message: str | None = Field(default=None, description="the text, a template")
    url: str | None = Field(default=None, description="a link, a template")
    silent: bool | str = Field(
        default=False,
        union_mode="left_to_right",
        description="true, false, or a template that gives one of them",
    )
    recovered: str | None = Field(default=None, description="the text when it is over, a template")
    retained: Literal["compare", "ignore", "fire"] | None = Field(
        default=None,
        description="replayed retained messages; default: compare for `when`, else ignore",
    )


class FileSection(_Section):
    """The whole file."""

    model_config = ConfigDict(json_schema_extra={"required": ["channels", "people"]})

    mqtt: MqttSection = Field(default_factory=MqttSection)
    channels: dict[str, ChannelSection] = Field(
        default_factory=dict, description="the senders, by name; most people have one"
    )
    people: dict[str, Names] = Field(
        default_factory=dict, description="name: user token, or a list of names (a group)"
    )
    budget: BudgetSection = Field(default_factory=BudgetSection)
    quiet: QuietSection | None = Field(default=None, description="default: never quiet")
    digest: DigestSection = Field(default_factory=DigestSection)
    senders: dict[str, SenderSection] = Field(
        default_factory=dict, description="senders that may do more or less than others, by name"
    )
    defaults: DefaultsSection = Field(default_factory=DefaultsSection)
    alerts: dict[str, RuleSection] = Field(default_factory=dict, description="the rules, by name")
    timezone: str | None = Field(
        default=None, description="of digests, quiet hours and printed times; default: the system's"
    )
    state: str | None = Field(default=None, description="the state file")
    log: LogSection = Field(default_factory=LogSection)
    api_url: str = Field(default=API_URL, description="the send API; http:// for this machine only")
    web: Any = _later()
    heartbeat: Any = _later()
    alive: Any = _later()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    schema: dict[str, Any] = _as_yaml_reads(FileSection.model_json_schema(mode="validation"))
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "kilopush-bridge"}


def _as_yaml_reads(schema: Any) -> Any:
    """Return `schema` with numbers and booleans where texts are asked for.

    The bridge takes `password: 0815` and `event: true` as they are written; to an editor they are
    a number and a boolean.
    """
    if isinstance(schema, list):
        return [_as_yaml_reads(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    read = {word: _as_yaml_reads(part) for word, part in schema.items()}
    if read.get("type") == "string" and not {"enum", "const"} & read.keys():
        read["type"] = ["string", "number", "boolean"]
    return read
