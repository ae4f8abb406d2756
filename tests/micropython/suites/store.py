"""What was saved is what is loaded, whatever became of the medium in between."""

import os
import struct
import time
from binascii import crc32

import shims

CLOCK = shims.Ticks()
CLOCK.install()
shims.install_machine()

from kilopush.nvs import NVSStore  # noqa: E402 - the board has to be there first
from kilopush.rtc import RTCStore  # noqa: E402
from kilopush.store import FileStore  # noqa: E402

shims.put("time", time)

PATH = "/tmp/kilopush-store-{}-".format(time.time_ns())
FILES = (PATH + "0", PATH + "1")


def files(*contents):
    """Let these be the contents of the two files, None for a file that is not there."""
    for path, content in zip(FILES, contents):
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        elif exists(path):
            os.remove(path)


def exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def contents():
    """Return what the two files hold, as ``files`` takes it."""
    found = []
    for path in FILES:
        if exists(path):
            with open(path, "rb") as file:
                found.append(file.read())
        else:
            found.append(None)
    return found


def on_clean_files(test):
    def run():
        files(None, None)
        try:
            test()
        finally:
            files(None, None)

    return run


def sealed(body):
    return body + struct.pack("<I", crc32(body))


def frame(sequence, payload, version=1):
    return sealed(b"KP" + struct.pack("<BI", version, sequence) + payload)


def fails(function, *args):
    """Return the error that this raises, None if it raises none that a program may expect."""
    try:
        function(*args)
    except (OSError, MemoryError) as error:
        return error
    return None


def loaded():
    return FileStore(PATH).load()


def damaged_in_every_way(content):
    """Yield the content with every bit flipped, cut at every length, and with more behind it."""
    for at in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            yield bytes(changed)
        yield content[:at]
    yield content + b"\x00"
    yield content + content


# --- Files ----------------------------------------------------------------------------------------


@on_clean_files
def test_nothing_saved_is_none():
    assert loaded() is None
    assert contents() == [None, None]


@on_clean_files
def test_every_size_comes_back():
    store = FileStore(PATH)
    for size_bytes in (0, 1, 53, 54, 64, 128, 1000, 5000):
        payload = bytes([at % 251 for at in range(size_bytes)])
        store.save([payload])
        assert store.load() == loaded() == payload


@on_clean_files
def test_parts_may_share_one_buffer():
    buffer = bytearray(3)

    def parts():
        for letter in b"abc":
            buffer[:] = bytes([letter] * 3)
            yield buffer

    FileStore(PATH).save(parts())
    assert loaded() == b"aaabbbccc"


@on_clean_files
def test_the_frame_is_as_documented():
    FileStore(PATH).save([b"pay", b"load"])
    assert contents() == [frame(1, b"payload"), None]


@on_clean_files
def test_a_save_never_touches_the_newest():
    store = FileStore(PATH)
    for number in range(10):
        before = contents()
        store.save([str(number).encode()])
        assert contents()[(number + 1) % 2] == before[(number + 1) % 2]
        assert loaded() == str(number).encode()


@on_clean_files
def test_who_saves_first_and_loads_later_goes_on():
    for number in range(5):
        FileStore(PATH).save([bytes([number])])
        assert loaded() == bytes([number])
    assert contents() == [frame(5, b"\x04"), frame(4, b"\x03")]


@on_clean_files
def test_damage_to_the_newest_leaves_the_one_before():
    newest = frame(8, b"newest " * 12)
    for damaged in damaged_in_every_way(newest):
        files(frame(7, b"before"), damaged)
        assert loaded() == b"before", damaged
        FileStore(PATH).save([b"next"])
        assert loaded() == b"next", damaged
        assert contents()[0] == frame(7, b"before")


@on_clean_files
def test_damage_to_the_older_changes_nothing():
    for damaged in damaged_in_every_way(frame(7, b"before")):
        files(damaged, frame(8, b"newest"))
        assert loaded() == b"newest", damaged


@on_clean_files
def test_without_an_intact_file_it_starts_anew():
    damaged = frame(8, b"newest")[:-1]
    # The last two end with their own checksum and are too short to be a frame.
    for foreign in (damaged, b"", b"KP", b"[wifi]\nssid = x\n" * 500, bytes(4), sealed(b"KP\x01")):
        files(foreign, foreign)
        assert loaded() is None, foreign
        FileStore(PATH).save([b"anew"])
        assert loaded() == b"anew", foreign


