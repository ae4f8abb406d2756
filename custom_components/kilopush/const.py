"""Names and defaults of the integration."""

from typing import Final

DOMAIN: Final = "kilopush"
SUBENTRY_RECIPIENT: Final = "recipient"

# The channel: what it takes to send.
CONF_TOKEN: Final = "token"
CONF_SECRET: Final = "secret"

# A recipient.
CONF_USER_TOKEN: Final = "user_token"
CONF_SILENT: Final = "silent"
CONF_BRIDGE_NAME: Final = "bridge_name"

# Options of a channel; `outbox.Policy` and `core.budget` say what the figures mean.
CONF_DAILY_LIMIT: Final = "daily_limit"
CONF_UNLIMITED: Final = "unlimited"
CONF_KEEP_FOR_CRITICAL: Final = "keep_for_critical"
CONF_OTHER_SENDERS: Final = "other_senders"
CONF_DIGESTS: Final = "digests"
CONF_SHARE: Final = "share"
CONF_VIA_BRIDGE: Final = "via_bridge"
CONF_TOPIC_PREFIX: Final = "topic_prefix"
CONF_LEGACY_ACTIONS: Final = "legacy_actions"
CONF_DIGEST_AT: Final = "digest_at"

DEFAULT_TOPIC_PREFIX: Final = "kilopush"
DEFAULT_DIGEST_AT: Final = ["07:00:00", "19:00:00"]

# The environment overrides the address of the API, as it does for the bridge: for tests and the
# emulator.
ENV_API_URL: Final = "KILOPUSH_API_URL"
