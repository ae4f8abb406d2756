"""The way to the API through the firmware's ``requests`` or ``urequests``.

For networks that only these can use. It blocks, checks no certificate, and seldom knows whether a
message has left: then it says that it is unclear.
"""

import errno

try:
    from requests import post
except ImportError:
    from urequests import post

from .core.protocol import classify, lost, unsent
from .transport import READY

# There was no connection. Source: errno.h, ENETUNREACH of Linux and of lwIP (101), of newlib (114).
_UNCONNECTED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, 101, 114)


class Requests:
    """The same methods as ``https.Direct``; the step after ``go()`` does everything, and waits.

    ``timeout_s`` is for each operation on the network, if the library knows of such a thing.
    """

    secure = False  # these libraries do not check certificates
    busy = False

    def __init__(self, api, timeout_s):
        self.host = api.split("/")[2].partition(":")[0]
        self._api = api
        self._options = {"timeout": timeout_s} if _takes_timeout() else {}
        self._pieces = None
        self._may_go = None

    def post(self, pieces):
        """Start to send a message, whose body ``pieces()`` yields."""
        self._pieces = pieces
        self._may_go = None
        self.busy = True

    def head(self):
        """Start what cannot be done: these libraries would check nothing, and it would block."""
        self.post(None)

    def go(self):
        """Let the body go."""
        self._may_go = True

    def cancel(self):
        """Forget what was started; nothing of it was sent, because a step does it all."""
        self.busy = False
        return False

    def step(self):
        """Return READY, then None until ``go()``, then the ``Verdict``. Never raises."""
        if not self.busy:
            return None
        if self._may_go is None and self._pieces:
            self._may_go = False
            return READY
        if self._may_go is False:
            return None
        self.busy = False
        if not self._pieces:
            return unsent("requests cannot ask for the time")
        try:
            return self._post()
        except Exception as error:  # noqa: BLE001 - it is somebody else's code
            detail = "cannot post to {}: {}".format(self.host, error)
            return unsent(detail) if _is_unconnected(error) else lost(detail)

    def _post(self):
        body = bytearray()
        for piece in self._pieces():
            body.extend(piece)
        headers = {"Content-Type": "application/json"}
        response = post(self._api, data=bytes(body), headers=headers, **self._options)
        try:
            # Old versions keep no headers.
            date = getattr(response, "headers", {}).get("Date", "")
            return classify(response.status_code, response.content, date)
        finally:
            response.close()


def _takes_timeout():
    try:
        post("", timeout=1)
    except Exception as error:  # noqa: BLE001 - nobody can post to that address
        return not isinstance(error, TypeError)
    return True


def _is_unconnected(error):
    number = error.args[0] if error.args and isinstance(error, OSError) else 0
    if isinstance(number, str):
        return "addrinfo" in number  # the unix port
    # Those of getaddrinfo are -2, and -200 to -210 (lwIP); those of TLS are far below.
    return number in _UNCONNECTED or -256 < number < 0
