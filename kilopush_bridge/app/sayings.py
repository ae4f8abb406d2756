"""Log lines about what a bridge tells and what becomes of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import SENT
from kilopush_bridge.model import State
from kilopush_bridge.words import OUTCOMES

if TYPE_CHECKING:
    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch, Message
    from kilopush_bridge.scheduler.react import Reaction

log = logging.getLogger(__name__)


def say_message(message: Message) -> None:
    """Log what a rule tells."""
    text = f"of {message.key}, no text for it" if message.text is None else f"`{message.text}`"
    log.info(
        "%s: %s %s",
        message.name,
        message.kind,
        text,
        extra={
            "action": "alert",
            "rule": message.name,
            "kind": message.kind,
            "key": message.key,
            "text": message.text,
        },
    )


def say_settled(batch: Batch, verdict: Verdict, reaction: Reaction) -> None:
    """Log what came of an attempt."""
    names = ", ".join(dict.fromkeys(delivery.name for delivery in batch.deliveries))
    if batch.is_digest:
        names = f"digest of {batch.text.partition(chr(10))[0]}"
    is_sent = verdict.outcome == SENT
    log.log(
        logging.INFO if is_sent else logging.WARNING,
        "%s to %s: %s%s",
        names,
        batch.person,
        OUTCOMES[verdict.outcome],
        "" if is_sent else f" ({verdict.detail})",
        extra={
            "action": "attempt",
            "person": batch.person,
            "channel": batch.channel,
            "outcome": verdict.outcome,
        },
    )
    for one in reaction.settlements:
        if one.state is State.DEAD:
            log.error(
                "%s to %s: given up, kept as dead letter %d: see `kilopush-bridge queue`",
                names,
                batch.person,
                one.delivery_id,
            )
