"""Tries a board out, and prints what whoever runs it should report.

    mpremote run selftest.py

kilopush must be installed, and secrets.py beside it knows the Wi-Fi, see examples. It sets the
clock, tries a store in the flash, and asks the API for the time over TLS, without a token or a
secret. If secrets.py has the tokens, it sends one message at the end. The report holds no secret.
"""

import gc
import os
import sys
import time

import machine
from kilopush import HIGH, KiloPush, __version__
from kilopush.clock import Clock
from kilopush.https import Direct
from kilopush.store import FileStore

try:
    import secrets
except ImportError:
    secrets = None

# Source: KILO.Push API document, "Request".
API = "https://push.kilo.chat/v1/messages/send"
PATH = "/kptest"
WIFI_S = 20
SAVES = 20
SETTINGS = getattr(secrets, "KILOPUSH", {})
report = []


def say(name, *values):
    """Print a line, and keep it for the report."""
    line = "{}: {}".format(name, " ".join([str(value) for value in values]))
    print(line)
    report.append(line)


def stopwatch():
    """Return a function that says how many milliseconds have passed."""
    started_ms = time.ticks_ms()
    return lambda: time.ticks_diff(time.ticks_ms(), started_ms)


def show_board():
    """Say what this is."""
    say("module", __version__)
    say("firmware", sys.platform, ".".join([str(part) for part in sys.implementation[1]]))
    say("machine", getattr(sys.implementation, "_machine", "unknown"))
    gc.collect()
    free_bytes = gc.mem_free()
    say("heap", free_bytes, "bytes free of", free_bytes + gc.mem_alloc())
    passed_ms = stopwatch()
    time.sleep_ms(200)
    say("ticks", passed_ms(), "ms in 200; period 2**30:", time.ticks_add(2**30 - 1, 1) == 0)
    say("reset cause", machine.reset_cause())
    say("epoch", time.gmtime(0)[0], "clock at boot:", time.gmtime()[:6])


def connect():
    """Connect to the Wi-Fi, if this board has one and secrets.py knows it."""
    try:
        import network
    except ImportError:
        say("wifi", "none")
        return
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    passed_ms = stopwatch()
    if not wlan.isconnected() and secrets:
        wlan.connect(secrets.WIFI_NAME, secrets.WIFI_PASSWORD)
    while not wlan.isconnected() and passed_ms() < 1000 * WIFI_S:
        time.sleep_ms(50)
    say("wifi", wlan.isconnected(), "after", passed_ms(), "ms")


def try_store():
    """Save and load, and say how long a save takes at best and at worst."""
    store, state = FileStore(PATH), bytes(range(200))
    times_ms = []
    for number in range(SAVES):
        passed_ms = stopwatch()
        store.save([bytes([number]), state])
        times_ms.append(passed_ms())
    is_same = FileStore(PATH).load() == bytes([SAVES - 1]) + state
    for slot in "01":
        os.remove(PATH + slot)
    say("store", "works" if is_same else "FAILED", min(times_ms), "to", max(times_ms), "ms a save")


def set_clock(host):
    """Set the clock if it needs it, and say where the time came from."""
    clock = Clock(host)
    for source in ("NTP", "HTTP"):
        if clock.is_set():
            break
        passed_ms = stopwatch()
        clock.begin()
        result = None
        while result is None:
            result = clock.step()
            time.sleep_ms(20)
        say("clock", "set" if result else "not set", "by", source, "after", passed_ms(), "ms")
    say("now", time.gmtime()[:6])


def try_tls(api):
    """Ask the API for the time, and say how long the longest step took: DNS or cryptography."""
    is_checked = "ca" in SETTINGS
    way = Direct(api, SETTINGS.get("ca", ()), insecure=not is_checked)
    for _ in range(2):
        gc.collect()
        before_bytes = gc.mem_free()
        way.head()
        passed_ms, longest_ms, verdict = stopwatch(), 0, None
        while verdict is None:
            step_ms = stopwatch()
            verdict = way.step()
            longest_ms = max(longest_ms, step_ms())
            time.sleep_ms(5)
        total_ms = passed_ms()
        gc.collect()
        kept_bytes = before_bytes - gc.mem_free()
        answer = "HTTP {}".format(verdict.status) if verdict.status else verdict.detail
        dated = "with its time" if verdict.at_s else "WITHOUT its time"
        say("tls", "verified," if is_checked else "NOT verified,", answer, dated)
        say("tls", total_ms, "ms in all, longest step", longest_ms, "ms,", kept_bytes, "bytes kept")


def send():
    """Send one message, if there are tokens."""
    if "secret" not in SETTINGS:
        say("message", "no tokens, none sent")
        return
    settings = dict(SETTINGS)
    settings["store"] = None  # what the board itself keeps is left alone
    kp = KiloPush(**settings)
    kp.alarm("Test of {}".format(sys.platform), HIGH)
    passed_ms = stopwatch()
    kp.flush(30)
    say("message", kp.last.outcome, kp.last.detail, "after", passed_ms(), "ms")


def main():
    """Try one thing after the other; one that fails does not stop the others."""
    api = SETTINGS.get("api", API)
    host = api.split("/")[2]
    tries = (show_board, connect, try_store, lambda: set_clock(host), lambda: try_tls(api), send)
    for one in tries:
        try:
            one()
        except Exception as error:  # noqa: BLE001 - it is reported
            say("FAILED", type(error).__name__, error)
    print("\n----- please report this -----")
    for line in report:
        print(line)
    print("------------------------------")


main()
