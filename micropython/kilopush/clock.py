"""The time of day, which verified TLS needs: a certificate is only valid between two dates.

A board without power forgets it: an ESP32 starts in 2000, a Pico W in 2021. It is asked for over
NTP, else over plain HTTP of the API's host; neither of them sees a token or a secret. Either could
be forged by somebody in between, so no time before this module was made is believed.
"""

import os
import socket
from time import gmtime, ticks_add, ticks_diff, ticks_ms

import machine
from micropython import const

from .https import Direct

_BUILD_YEAR = const(2026)
_NTP_PORT = const(123)
# Source: RFC 5905, section 7.3: the packet and its fields.
_NTP_BYTES = const(48)
_CLIENT = const(0x23)  # version 4, mode 3
_SERVER = const(4)  # mode
_UNKNOWN = const(3)  # leap indicator: the server does not know the time itself
_ORIGIN = const(24)  # where a reply repeats the eight bytes of the request's transmit timestamp
_TRANSMIT = const(40)
_NTP_TO_UNIX_S = 2208988800  # from 1900 to 1970
# Source: MicroPython's documentation of `time`: some ports count from 2000, others from 1970.
_EPOCH_S = 946684800 if gmtime(0)[0] == 2000 else 0


class Clock:
    """The board's clock, set when it is asked to.

    Args:
        host: of the API, "NAME[:PORT]": asked every second time, over plain HTTP.
        ntp_host: "NAME[:PORT]" of an NTP server.
        set_rtc: False leaves the clock to somebody else.
        timeout_ms: for one attempt.
    """

    def __init__(self, host, ntp_host="pool.ntp.org", set_rtc=True, timeout_ms=5000):
        self._host = host
        self._ntp_host = ntp_host
        self._set_rtc = set_rtc
        self._asks_ntp = False
        self._timeout_ms = timeout_ms
        self._source = None

    def is_set(self):
        """Return whether the clock shows a time after this module was made."""
        return gmtime()[0] >= _BUILD_YEAR

    def begin(self):
        """Start to ask for the time: NTP first, and in turns from then on."""
        self._asks_ntp = not self._asks_ntp
        if self._source:
            self._source.close()
        self._source = self._ask_ntp() if self._asks_ntp else self._ask_api()
        self._deadline_ms = ticks_add(ticks_ms(), self._timeout_ms)

    def step(self):
        """Do what can be done now: None while it takes, True if the clock is set, else False.

        Never raises, and waits for nothing but DNS.
        """
        if not self._set_rtc:
            return False
        try:
            is_late = ticks_diff(self._deadline_ms, ticks_ms()) <= 0
            at_s = 0 if is_late else next(self._source)
            if at_s is None:
                return None
            is_set = _set(at_s)
        except (OSError, ValueError, MemoryError, OverflowError, StopIteration):
            is_set = False
        self._source.close()
        return is_set

    def _ask_ntp(self):
        host, _, port = self._ntp_host.partition(":")
        info = socket.getaddrinfo(host, int(port or _NTP_PORT), 0, socket.SOCK_DGRAM)[0]
        sock = socket.socket(info[0], socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            request = bytearray(_NTP_BYTES)
            request[0] = _CLIENT
            request[_TRANSMIT:] = os.urandom(8)  # instead of a time: nobody can guess it
            sock.sendto(request, info[-1])
            while True:
                yield
                yield _receive(sock, request)
        finally:
            sock.close()

    def _ask_api(self):
        api = Direct("http://{}/".format(self._host), insecure=True, timeout_ms=self._timeout_ms)
        try:
            api.head()
            verdict = None
            while not verdict:
                yield
                verdict = api.step()
            yield verdict.at_s or 0
        finally:
            api.cancel()


def ntp_time_s(request, reply):
    """Return the Unix time in a server's reply, None if it is no good reply to that request."""
    if len(reply) < _NTP_BYTES or reply[_ORIGIN : _ORIGIN + 8] != request[_TRANSMIT:]:
        return None
    if reply[0] & 7 != _SERVER or reply[0] >> 6 == _UNKNOWN or not 1 <= reply[1] <= 15:
        return None
    # Modulo 2**32: the count of NTP starts anew in 2036.
    return (int.from_bytes(reply[40:44], "big") - _NTP_TO_UNIX_S) & 0xFFFFFFFF


def _receive(sock, request):
    try:
        return ntp_time_s(request, sock.recv(_NTP_BYTES))
    except OSError:
        return None  # there is nothing yet


def _set(at_s):
    year, month, day, hour, minute, second, weekday = gmtime(at_s - _EPOCH_S)[:7]
    if year < _BUILD_YEAR:
        return False
    machine.RTC().datetime((year, month, day, weekday + 1, hour, minute, second, 0))
    return True
