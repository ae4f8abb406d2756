"""The shims themselves: what they stand in for behaves as on a board."""

import shims


def raises(kind, function, *args):
    try:
        function(*args)
    except kind:
        return True
    return False


def test_ticks_wrap_as_on_boards_and_differences_do_not():
    ticks = shims.Ticks(shims.PERIOD_MS - 10)
    start_ms = ticks.ticks_ms()
    ticks.sleep_ms(25)
    assert ticks.ticks_ms() == 15
    assert ticks.ticks_diff(ticks.ticks_ms(), start_ms) == 25
    assert ticks.ticks_diff(start_ms, ticks.ticks_ms()) == -25
    assert ticks.ticks_add(start_ms, 25) == 15
    assert raises(OverflowError, ticks.ticks_add, 0, 2**29)


def test_an_installed_clock_is_what_modules_import():
    import time

    try:
        shims.Ticks(77).install()
        import time as found

        assert found.ticks_ms() == 77
        assert found.time() > 0
    finally:
        shims.put("time", time)


def test_real_ticks_are_there():
    import time

    start_ms = time.ticks_ms()
    time.sleep_ms(10)
    assert 9 <= time.ticks_diff(time.ticks_ms(), start_ms) < 5000


def test_constants_and_the_heap_lock_are_there():
    from micropython import const, heap_lock, heap_unlock

    heap_lock()
    heap_unlock()
    assert const(5) == 5


def test_rtc_memory_survives_sleep_and_not_power_up():
    machine = shims.install_machine()
    machine.RTC().memory(b"kept")
    assert raises(shims.DeepSleep, machine.deepsleep, 1000)
    assert machine.RTC().memory() == b"kept"
    assert raises(ValueError, machine.RTC().memory, bytes(2049))
    assert shims.install_machine().RTC().memory() == b""


def test_imports_find_the_machine():
    shims.install_machine(reset_cause=4)
    import machine
    import network
    from esp32 import NVS

    assert machine.reset_cause() == machine.DEEPSLEEP_RESET
    assert network.WLAN(network.STA_IF).isconnected()
    assert raises(OSError, NVS("kilopush").get_i32, "used")


def test_nvs_keeps_what_was_committed():
    shims.install_machine()
    nvs = shims.NVS("kilopush")
    nvs.set_blob("a", b"one")
    nvs.commit()
    nvs.set_blob("a", b"two")
    shims.NVS.power_cut()
    buffer = bytearray(8)
    assert nvs.get_blob("a", buffer) == 3
    assert bytes(buffer[:3]) == b"one"
    assert raises(OSError, nvs.get_blob, "a", bytearray(2))


def test_a_pin_calls_its_handler_on_its_edge_only():
    calls = []
    pin = shims.Pin(4)
    pin.irq(calls.append, shims.Pin.IRQ_RISING)
    pin.value(1)
    pin.value(0)
    assert calls == [pin]
    assert pin.value() == 0


async def test_async_tests_run():
    import asyncio

    await asyncio.sleep_ms(1)
