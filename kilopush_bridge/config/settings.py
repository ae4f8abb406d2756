"""The single values of a file: where the state is, which API, which time zone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from kilopush_bridge.config.addresses import is_loopback, parse_address
from kilopush_bridge.config.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.config.problems import Problems

API_VARIABLE = "KILOPUSH_API_URL"


def default_state(environment: Mapping[str, str]) -> Path:
    """Return where the state lives if nobody says: systemd's folder, else the user's own."""
    if folder := environment.get("STATE_DIRECTORY"):
        return Path(folder.split(":")[0]) / "state.db"
    home = environment.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(home) / "kilopush-bridge" / "state.db"


def state_path(
    word: str | None, file: Path, environment: Mapping[str, str], problems: Problems
) -> Path:
    """Return where the state lives; a relative path counts from the configuration file."""
    try:
        return file.parent / Path(word).expanduser() if word else default_state(environment)
    except RuntimeError:  # no home folder, or no such user
        problems.add(("state",), "`state`: there is no such home folder", "name a full path")
        return file.parent


def api_address(word: str, environment: Mapping[str, str], problems: Problems) -> str:
    """Return the address of the send API; the environment wins over the file."""
    override = environment.get(API_VARIABLE, "")
    url = override or word
    path = () if override else ("api_url",)
    name = f"the variable `{API_VARIABLE}`" if override else "`api_url`"
    address = parse_address(url)
    if address is None or address.scheme not in ("http", "https") or not address.host:
        problems.add(path, f"{name} is no https:// address")
    elif address.has_credentials:
        problems.add(path, f"{name} must not hold a user name or password", "addresses are logged")
    elif address.scheme == "http" and not is_loopback(address.host):
        hint = "http:// would show the secret to the network; it is for 127.0.0.1 only"
        problems.add(path, f"{name} must begin with https://", hint)
    return url


def time_zone(name: str | None, problems: Problems) -> ZoneInfo | None:
    """Return the zone of printed times, None for the system's."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        path = ("timezone",)
        hint = did_you_mean(name, available_timezones()) or "they look like `Europe/Berlin`"
        problems.add(path, f"there is no time zone {problems.shown(path, name)}", hint)
        return None