@on_clean_files
def test_another_version_is_not_loaded():
    files(frame(9, b"of another program", version=2), frame(8, b"ours"))
    assert loaded() == b"ours"
    files(frame(9, b"of another program", version=2), frame(8, b"too", version=0))
    assert loaded() is None


@on_clean_files
def test_the_sequence_wraps():
    files(frame(0xFFFFFFFE, b"older"), frame(0xFFFFFFFF, b"newer"))
    store = FileStore(PATH)
    assert store.load() == b"newer"
    for number in range(3):
        store.save([bytes([number])])
        assert store.sequence == number
        assert loaded() == bytes([number])
    newer, older = frame(0, b"newer"), frame(0xFFFFFFFF, b"older")
    for both in ((newer, older), (older, newer)):
        files(*both)
        assert loaded() == b"newer"


@on_clean_files
def test_parts_that_fail_half_way_leave_the_newest():
    def parts():
        yield b"half"
        raise MemoryError

    store = FileStore(PATH)
    store.save([b"kept"])
    for _ in range(3):
        assert fails(store.save, parts())
        assert loaded() == b"kept"
    store.save([b"next"])
    assert loaded() == b"next"


def test_a_folder_that_is_not_there_is_an_os_error():
    store = FileStore(PATH + "no-such-folder/kp")
    assert store.load() is None
    assert fails(store.save, [b"x"])


# --- RTC memory -----------------------------------------------------------------------------------


class Mirror(FileStore):
    """A FileStore that counts, and that refuses when the test says so."""

    saves = 0
    is_full = False

    def put(self, sequence, parts):
        if self.is_full:
            raise OSError(28)
        self.saves += 1
        super().put(sequence, parts)


def test_rtc_memory_keeps_the_newest():
    shims.install_machine()
    assert RTCStore().load() is None
    store = RTCStore()
    for number in range(5):
        store.save([b"state ", str(number).encode()])
        assert store.load() == RTCStore().load() == b"state " + str(number).encode()


def test_rtc_memory_holds_what_it_says_and_not_more():
    shims.install_machine()
    store = RTCStore()
    assert store.capacity_bytes == 1011
    full = bytes([7]) * store.capacity_bytes
    for _ in range(2):
        store.save([full])
        assert RTCStore().load() == full
    assert fails(store.save, [full, b"1"])
    assert RTCStore().load() == full
    store.save([b"less"])
    assert RTCStore().load() == b"less"


def test_a_reset_while_rtc_memory_is_written_leaves_old_or_new():
    machine = shims.install_machine()
    store = RTCStore()
    images = []
    for payload in (b"older" * 100, b"old" * 200, b"new" * 150):
        store.save([payload])
        images.append(machine.RTC().memory())
    seen = set()
    for written in range(len(images[2]) + 1):
        machine.RTC().memory(images[2][:written] + images[1][written:])
        seen.add(RTCStore().load())
    assert seen == {b"old" * 200, b"new" * 150}


def test_other_contents_of_rtc_memory_are_none():
    machine = shims.install_machine()
    for content in (b"", b"x", b"KP\x01", b"\xff" * 2048, bytes([1, 2, 3, 250] * 512)):
        machine.RTC().memory(content)
        store = RTCStore()
        assert store.load() is None
        store.save([b"ours"])
        assert RTCStore().load() == b"ours"


@on_clean_files
def test_what_is_urgent_is_mirrored_at_once():
    shims.install_machine()
    store = RTCStore(Mirror(PATH))
    store.save([b"quiet"], urgent=False)
    assert loaded() is None
    store.save([b"urgent"])
    assert loaded() == b"urgent"
    store.save([b"quiet again"], urgent=False)
    assert loaded() == b"urgent"
    assert RTCStore(FileStore(PATH)).load() == b"quiet again"


@on_clean_files
def test_what_is_not_urgent_is_mirrored_when_it_is_time():
    shims.install_machine()
    CLOCK.now_ms = shims.PERIOD_MS - 5000  # the clock wraps on the way
    mirror = Mirror(PATH)
    store = RTCStore(mirror, every_s=60)
    saves = []
    for _ in range(20):
        CLOCK.sleep_ms(10000)
        store.save([b"x"], urgent=False)
        saves.append(mirror.saves)
    assert saves == [0] * 5 + [1] * 6 + [2] * 6 + [3] * 3


