"""Copies of what the bridge has: see tools/copy_core.py."""
