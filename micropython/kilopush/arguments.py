"""What the arguments of ``KiloPush`` must be, and the parts that they ask for.

A part is imported when it is asked for: what a board does not use takes no memory.
"""

from micropython import const

from .core import protocol

_PEOPLE_MAX = const(8)  # a bit of a byte for each
_NAME_MAX_CHARS = const(32)


def recipients_of(to):
    """Return the recipients as a tuple."""
    if isinstance(to, str):
        return (to,)
    if not isinstance(to, (tuple, list)):
        raise ValueError("to= is no user token, and no tuple of them")
    return tuple(to)


def check(recipients, token, secret, name):
    """Check who sends and who gets it."""
    if len(name) > _NAME_MAX_CHARS:
        raise ValueError(
            "name= has {} characters, the limit is {}".format(len(name), _NAME_MAX_CHARS)
        )
    if not 0 < len(recipients) <= _PEOPLE_MAX:
        raise ValueError(
            "to= has {} recipients, 1 to {} are possible".format(len(recipients), _PEOPLE_MAX)
        )
    for number, one in enumerate(recipients):
        if not (isinstance(one, str) and protocol.is_user_token(one)):
            what = 'to= number {} is no user token ("u_" and 40 letters and digits)'
            raise ValueError(what.format(number + 1))
    if not (isinstance(token, str) and protocol.is_channel_token(token)):
        raise ValueError('token= is no channel token: "c_" and 40 letters and digits')
    if not (isinstance(secret, str) and protocol.is_secret(secret)):
        raise ValueError("secret= is no secret key: 64 letters and digits")


def check_numbers(daily_limit, reserve, window, max_wait, queue, queue_bytes, timeout):
    """Check the numbers against each other."""
    if daily_limit is not None and not 0 <= reserve <= daily_limit:
        raise ValueError(
            "reserve={} is not between 0 and daily_limit={}".format(reserve, daily_limit)
        )
    if not 0 <= window <= max_wait:
        raise ValueError("window={} is longer than max_wait={}".format(window, max_wait))
    if queue < 1 or queue_bytes < 256:
        raise ValueError(
            "queue={} and queue_bytes={}: at least 1 and 256".format(queue, queue_bytes)
        )
    if not 0 < timeout <= 600:
        raise ValueError("timeout={} is not between 1 and 600 seconds".format(timeout))


def feed_of(wdt):
    """Return what feeds the watchdog, a function that does nothing without one."""
    if wdt is None:
        return _nothing
    if not hasattr(wdt, "feed"):
        raise ValueError("wdt= has no feed: give the watchdog itself, such as machine.WDT()")
    return wdt.feed


def open_store(store):
    """Return the store that was named, or the object that was given."""
    if not isinstance(store, str):
        return store
    from .store import FileStore

    return FileStore(store)


def open_transport(transport, api, ca, insecure, timeout, ballast, feed):
    """Return the way to the API, see ``transport``."""
    if not (isinstance(api, str) and protocol.is_link(api)):
        raise ValueError("api={} is no address: https://HOST/PATH".format(api))
    if api.startswith("http:") and not insecure:
        raise ValueError("api= is http://, which shows the secret: say insecure=True to allow it")
    if transport == "requests":
        from .legacy import Requests

        return Requests(api, timeout)
    if isinstance(transport, str):
        raise ValueError('transport={}: only "requests" has a name'.format(transport))
    if transport is not None:
        return transport  # an object with the methods of https.Direct
    from .https import Direct

    return Direct(api, ca, insecure, int(1000 * timeout), ballast, feed)


def open_clock(way, insecure, set_rtc):
    """Return what sets the clock that certificates are checked with, None if none are."""
    if insecure or not way.secure:
        return None
    from .clock import Clock

    return Clock(way.host, set_rtc=set_rtc)


def open_via(via, name):
    """Return the way through the daemon for an MQTT client, None for None."""
    if via is None:
        return None
    from .mqtt import Via

    return via if isinstance(via, Via) else Via(via, name)


def _nothing():
    """Feed no watchdog."""
