"""ESP32 on a battery: a door contact wakes it, it tells of the door, and sleeps again.

The contact lies between GPIO 33 and GND and is closed while the door is; 100 kΩ lead from GPIO 33
to 3.3 V, because the chip's own pull-up need not hold in deep sleep. Some other chips of the
family (the C3 for one) wake in other ways.

Save it as main.py, with secrets.py beside it. To get at a board that sleeps, press its reset button
and then Ctrl-C: it waits three seconds for you.
"""

import secrets
import time

import esp32
import machine
import network
from kilopush import HIGH, KiloPush
from kilopush.rtc import RTCStore
from kilopush.store import FileStore

WIFI_S = 10  # a battery does not last for ever
SEND_S = 20
AGAIN_MS = 15 * 60 * 1000
DAY_MS = 24 * 60 * 60 * 1000

door = machine.Pin(33, machine.Pin.IN)
wlan = network.WLAN(network.STA_IF)


def connect():
    """Connect to the Wi-Fi, or give up after WIFI_S."""
    wlan.active(True)
    wlan.connect(secrets.WIFI_NAME, secrets.WIFI_PASSWORD)
    for _ in range(20 * WIFI_S):
        if wlan.isconnected():
            return
        time.sleep_ms(50)


def main():
    """Tell what woke the board, and sleep until the door moves."""
    if machine.reset_cause() != machine.DEEPSLEEP_RESET:
        time.sleep(3)

    # RTC memory does not wear, and survives deep sleep; what is urgent goes to the flash as well.
    store = RTCStore(FileStore("/kp"))
    kp = KiloPush(name="Shed", store=store, online=wlan.isconnected, **secrets.KILOPUSH)
    opened = kp.source("Door open", HIGH)
    door.irq(opened.fire, machine.Pin.IRQ_RISING)  # while the board is awake

    if machine.wake_reason() == machine.EXT0_WAKE:
        opened.fire()
    kp.tick()  # from here on the alarm is in the store
    if kp.pending:
        connect()
        kp.flush(SEND_S)

    # A level wakes the chip, so it waits for the one that is not there: EXT0 is "opened", EXT1 is
    # "closed". What was opened before this line, the tick after it takes along.
    if door.value():
        esp32.wake_on_ext1((door,), esp32.WAKEUP_ALL_LOW)
    else:
        esp32.wake_on_ext0(door, esp32.WAKEUP_ANY_HIGH)
    kp.tick()
    machine.deepsleep(AGAIN_MS if kp.pending else DAY_MS)


main()
