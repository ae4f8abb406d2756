"""Run an example on a board that is made up, and print what became of it, as JSON.

    run_example.py NAME API

The board has littlefs at "/", and a story: what happens to it. What it tells is at the API.
"""

import json
import sys

import board_fakes
import requests
import shims
from board_fakes import DS18X20, WDT, WLAN, Pin, TheEnd

NAME, API = sys.argv[1:]
CONTROL = API.split("/v1/")[0] + "/control/requests"
DOOR = 33
SWITCH = 14


def told(number):
    """Let time pass until so many messages have arrived."""
    for count in range(3000):
        yield
        if count % 5 == 0 and requests.get(CONTROL).json()["accepted"] >= number:
            return


def boiler():
    """It gets hot, hotter, nearly cool, cool; then a wire comes loose."""
    for celsius, messages in ((93.0, 1), (95.0, 1), (85.0, 1), (79.0, 2), (None, 3)):
        DS18X20.celsius = celsius
        yield
        yield
        yield from told(messages)


def loop():
    """There is water twice; in between the Wi-Fi goes."""
    switch = Pin.pins[SWITCH]
    switch.value(0)
    yield from told(1)
    WLAN.is_there = False
    switch.value(1)
    switch.value(0)
    for _ in range(200):
        yield
    WLAN.is_there = True
    yield from told(2)


def readme():
    """The door opens; nobody feeds a watchdog, so the story goes on while the program sleeps."""
    Pin.pins[SWITCH].value(0)
    yield
    Pin.pins[SWITCH].value(1)
    yield from told(1)


def sleep_and_feed(sleep_ms):
    """Return a function that sleeps and goes on with the story."""

    def sleep(ms):
        sleep_ms(ms)
        WDT().feed()

    return sleep


def run():
    """Run the example once, as after a boot; return how it ended."""
    sys.modules.pop(NAME, None)
    try:
        __import__(NAME)
    except TheEnd:
        return "end of the story"
    except shims.DeepSleep as sleep:
        return {"sleeps_ms": sleep.ms}


def wake(machine, level, woken_by):
    """Let the door move, or a timer wake the board; return how long it sleeps then, and until."""
    machine.cause, machine.woken_by = machine.DEEPSLEEP_RESET, woken_by
    Pin.levels[DOOR] = level
    WLAN.asked_ms = None
    del machine.wakes[:]
    return run()["sleeps_ms"], machine.wakes[0]


def door(machine):
    """A door that opens, closes, opens while there is no Wi-Fi; then the day is over."""
    Pin.levels[DOOR] = 0
    first = run()["sleeps_ms"], machine.wakes[0]
    opened = wake(machine, 1, machine.EXT0_WAKE)
    closed = wake(machine, 0, machine.EXT1_WAKE)
    connects = WLAN.connects
    WLAN.is_there = False
    briefly = wake(machine, 0, machine.EXT0_WAKE)
    WLAN.is_there = True
    later = wake(machine, 0, machine.TIMER_WAKE)
    return {
        "sleeps": [first, opened, closed, briefly, later],
        "connects": [connects, WLAN.connects],
    }


def main():
    """Give the board its files and its secrets, and tell the story."""
    machine = board_fakes.install()
    board_fakes.mount_flash()
    sys.path.append("/pc" + __file__.split("/tests/")[0] + "/micropython/examples")
    board_fakes.install_secrets({"api": API, "insecure": True, "window": 1})
    if NAME == "esp32_door":
        result = door(machine)
    else:
        WDT.story = {"picow_boiler": boiler, "plain_loop": loop, "readme": readme}[NAME]()
        if NAME == "readme":
            time = sys.modules["time"]
            time.sleep_ms = sleep_and_feed(time.sleep_ms)
        result = {"ends": run(), "longest_ms": WDT.longest_ms}
    print(json.dumps(result))


main()
