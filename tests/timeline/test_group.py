"""`group`: what comes together is one message."""

from timeline.house import books, story, tale

YARD = """
yard:
  topic: f/+camera
  event: person
  group: 20s
  message: "Somebody at {{ camera }}"
"""
DEVICES = """
offline:
  topic: z/+device/availability
  when: offline(value)
  group: 30s
  message: "{{ device }} is offline"
  recovered: "{{ device }} is back"
"""


def test_cameras_that_fire_together_make_one_message():
    # kapacitor#828, MeshCentral#2167: one message for many
    assert story(
        YARD,
        """
        0 f/gate {"person": true}
        5 f/door {"person": true}
        19 f/gate {"person": true}
        1m end
        """,
    ) == tale("""
        20s Somebody at gate | Somebody at door | Somebody at gate
        """)


def test_the_next_group_begins_with_the_next_alarm():
    assert story(
        YARD,
        """
        0 f/gate {"person": true}
        20 f/door {"person": true}
        25 f/gate {"person": true}
        1m end
        """,
    ) == tale("""
        20s Somebody at gate
        40s Somebody at door | Somebody at gate
        """)


def test_a_steady_stream_does_not_hold_a_group_open():
    # z2m#8220 again: the group ends some time after its first alarm, not its last
    stream = "\n".join(f'{second} f/gate {{"person": true}}' for second in range(0, 41, 2))
    assert [line.partition(" ")[0] for line in story(YARD, stream).splitlines()] == ["20s", "40s"]


def test_what_recovered_within_the_group_is_not_sent():
    # z2m#26942, uptime-kuma#1887: all at once, and back at once
    script = """
        0 z/lamp/availability offline
        1 z/plug/availability offline
        20 z/lamp/availability online
        5m end
        """
    assert story(DEVICES, script) == "30s plug is offline"
    assert books(DEVICES, script) == "withdrawn offline: over before its group was complete"


def test_if_all_recovered_within_the_group_nothing_is_sent():
    script = """
        0 z/lamp/availability offline
        20 z/lamp/availability online
        5m end
        """
    assert story(DEVICES, script) == ""


def test_each_person_gets_one_message_and_each_recovery():
    assert story(
        DEVICES.replace("group", "to: [me, anna]\n  group"),
        """
        0 z/lamp/availability offline
        1 z/plug/availability offline
        5m z/lamp/availability online
        6m end
        """,
    ) == tale("""
        30s lamp is offline | plug is offline
        30s anna: lamp is offline | plug is offline
        5m lamp is back
        5m anna: lamp is back
        """)


def test_a_recovery_does_not_wait_for_the_next_group():
    assert story(
        DEVICES,
        """
        0 z/lamp/availability offline
        5m z/plug/availability offline
        5m1s z/lamp/availability online
        7m end
        """,
    ) == tale("""
        30s lamp is offline
        5m1s lamp is back
        5m30s plug is offline
        """)


def test_a_group_that_waits_for_the_network_tells_what_was_over_after_it():
    script = """
        0 phone off
        0 z/lamp/availability offline
        10m z/lamp/availability online
        20m phone on
        21m end
        """
    assert story(DEVICES, script) == "20m30s lamp is offline (20 min ago) (over after 10 min)"


def test_a_restart_ends_a_group_and_loses_nothing_of_it():
    assert story(
        DEVICES,
        """
        0 z/lamp/availability offline
        1 z/plug/availability offline
        20 crash
        22 online
        2m end
        """,
    ) == tale("""
        20s lamp is offline | plug is offline
        """)


def test_what_the_broker_delivers_again_is_one_line():
    assert story(
        DEVICES,
        """
        0 z/lamp/availability offline
        10 crash after z/plug/availability offline
        2m end
        """,
    ) == tale("""
        10s lamp is offline | plug is offline
        """)
