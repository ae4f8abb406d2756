"""The daemon: what connects the parts, and nothing that decides."""

from kilopush_bridge.app.app import App

__all__ = ["App"]
