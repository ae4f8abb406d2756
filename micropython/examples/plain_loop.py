"""Any board: a plain loop with a watchdog, and a float switch that interrupts it.

The switch lies between GPIO 14 and GND and closes when there is water. Save it as main.py, with
secrets.py beside it.
"""

import secrets
import time

import machine
import network
from kilopush import CRITICAL, KiloPush

WIFI_MS = 30 * 1000
MISSES = 5

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wdt = machine.WDT(timeout=8000)  # from here on the board starts anew after 8 s without `feed`
kp = KiloPush(name="Cellar", wdt=wdt, online=wlan.isconnected, **secrets.KILOPUSH)

switch = machine.Pin(14, machine.Pin.IN, machine.Pin.PULL_UP)
water = kp.source("Water!", CRITICAL)
switch.irq(water.fire, machine.Pin.IRQ_FALLING)


class Wifi:
    """Connects without waiting for it."""

    def __init__(self):
        self.asked_ms = time.ticks_add(time.ticks_ms(), -WIFI_MS)
        self.misses = 0  # messages in a row that got no reply

    def step(self):
        """Ask for a connection, at most every half minute."""
        waited_ms = time.ticks_diff(time.ticks_ms(), self.asked_ms)
        if (wlan.isconnected() and self.misses < MISSES) or waited_ms < WIFI_MS:
            return
        if self.misses >= MISSES:  # it says that it is connected, and nothing gets through
            wlan.disconnect()
        self.misses = 0
        self.asked_ms = time.ticks_ms()
        wlan.connect(secrets.WIFI_NAME, secrets.WIFI_PASSWORD)

    def note(self, status, number):
        """Hear what became of a message."""
        print("status", status, "for", number, "alarms;", kp.left, "messages left")
        self.misses = 0 if status else self.misses + 1


def main():
    """Loop for ever."""
    wifi = Wifi()
    kp.on_result = wifi.note
    if not switch.value():
        water.fire()  # the water was there before the board: that is no edge
    while True:
        wdt.feed()
        wifi.step()
        kp.tick()
        # Your own work comes here, a little each time.
        time.sleep_ms(20)


main()
