"""Pico W: the temperature of a boiler, with asyncio.

A DS18B20 at GPIO 22, with 4.7 kΩ from there to 3.3 V. Save it as main.py, with secrets.py beside
it.
"""

import asyncio
import secrets

import ds18x20
import machine
import network
import onewire
from kilopush import CRITICAL, HIGH, NORMAL, KiloPush

# Two limits, so that a temperature between them does not tell the same thing again and again. And
# not 85 °C: this sensor says so when it has not measured yet.
HOT_C = 92
COOL_C = 80
EVERY_S = 5
MISSES = 3

wdt = machine.WDT(timeout=8000)  # from here on the board starts anew after 8 s without `feed`
wlan = network.WLAN(network.STA_IF)
# Early in the program, while the memory that `ballast` keeps for TLS is still in one piece.
kp = KiloPush(name="Boiler", ballast=True, wdt=wdt, online=wlan.isconnected, **secrets.KILOPUSH)


async def stay_connected():
    """Connect, and again whenever the Wi-Fi is gone."""
    wlan.active(True)
    while True:
        if not wlan.isconnected():
            wlan.connect(secrets.WIFI_NAME, secrets.WIFI_PASSWORD)
        await asyncio.sleep(20)


async def read_c(sensor):
    """Return the temperature, None if the sensor does not answer."""
    try:
        sensor.convert_temp()
        await asyncio.sleep_ms(750)  # as long as it takes to measure
        return sensor.read_temp(sensor.scan()[0])
    except Exception:  # noqa: BLE001 - a loose wire shows in many ways
        return None


async def watch():
    """Tell when it is too hot, when it is over, and when nobody can know."""
    sensor = ds18x20.DS18X20(onewire.OneWire(machine.Pin(22)))
    is_hot = False
    misses = 0
    while True:
        wdt.feed()
        celsius = await read_c(sensor)
        misses = misses + 1 if celsius is None else 0
        if misses == MISSES:
            kp.alarm("The sensor does not answer", HIGH)
        if celsius is not None and celsius > HOT_C and not is_hot:
            is_hot = True
            kp.alarm("{:.0f} °C".format(celsius), CRITICAL, key="hot")
        elif celsius is not None and celsius < COOL_C and is_hot:
            is_hot = False
            kp.alarm("Cool again: {:.0f} °C".format(celsius), NORMAL, key="cool")
        await asyncio.sleep(EVERY_S)


async def main():
    """Do all of it at once."""
    await asyncio.gather(kp.run(), stay_connected(), watch())


asyncio.run(main())
