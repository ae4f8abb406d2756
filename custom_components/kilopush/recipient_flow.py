"""The dialogs of a recipient: add or change one, with a test message on the way."""

import logging
from typing import TYPE_CHECKING, Any, Final

import probatio
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import BooleanSelector, TextSelector

from .const import CONF_BRIDGE_NAME, CONF_SILENT, CONF_USER_TOKEN
from .core import protocol
from .forms import NAME_SELECTOR, SECRET_SELECTOR, is_name, people_who_fit, unique_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGGER = logging.getLogger(__name__)

CONF_TEST: Final = "send_test"

# What a test message came to, and what the dialog says then.
_TEST_ERRORS: Final = {
    protocol.FORBIDDEN: "test_forbidden",
    protocol.REJECTED: "test_invalid",
    protocol.BLOCKED: "test_blocked",
    protocol.OPTED_OUT: "test_opted_out",
    protocol.QUOTA: "test_quota",
    protocol.UNSENT: "test_unreachable",
    protocol.UNCLEAR: "test_unclear",
}


class RecipientFlow(ConfigSubentryFlow):
    """Adds a recipient to a channel, or changes one."""

    # What is known of the token is not asked again, and never offered in a form.
    _user_token = ""
    # What KILO.Push said to the test message.
    _detail = ""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add a recipient."""
        entry = self._get_entry()
        fit = people_who_fit(entry.options)
        if fit is not None and len(entry.subentries) >= fit:
            return self.async_abort(
                reason="too_many_recipients", description_placeholders={"digests": str(fit)}
            )
        errors = {} if user_input is None else await self._async_errors(user_input)
        if user_input is None or errors:
            return self._async_show("user", user_input or {}, errors)
        return self.async_create_entry(
            title=_text(user_input, CONF_NAME),
            data=self._data(user_input),
            unique_id=unique_id_of(self._user_token),
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a recipient, who has a new user token after the app was installed again."""
        subentry = self._get_reconfigure_subentry()
        self._user_token = self._user_token or subentry.data[CONF_USER_TOKEN]
        errors = {} if user_input is None else await self._async_errors(user_input)
        if user_input is None or errors:
            shown = user_input or {CONF_NAME: subentry.title, **subentry.data}
            return self._async_show("reconfigure", shown, errors)
        return self.async_update_and_abort(
            self._get_entry(),
            subentry,
            title=_text(user_input, CONF_NAME),
            data=self._data(user_input),
            unique_id=unique_id_of(self._user_token),
        )

    async def _async_errors(self, user_input: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong, in the end with the help of KILO.Push."""
        errors = {}
        if not is_name(_text(user_input, CONF_NAME)):
            errors[CONF_NAME] = "name_invalid"
        if error := self._take_token(_text(user_input, CONF_USER_TOKEN)):
            errors[CONF_USER_TOKEN] = error
        if not errors and user_input[CONF_TEST] and (error := await self._async_test()):
            errors["base"] = error
        return errors

    @callback
    def _take_token(self, entered: str) -> str:
        """Keep the token for the rest of the dialog. Return what is wrong with it, else ""."""
        token = entered or self._user_token
        if not protocol.is_user_token(token):
            return "user_token_invalid"
        if unique_id_of(token) in self._unique_ids_of_others():
            return "already_configured"
        self._user_token = token
        return ""

    @callback
    def _unique_ids_of_others(self) -> set[str | None]:
        own = self._reconfigure_subentry_id if self.source == SOURCE_RECONFIGURE else None
        subentries = self._get_entry().subentries.values()
        return {one.unique_id for one in subentries if one.subentry_id != own}

    async def _async_test(self) -> str:
        """Send a test message. Return what it failed of, else ""."""
        entry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return "test_not_loaded"
        try:
            verdict = await entry.runtime_data.async_test(self._user_token)
        except HomeAssistantError as error:
            _LOGGER.error("The test message could not be sent: %s", error)
            return "unknown"
        if verdict.outcome == protocol.SENT:
            return ""
        self._detail = verdict.detail
        return _TEST_ERRORS.get(verdict.outcome, "unknown")

    @callback
    def _async_show(
        self, step_id: str, shown: Mapping[str, Any], errors: dict[str, str]
    ) -> SubentryFlowResult:
        suggested = {field: value for field, value in shown.items() if field != CONF_USER_TOKEN}
        if CONF_NAME in errors:
            del suggested[CONF_NAME]
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(self._schema(), suggested),
            errors=errors,
            description_placeholders={
                "channel": self._get_entry().title,
                "detail": self._detail,
            },
        )

    def _schema(self) -> probatio.Schema:
        need = probatio.Optional if self._user_token else probatio.Required
        return probatio.Schema(
            {
                probatio.Required(CONF_NAME): NAME_SELECTOR,
                need(CONF_USER_TOKEN): SECRET_SELECTOR,
                probatio.Required(CONF_SILENT, default=False): BooleanSelector(),
                probatio.Required(CONF_TEST, default=True): BooleanSelector(),
                probatio.Optional(CONF_BRIDGE_NAME): TextSelector(),
            }
        )

    def _data(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        data = {CONF_USER_TOKEN: self._user_token, CONF_SILENT: user_input[CONF_SILENT]}
        if bridge_name := _text(user_input, CONF_BRIDGE_NAME):
            data[CONF_BRIDGE_NAME] = bridge_name
        return data


def _text(user_input: Mapping[str, Any], field: str) -> str:
    return str(user_input.get(field, "")).strip()
