"""The options of a channel: how its messages of the day are shared out, and by which ways."""

from typing import TYPE_CHECKING, Any, Final

import probatio
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util import dt as dt_util

from .const import (
    CONF_DAILY_LIMIT,
    CONF_DIGEST_AT,
    CONF_DIGESTS,
    CONF_KEEP_FOR_CRITICAL,
    CONF_LEGACY_ACTIONS,
    CONF_OTHER_SENDERS,
    CONF_SHARE,
    CONF_TOPIC_PREFIX,
    CONF_UNLIMITED,
    CONF_VIA_BRIDGE,
    DEFAULT_DIGEST_AT,
    DEFAULT_TOPIC_PREFIX,
)
from .core.budget import DIGESTS, KEEP_FOR_CRITICAL, OTHER_SENDERS, PER_DAY, cap
from .forms import people_who_fit
from .settings import limits_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_MQTT: Final = "mqtt"
_DEFAULTS: Final = {
    CONF_DAILY_LIMIT: PER_DAY,
    CONF_UNLIMITED: False,
    CONF_KEEP_FOR_CRITICAL: KEEP_FOR_CRITICAL,
    CONF_OTHER_SENDERS: OTHER_SENDERS,
    CONF_DIGESTS: DIGESTS,
    CONF_DIGEST_AT: DEFAULT_DIGEST_AT,
    CONF_VIA_BRIDGE: False,
    CONF_TOPIC_PREFIX: DEFAULT_TOPIC_PREFIX,
    CONF_LEGACY_ACTIONS: False,
}
_MOST_MESSAGES: Final = 100_000  # more than anybody sends; the field needs some end
_MOST_TIMES: Final = 24  # the bridge takes as many


def _messages(at_least: int) -> probatio.All[Any]:
    """Return the field of a number of messages a day."""
    config = NumberSelectorConfig(
        min=at_least, max=_MOST_MESSAGES, step=1, mode=NumberSelectorMode.BOX
    )
    return probatio.All(NumberSelector(config), probatio.Coerce(int))


_TIMES: Final = SelectSelector(
    SelectSelectorConfig(
        options=[f"{hour:02}:00" for hour in range(24)],
        multiple=True,
        custom_value=True,
        mode=SelectSelectorMode.DROPDOWN,
    )
)
_SECTION_OPEN: Final = "quota"
_SECTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    _SECTION_OPEN: {
        CONF_UNLIMITED: BooleanSelector(),
        CONF_DAILY_LIMIT: _messages(at_least=1),
        CONF_KEEP_FOR_CRITICAL: _messages(at_least=0),
    },
    "others": {
        CONF_OTHER_SENDERS: _messages(at_least=0),
        CONF_SHARE: _messages(at_least=1),
    },
    "digest": {CONF_DIGEST_AT: _TIMES, CONF_DIGESTS: _messages(at_least=1)},
    "bridge": {CONF_VIA_BRIDGE: BooleanSelector(), CONF_TOPIC_PREFIX: TextSelector()},
    "actions": {CONF_LEGACY_ACTIONS: BooleanSelector()},
}


class ChannelOptionsFlow(OptionsFlow):
    """Changes the options of a channel."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Take what holds together, and say what does not."""
        shown = {**_DEFAULTS, **self.config_entry.options}
        error = ""
        if user_input is not None:
            shown = _options_of(user_input)
            error = self._problem(shown)
            if not error:
                return self.async_create_entry(data=shown)
        return self.async_show_form(
            step_id="init",
            data_schema=_schema(shown, is_all_open=bool(error)),
            # Beside a field of a section an error is not seen.
            errors={"base": error} if error else {},
            description_placeholders={"people": str(self._people), **_figures(shown)},
        )

    @property
    def _people(self) -> int:
        return len(self.config_entry.subentries)

    def _problem(self, options: Mapping[str, Any]) -> str:
        if not all(map(dt_util.parse_time, options[CONF_DIGEST_AT])):
            return "digest_at_invalid"
        if not 0 < len(options[CONF_DIGEST_AT]) <= _MOST_TIMES:
            return "digest_at_count"
        if not _is_topic(options[CONF_TOPIC_PREFIX]):
            return "topic_prefix_invalid"
        if options[CONF_VIA_BRIDGE] and not self.hass.config_entries.async_entries(_MQTT):
            return "mqtt_missing"
        return _quota_problem(options, self._people)


def _quota_problem(options: Mapping[str, Any], people: int) -> str:
    fit = people_who_fit(options)
    if fit is None:
        return ""
    if cap(limits_of(_without_share(options), people)) == 0:
        return "nothing_left"
    if people > fit:
        return "too_few_digests"
    if options.get(CONF_SHARE, 0) > options[CONF_DAILY_LIMIT]:
        return "share_too_large"
    return "share_too_small" if cap(limits_of(options, max(1, people))) == 0 else ""


def _without_share(options: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in options.items() if field != CONF_SHARE}


def _figures(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers that an error tells."""
    kept = (CONF_KEEP_FOR_CRITICAL, CONF_OTHER_SENDERS, CONF_DIGESTS)
    return {
        "kept": str(sum(options[field] for field in kept)),
        "daily_limit": str(options[CONF_DAILY_LIMIT]),
        "digests": str(options[CONF_DIGESTS]),
        "share": str(options.get(CONF_SHARE, "")),
    }


def _options_of(user_input: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was entered without its sections, in the form that is stored."""
    options = {field: value for fields in user_input.values() for field, value in fields.items()}
    options[CONF_TOPIC_PREFIX] = options[CONF_TOPIC_PREFIX].strip()
    options[CONF_DIGEST_AT] = sorted({_stored_time(text) for text in options[CONF_DIGEST_AT]})
    return options


def _stored_time(text: str) -> str:
    """Return "07:00:00" for "7:00", and what is no time as it is."""
    at = dt_util.parse_time(text.strip())
    return text if at is None else at.isoformat(timespec="seconds")


def _is_topic(text: str) -> bool:
    """Return whether topics of the bridge may begin with ``text``; it asks for the same."""
    has_wildcard = bool({"+", "#", "\0"} & set(text))
    return text.strip("/") == text != "" and not text.startswith("$") and not has_wildcard


def _schema(shown: Mapping[str, Any], *, is_all_open: bool) -> probatio.Schema:
    times = [text.removesuffix(":00") for text in shown[CONF_DIGEST_AT]]
    shown = {**shown, CONF_DIGEST_AT: times}
    sections = {
        probatio.Required(name): section(
            probatio.Schema({_marker(field, shown): fields[field] for field in fields}),
            {"collapsed": name != _SECTION_OPEN and not is_all_open},
        )
        for name, fields in _SECTIONS.items()
    }
    return probatio.Schema(sections)


def _marker(field: str, shown: Mapping[str, Any]) -> probatio.Marker:
    if field == CONF_SHARE:
        return probatio.Optional(field, description={"suggested_value": shown.get(field)})
    return probatio.Required(field, default=shown[field])
