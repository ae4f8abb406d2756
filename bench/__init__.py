"""How fast the bridge is, measured beside what it is built on and beside its nearest peer."""
