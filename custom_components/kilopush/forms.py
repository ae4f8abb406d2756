"""What the dialogs of a channel and of a recipient have in common."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .const import CONF_DIGESTS, CONF_UNLIMITED
from .core.budget import DIGESTS
from .core.protocol import is_channel_token, is_secret, is_user_token

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID_CHARS: Final = 16

NAME_SELECTOR: Final = TextSelector()
SECRET_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)


def unique_id_of(token: str) -> str:
    """Return the id of a channel or a recipient, from which nobody learns the token."""
    return sha256(token.encode()).hexdigest()[:_ID_CHARS]


def is_name(text: str) -> bool:
    """Return whether ``text`` may be shown as a name: something, and nothing secret."""
    is_hidden = is_channel_token(text) or is_user_token(text) or is_secret(text)
    return bool(text) and not is_hidden


def people_who_fit(options: Mapping[str, Any]) -> int | None:
    """Return how many recipients a channel may have. None: any number.

    A digest is one message for each of them, so fewer digests than people would leave somebody
    without.
    """
    if options.get(CONF_UNLIMITED, False):
        return None
    return int(options.get(CONF_DIGESTS, DIGESTS))
