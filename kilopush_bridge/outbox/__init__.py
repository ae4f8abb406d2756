"""The durable outbox, the ledger and the stored edges: the only place where anything waits."""
