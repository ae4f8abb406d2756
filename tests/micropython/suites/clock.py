"""What is believed of an NTP server, and when a clock counts as set; sockets: test_clock.py."""

import shims

for name in ("socket", "select", "tls"):
    try:
        __import__(name)
    except ImportError:
        shims.put(name, shims.Module())
machine = shims.install_machine()

from kilopush.clock import Clock, ntp_time_s  # noqa: E402 - the machine must be there first

REQUEST = bytes([0x23]) + bytes(39) + b"8 random"
NOW_S = 1795428000


def reply(at_s=NOW_S, first=0x24, stratum=2, origin=b"8 random"):
    ntp_s = (at_s + 2208988800) & 0xFFFFFFFF
    return (
        bytes([first, stratum])
        + bytes(22)
        + origin
        + bytes(8)
        + ntp_s.to_bytes(4, "big")
        + bytes(4)
    )


def test_a_good_reply_tells_the_time():
    assert ntp_time_s(REQUEST, reply()) == NOW_S
    for first in (0x1C, 0x24, 0x64):  # version 3, version 4, a leap second to come
        assert ntp_time_s(REQUEST, reply(first=first)) == NOW_S
    for stratum in (1, 15):
        assert ntp_time_s(REQUEST, reply(stratum=stratum)) == NOW_S


def test_the_count_starts_anew_in_2036():
    for at_s in (2085978495, 2085978496, 2**32 - 1):
        assert ntp_time_s(REQUEST, reply(at_s)) == at_s


def test_a_forged_reply_tells_nothing():
    forged = [reply(first=first) for first in (0x20, 0x23, 0x25, 0x26, 0xE4)]
    forged += [reply(stratum=stratum) for stratum in (0, 16, 255)]
    forged += [reply(origin=bytes(8)), reply()[:47], b""]
    for each in forged:
        assert ntp_time_s(REQUEST, each) is None, each


def test_somebody_else_may_set_the_clock():
    clock = Clock("host", set_rtc=False)
    clock.begin()
    assert clock.step() is False
    assert machine.RTC().datetime()[0] == 2000
