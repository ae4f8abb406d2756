"""Repairs: what only a person can put right, shown for as long as it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueSeverity

from .const import DOMAIN
from .outbox.model import Trouble

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .channel import Channel, KilopushConfigEntry

# The repair for each trouble. A wrong secret has its own way, reauthentication; and nobody can
# repair an unreachable network here: the problem sensor shows it.
_REPAIRS: Final = {
    Trouble.QUOTA: ("quota_exhausted", IssueSeverity.WARNING),
    Trouble.OPTED_OUT: ("blocked_by_recipient", IssueSeverity.WARNING),
    Trouble.RECIPIENT: ("recipient_unknown", IssueSeverity.ERROR),
    Trouble.BLOCKED: ("channel_blocked", IssueSeverity.ERROR),
}


@callback
def async_watch(hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
    """Keep the repairs of a channel in step with its troubles, until it is unloaded.

    They stay while it is unloaded: one that somebody chose to ignore stays ignored.
    """
    repairs = _Repairs(hass, entry)
    entry.async_on_unload(entry.runtime_data.async_listen(repairs.async_update))
    repairs.async_update()


@callback
def async_forget(hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
    """Delete the repairs of a channel that is removed."""
    for issue_id in _known_ids(hass, entry):
        ir.async_delete_issue(hass, DOMAIN, issue_id)


class _Repairs:
    """The repairs of one channel. Its secret is asked for once, and again when it was right."""

    def __init__(self, hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._channel: Channel = entry.runtime_data
        self._troubles: tuple[tuple[Trouble, str], ...] | None = None
        self._has_asked = False

    @callback
    def async_update(self) -> None:
        troubles = self._channel.overview.troubles
        if troubles == self._troubles:
            return  # most changes are messages that come and go
        self._troubles = troubles
        self._ask_for_secret(any(trouble is Trouble.SECRET for trouble, _ in troubles))
        shown = {self._show(*trouble) for trouble in troubles if trouble[0] in _REPAIRS}
        for issue_id in _known_ids(self._hass, self._entry) - shown:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)

    def _ask_for_secret(self, is_wrong: bool) -> None:
        if is_wrong and not self._has_asked:
            self._entry.async_start_reauth(self._hass)
        elif self._has_asked and not is_wrong:
            self._stop_asking()
        self._has_asked = is_wrong

    def _stop_asking(self) -> None:
        # The API says the same of a wrong secret and of an unknown recipient. When somebody else
        # was reached, the secret was right.
        for flow in list(self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})):
            self._hass.config_entries.flow.async_abort(flow["flow_id"])

    def _show(self, trouble: Trouble, recipient_id: str) -> str:
        """Show the repair, and return its id. The remedy is in the app or in a recipient's dialog.

        So none is fixable in the sense of Home Assistant, which would offer a button.
        """
        key, severity = _REPAIRS[trouble]
        issue_id = f"{key}_{self._entry.entry_id}_{recipient_id}".rstrip("_")
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=severity,
            translation_key=key,
            translation_placeholders={
                "title": self._entry.title,
                "name": self._name(recipient_id),
            },
        )
        return issue_id

    def _name(self, recipient_id: str) -> str:
        recipient = self._channel.recipients.get(recipient_id)
        return recipient.name if recipient else self._entry.title


def _known_ids(hass: HomeAssistant, entry: KilopushConfigEntry) -> set[str]:
    return {
        issue_id
        for domain, issue_id in ir.async_get(hass).issues
        if domain == DOMAIN and entry.entry_id in issue_id
    }
