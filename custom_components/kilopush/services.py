"""The action `kilopush.send_message`: a message with everything that it can carry."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import probatio
from homeassistant.components.notify.const import ATTR_MESSAGE, ATTR_TITLE
from homeassistant.components.notify.const import DOMAIN as NOTIFY_DOMAIN
from homeassistant.core import SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.service import async_register_platform_entity_service

from .const import DOMAIN
from .outbox.model import Priority, Request, TooLong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.core import HomeAssistant

SERVICE_SEND_MESSAGE: Final = "send_message"

ATTR_URL: Final = "url"
ATTR_SILENT: Final = "silent"
ATTR_PRIORITY: Final = "priority"
ATTR_KEY: Final = "key"
ATTR_TOO_LONG: Final = "too_long"
ATTR_TIME_TO_LIVE: Final = "time_to_live"

# What a message may carry beside its words.
EXTRAS: Final[dict[probatio.Marker, Any]] = {
    probatio.Optional(ATTR_URL): cv.string,
    probatio.Optional(ATTR_SILENT): cv.boolean,
    probatio.Optional(ATTR_PRIORITY): probatio.In([priority.word for priority in Priority]),
    probatio.Optional(ATTR_KEY): cv.string,
    probatio.Optional(ATTR_TOO_LONG): probatio.In([choice.value for choice in TooLong]),
    probatio.Optional(ATTR_TIME_TO_LIVE): probatio.All(
        cv.positive_time_period, probatio.Range(min=timedelta(seconds=1))
    ),
}

_SCHEMA: Final = cv.make_entity_service_schema(
    {probatio.Required(ATTR_MESSAGE): cv.string, probatio.Optional(ATTR_TITLE): cv.string, **EXTRAS}
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the action. It is there without any channel: automations that use it stay valid."""
    async_register_platform_entity_service(
        hass,
        DOMAIN,
        SERVICE_SEND_MESSAGE,
        entity_domain=NOTIFY_DOMAIN,
        schema=_SCHEMA,
        func="async_publish",
        supports_response=SupportsResponse.OPTIONAL,
    )


def to_request(hass: HomeAssistant, fields: Mapping[str, Any]) -> Request:
    """Return the request that the fields of an action make.

    Raises:
        ServiceValidationError: the url is a path, and nobody knows the address before it. A
            critical message goes without it.
    """
    time_to_live: timedelta | None = fields.get(ATTR_TIME_TO_LIVE)
    priority = Priority.from_word(fields.get(ATTR_PRIORITY, Priority.NORMAL.word))
    try:
        url = absolute_url(hass, fields.get(ATTR_URL, ""))
    except ServiceValidationError:
        if priority is not Priority.CRITICAL:
            raise
        url = None
    return Request(
        message=fields[ATTR_MESSAGE],
        title=fields.get(ATTR_TITLE, ""),
        url=url,
        silent=fields.get(ATTR_SILENT),
        priority=priority,
        key=fields.get(ATTR_KEY, ""),
        time_to_live_s=None if time_to_live is None else time_to_live.total_seconds(),
        too_long=TooLong(fields.get(ATTR_TOO_LONG, TooLong.CUT)),
    )


def absolute_url(hass: HomeAssistant, url: str) -> str | None:
    """Return a link that opens on a phone, None for an empty one.

    A path such as "/lovelace/cameras" is a page of this Home Assistant.

    Raises:
        ServiceValidationError: this Home Assistant does not know its own address.
    """
    url = url.strip()
    if not url.startswith("/") or url.startswith("//"):
        return url or None
    try:
        return get_url(hass, prefer_external=True) + url
    except NoURLAvailableError as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="url_without_address"
        ) from error
