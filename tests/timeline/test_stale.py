"""`stale`: nothing was heard for so long."""

from timeline.house import story, tale

SILENT = """
silent:
  topic: z/+device
  stale: 3h
  message: "No reading from {{ device }}"
  recovered: "{{ device }} is back"
"""
POND = """
pond:
  topic: [garden/pond, garden/pump]
  stale: 3h
  message: "Nothing from {{ topic }}"
  recovered: "{{ topic }} is back"
"""


def test_a_device_that_falls_silent_is_told_once():
    # mqttwarn PR 697: its first version repeats for ever
    assert story(SILENT, "0 z/attic 20\n1h z/attic 21\n3d end") == "4h No reading from attic"


def test_one_dead_device_is_not_hidden_by_those_that_speak():
    # mqttwarn#361, uptime-kuma#2037, z2m#7833: one timer for each device, not for the filter
    alive = "\n".join(f"{hour}h z/cellar 8" for hour in range(12))
    assert story(SILENT, f"0 z/attic 20\n{alive}") == "3h No reading from attic"


def test_it_is_over_when_something_is_heard():
    assert story(SILENT, "0 z/attic 20\n4h z/attic 20\n9h end") == tale("""
        3h No reading from attic
        4h attic is back
        7h No reading from attic
        """)


def test_a_topic_that_never_spoke_is_missed_from_the_start_if_it_is_named():
    # mqttwarn#78, adafruit/io#86: silence on a concrete topic counts from the start
    assert story(POND, "2h garden/pump on\n10h end") == tale("""
        3h Nothing from garden/pond
        5h Nothing from garden/pump
        """)


def test_a_topic_under_a_wildcard_is_waited_for_from_its_first_message_on():
    assert story(SILENT, "10h z/attic 1\n20h end") == "13h No reading from attic"


def test_any_payload_is_a_sign_of_life():
    assert story(SILENT, "0 z/attic 1\n2h z/attic nan\n4h z/attic {\n6h end") == ""


def test_a_replay_is_no_sign_of_life():
    assert story(POND, "2h retained garden/pond on\n2h garden/pump on\n4h end") == (
        "3h Nothing from garden/pond"
    )


def test_a_replay_does_not_end_a_silence():
    assert story(SILENT, "0 z/attic 1\n4h retained z/attic 1\n6h end") == (
        "3h No reading from attic"
    )


def test_time_without_a_connection_is_no_silence():
    # mqttwarn PR 697 stops for good while it is disconnected
    assert story(
        SILENT,
        """
        0 z/attic 20
        1h offline
        9h online
        10h59m end
        11h1m end
        """,
    ) == ("11h No reading from attic")


def test_time_in_which_the_bridge_did_not_run_is_no_silence():
    assert story(
        SILENT,
        """
        0 z/attic 20
        1h restart
        9h online
        12h end
        """,
    ) == ("11h No reading from attic")


def test_a_crash_makes_nobody_silent():
    assert story(
        SILENT,
        """
        0 z/attic 20
        2h z/attic 20
        2h30m crash
        2h30m online
        6h end
        """,
    ) == ("5h No reading from attic")


def test_a_crash_after_a_time_without_a_connection_makes_nobody_silent():
    script = """
        0 z/attic 20
        1h offline
        3h online
        3h30m crash
        3h30m online
        4h59m end
        """
    assert story(SILENT, script) == ""


def test_a_named_topic_is_not_waited_for_anew_after_each_restart():
    # SgtBatten's blueprint for Home Assistant: its silence timer breaks on restart
    assert story(
        POND.replace("garden/pump", "garden/pond"),
        """
        0 garden/pond on
        1h restart
        1h online
        2h crash
        2h online
        2h30m restart
        2h30m online
        5h end
        """,
    ) == ("3h Nothing from garden/pond")


def test_a_silence_goes_on_across_a_restart():
    assert story(
        SILENT,
        """
        0 z/attic 20
        3h30m restart
        3h40m online
        4h z/attic 20
        """,
    ) == tale("""
        3h No reading from attic
        4h attic is back
        """)


def test_it_says_when_it_was_heard_last():
    rules = """
        silent: {topic: z/+room, stale: 3h, message: "{{ room }}: {{ lasted }}, {{ last_seen }}"}
        """
    assert story(rules, "0 z/attic 20\n4h end") == "3h attic: 3 h, 2025-06-15 15:06"
