"""The dialogs of a channel: add it, give it a new secret."""

from typing import TYPE_CHECKING, Any, Final, override

import probatio
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback

from .const import CONF_SECRET, CONF_TOKEN, DOMAIN, SUBENTRY_RECIPIENT
from .core.protocol import is_channel_token, is_secret
from .forms import NAME_SELECTOR, SECRET_SELECTOR, is_name, unique_id_of
from .options_flow import ChannelOptionsFlow
from .recipient_flow import RecipientFlow

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANNEL_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_NAME): NAME_SELECTOR,
        probatio.Required(CONF_TOKEN): SECRET_SELECTOR,
        probatio.Required(CONF_SECRET): SECRET_SELECTOR,
    }
)
_NEW_SECRET_SCHEMA: Final = probatio.Schema({probatio.Required(CONF_SECRET): SECRET_SELECTOR})
_RECONFIGURE_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_SECRET): SECRET_SELECTOR,
        probatio.Optional(CONF_TOKEN): SECRET_SELECTOR,
    }
)
_CHECKS: Final = {
    CONF_NAME: (is_name, "name_invalid"),
    CONF_TOKEN: (is_channel_token, "token_invalid"),
    CONF_SECRET: (is_secret, "secret_invalid"),
}


class KilopushConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds a channel, and gives it a new secret. Needs no network."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_RECIPIENT: RecipientFlow}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return ChannelOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add a channel."""
        entered = _stripped(user_input)
        errors = _errors_of(entered)
        if user_input is not None and not errors:
            await self.async_set_unique_id(unique_id_of(entered[CONF_TOKEN]))
            self._abort_if_unique_id_configured()
            name = entered.pop(CONF_NAME)
            return self.async_create_entry(title=name, data=entered)
        name_only = {CONF_NAME: entered[CONF_NAME]} if entered and CONF_NAME not in errors else {}
        schema = self.add_suggested_values_to_schema(_CHANNEL_SCHEMA, name_only)
        return self.async_show_form(step_id="user", data_schema=schema, errors=errors)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go straight on to the first recipient: a channel without one sends nothing."""
        flow = await self.hass.config_entries.subentries.async_init(
            (result["result"].entry_id, SUBENTRY_RECIPIENT),
            context=SubentryFlowContext(source=SOURCE_USER),
        )
        result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to ask for a new secret: KILO.Push refuses the one there is."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take the new secret."""
        entry = self._get_reauth_entry()
        entered = _stripped(user_input)
        errors = _errors_of(entered)
        if user_input is not None and not errors:
            return self._async_take_secret(entry, entered[CONF_SECRET])
        return self._async_ask_again("reauth_confirm", _NEW_SECRET_SCHEMA, errors, entry)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a new secret of the same channel."""
        entry = self._get_reconfigure_entry()
        entered = _stripped(user_input)
        if not entered.get(CONF_TOKEN):
            entered.pop(CONF_TOKEN, None)
        errors = _errors_of(entered)
        if user_input is not None and not errors:
            if CONF_TOKEN in entered:
                await self.async_set_unique_id(unique_id_of(entered[CONF_TOKEN]))
                self._abort_if_unique_id_mismatch(
                    reason="account_mismatch", description_placeholders={"name": entry.title}
                )
            return self._async_take_secret(entry, entered[CONF_SECRET])
        return self._async_ask_again("reconfigure", _RECONFIGURE_SCHEMA, errors, entry)

    @callback
    def _async_take_secret(self, entry: ConfigEntry, secret: str) -> ConfigFlowResult:
        if entry.data[CONF_SECRET] == secret:
            # Nothing changes, so nothing reloads by itself; but whoever enters the same secret
            # again wants it to be tried again.
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_update_and_abort(entry, data_updates={CONF_SECRET: secret})

    @callback
    def _async_ask_again(
        self, step_id: str, schema: probatio.Schema, errors: dict[str, str], entry: ConfigEntry
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors=errors,
            description_placeholders={"name": entry.title},
        )


def _stripped(user_input: Mapping[str, str] | None) -> dict[str, str]:
    """Return what was entered, without the blanks that come along with copying."""
    return {field: value.strip() for field, value in (user_input or {}).items()}


def _errors_of(entered: Mapping[str, str]) -> dict[str, str]:
    return {
        field: error
        for field, (is_right, error) in _CHECKS.items()
        if field in entered and not is_right(entered[field])
    }
