"""The actions `notify.kilopush_<channel>`, for what cannot use entities: Alert, YAML groups, MFA.

Such a caller has nobody who reads an error, and often one set of data for several services. So
what cannot be used of the data is left out with a line in the log, and the message goes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, override

import probatio
from homeassistant.components.notify.const import (
    ATTR_DATA,
    ATTR_MESSAGE,
    ATTR_TARGET,
    ATTR_TITLE,
)
from homeassistant.components.notify.const import DOMAIN as NOTIFY_DOMAIN
from homeassistant.components.notify.legacy import BaseNotificationService
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_NAME
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import discovery
from homeassistant.util import slugify

from .const import CONF_LEGACY_ACTIONS, DOMAIN
from .core.protocol import is_link
from .entity import async_send, distinct_names
from .services import ATTR_URL, EXTRAS, absolute_url, to_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType

    from .channel import KilopushConfigEntry

_LOGGER = logging.getLogger(__name__)

_ENTRY_ID: Final = "entry_id"
_EXTRAS: Final = probatio.Schema(EXTRAS)
_ALIVE: Final = (ConfigEntryState.SETUP_IN_PROGRESS, ConfigEntryState.LOADED)


async def async_load_legacy(
    hass: HomeAssistant, entry: KilopushConfigEntry, hass_config: ConfigType
) -> None:
    """Make the actions of a channel if its option asks for them. They go when it is unloaded."""
    if not entry.options.get(CONF_LEGACY_ACTIONS, False):
        return
    info = {CONF_NAME: f"{DOMAIN}_{entry.title}", _ENTRY_ID: entry.entry_id}
    # A task of its own, as the helper asks for: it may have to load `notify` first.
    hass.async_create_task(
        discovery.async_load_platform(hass, NOTIFY_DOMAIN, DOMAIN, info, hass_config),
        f"legacy actions of {DOMAIN}",
    )


async def async_get_service(
    hass: HomeAssistant, config: ConfigType, discovery_info: DiscoveryInfoType | None = None
) -> LegacyService | None:
    """Return the service of a channel. None: a channel is never set up in YAML."""
    if discovery_info is None:
        return None
    entry = hass.config_entries.async_get_entry(discovery_info[_ENTRY_ID])
    return None if entry is None else LegacyService(entry)


class LegacyService(BaseNotificationService):
    """Sends to all people of a channel, or to those that the action names."""

    def __init__(self, entry: KilopushConfigEntry) -> None:
        self._entry = entry
        self._told: set[str] = set()

    @property
    @override
    def targets(self) -> Mapping[str, str]:
        """The recipients: each has an action of its own, too."""
        return {name: id_ for id_, name in self._names().items()}

    @override
    async def async_register_services(self) -> None:
        """Make the actions, unless the channel was unloaded while Home Assistant prepared them."""
        if self._entry.state not in _ALIVE:
            return
        if self.hass.services.has_service(NOTIFY_DOMAIN, self._service_name):
            _LOGGER.error(
                "There is already an action notify.%s: rename this channel", self._service_name
            )
            return
        await super().async_register_services()
        self._entry.async_on_unload(self.async_unregister_services)

    @override
    async def async_send_message(self, message: str, **kwargs: Any) -> None:
        """Send to the people named, to all if none is."""
        fields = self._usable(kwargs.get(ATTR_DATA) or {})
        fields |= {ATTR_MESSAGE: message, ATTR_TITLE: kwargs.get(ATTR_TITLE, "")}
        recipient_ids = self._recipient_ids(kwargs.get(ATTR_TARGET))
        await async_send(self._entry.runtime_data, recipient_ids, to_request(self.hass, fields))

    def _names(self) -> dict[str, str]:
        return distinct_names(self._entry.runtime_data.recipients.values())

    def _recipient_ids(self, targets: list[str] | None) -> list[str]:
        """Return who is meant: by an id, as the actions of one person have it, or by a name."""
        names = self._names()
        if not targets:
            return list(names)
        ids = {slugify(name): id_ for id_, name in names.items()} | {id_: id_ for id_ in names}
        wanted = [target if target in names else slugify(target) for target in targets]
        if unknown := [target for target in wanted if target not in ids]:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="target_unknown",
                translation_placeholders={"name": ", ".join(unknown)},
            )
        return [ids[target] for target in wanted]

    def _usable(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a message, without what cannot be used."""
        fields: dict[str, Any] = {}
        for name, value in data.items():
            try:
                fields |= self._checked(name, value)
            except (probatio.Invalid, ServiceValidationError) as error:
                self._tell(name, error)
        return fields

    def _checked(self, name: str, value: Any) -> dict[str, Any]:
        field: dict[str, Any] = _EXTRAS({name: value})
        if name == ATTR_URL:
            url = absolute_url(self.hass, field[ATTR_URL])
            if url is not None and not is_link(url):
                raise probatio.Invalid("no link")
        return field

    def _tell(self, name: str, error: Exception) -> None:
        # Once for each: an alert repeats the same data until somebody answers.
        if name not in self._told:
            self._told.add(name)
            _LOGGER.warning(
                'notify.%s: "%s" of the data is ignored: %s', self._service_name, name, error
            )