@on_clean_files
def test_a_board_that_sleeps_between_saves_is_mirrored_too():
    shims.install_machine()
    behind = 0
    for number in range(100):
        RTCStore(FileStore(PATH)).save([bytes([number])], urgent=False)
        mirrored = loaded()
        behind = max(behind, number - mirrored[0] if mirrored else 0)
    assert behind == 31


@on_clean_files
def test_without_power_the_mirror_is_what_is_left():
    shims.install_machine()
    store = RTCStore(FileStore(PATH))
    for number in range(7):
        store.save([bytes([number])], urgent=number == 4)
    machine = shims.install_machine()  # powered up: RTC memory is empty
    store = RTCStore(FileStore(PATH))
    assert store.load() == b"\x04"
    store.save([b"next"], urgent=False)
    assert RTCStore(FileStore(PATH)).load() == b"next"
    machine.RTC().memory(bytes(2048))
    assert RTCStore(FileStore(PATH)).load() == b"\x04"


@on_clean_files
def test_without_power_any_mirror_will_do():
    for sequence in (1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0):
        shims.install_machine()
        files(None, frame(sequence, b"mirrored"))
        store = RTCStore(FileStore(PATH))
        assert store.load() == b"mirrored"
        store.save([b"next"], urgent=False)
        assert RTCStore(FileStore(PATH)).load() == b"next"


@on_clean_files
def test_a_mirror_that_is_newer_wins():
    shims.install_machine()
    RTCStore().save([b"from before"])
    files(frame(90, b"newer"), None)
    store = RTCStore(FileStore(PATH))
    assert store.load() == b"newer"
    store.save([b"newest"], urgent=False)
    assert RTCStore(FileStore(PATH)).load() == b"newest"


@on_clean_files
def test_a_mirror_that_fails_says_so_and_rtc_memory_has_it():
    shims.install_machine()
    mirror = Mirror(PATH)
    store = RTCStore(mirror)
    store.save([b"first"])
    mirror.is_full = True
    assert fails(store.save, [b"second"])
    assert RTCStore(FileStore(PATH)).load() == b"second"
    assert loaded() == b"first"
    mirror.is_full = False
    store.save([b"third"])
    assert loaded() == b"third"


# --- NVS ------------------------------------------------------------------------------------------


def test_nvs_keeps_the_newest_that_was_committed():
    shims.install_machine()
    assert NVSStore().load() is None
    store = NVSStore()
    for number in range(5):
        store.save([b"state ", str(number).encode()])
        shims.NVS.power_cut()
        assert store.load() == NVSStore().load() == b"state " + str(number).encode()
    assert NVSStore("other").load() is None


def test_nvs_holds_what_it_says_and_not_more():
    shims.install_machine()
    store = NVSStore()
    full = bytes([7]) * store.capacity_bytes
    store.save([full])
    assert fails(store.save, [full, b"1"])
    assert NVSStore().load() == full


def test_a_damaged_blob_leaves_the_one_before():
    shims.install_machine()
    store = NVSStore()
    for number in range(4):
        before = store.load()
        store.save([b"state ", str(number).encode()])
        shims.NVS("kilopush").set_blob("01"[number % 2], b"KP\x01torn")
        assert NVSStore().load() == before
        store = NVSStore()
        store.save([b"state ", str(number).encode()])
        assert NVSStore().load() == b"state " + str(number).encode()


def test_a_blob_that_is_not_ours_is_replaced():
    shims.install_machine()
    nvs = shims.NVS("kilopush")
    for foreign in (b"", b"x", bytes(1025)):
        nvs.set_blob("0", foreign)
        nvs.set_blob("1", foreign)
        assert NVSStore().load() is None
        NVSStore().save([b"ours"])
        assert NVSStore().load() == b"ours"


def test_nvs_that_loses_power_before_the_commit_has_the_one_before():
    shims.install_machine()
    store = NVSStore()
    store.save([b"kept"])
    commit, shims.NVS.commit = shims.NVS.commit, lambda nvs: nvs.power_cut()
    try:
        store.save([b"lost"])
    finally:
        shims.NVS.commit = commit
    assert NVSStore().load() == b"kept"
