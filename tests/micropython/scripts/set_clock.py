"""Let a board that has just been powered up ask for the time, and print what came of it, as JSON.

micropython set_clock.py HOST NTP_HOST ATTEMPTS EPOCH_YEAR TIMEOUT_MS
"""

import json
import os
import sys
import time

import shims

HOST, NTP_HOST, ATTEMPTS, EPOCH_YEAR, TIMEOUT_MS = sys.argv[1:]
EPOCH_S = 946684800 if EPOCH_YEAR == "2000" else 0
machine = shims.install_machine()


class Time:
    """The module ``time`` of a board: its clock shows what is in the RTC."""

    def gmtime(self, at_s=None):
        if at_s is not None:
            return time.gmtime(at_s + EPOCH_S)
        year, month, day, weekday, hour, minute, second, _ = machine.RTC().datetime()
        return (year, month, day, hour, minute, second, weekday - 1, 1)

    def __getattr__(self, name):
        return getattr(time, name)


def attempt(clock):
    """Return (result, steps) of asking once."""
    clock.begin()
    steps = 0
    while True:
        steps += 1
        result = clock.step()
        if result is not None:
            return result, steps
        time.sleep_ms(10)


def main():
    shims.put("time", Time())
    from kilopush.clock import Clock

    clock = Clock(HOST, NTP_HOST, timeout_ms=int(TIMEOUT_MS))
    files = len(os.listdir("/proc/self/fd"))
    was_set = clock.is_set()
    results = [attempt(clock) for _ in range(int(ATTEMPTS))]
    told = {"was_set": was_set, "is_set": clock.is_set(), "rtc": machine.RTC().datetime()}
    told["results"] = [result for result, _ in results]
    told["steps"] = [steps for _, steps in results]
    told["more_files"] = len(os.listdir("/proc/self/fd")) - files
    print(json.dumps(told))


main()
