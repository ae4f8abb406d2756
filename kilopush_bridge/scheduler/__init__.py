"""From deliveries to POSTs: what goes now, in which words, and what its reply means."""

from kilopush_bridge.scheduler.scheduler import Push, Scheduler

__all__ = ["Push", "Scheduler"]
