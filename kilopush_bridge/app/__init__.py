"""The daemon: what connects the parts, and nothing that decides."""

from kilopush_bridge.app.app import App
from kilopush_bridge.app.reloader import Reloader

__all__ = ["App", "Reloader"]
