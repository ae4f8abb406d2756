"""`for`, `until` and `clear_after`: what lasts, and what only happened."""

from timeline.house import story, tale

WINDOW = """
window:
  topic: z/+device
  when: not contact
  for: 15m
  message: "{{ device }} is open for {{ lasted }}"
  recovered: "{{ device }} is closed after {{ lasted }}"
"""
MOTION = """
motion:
  topic: z/+room
  event: occupancy
  clear_after: 5m
  message: "Motion in the {{ room }}"
  recovered: "Nobody in the {{ room }}, after {{ lasted }}"
"""


def test_a_window_that_stays_open_is_told_after_its_time_without_any_traffic():
    assert story(
        WINDOW,
        """
        0 z/kitchen {"contact": false}
        1h z/kitchen {"contact": true}
        """,
    ) == tale("""
        15m kitchen is open for 15 min
        1h kitchen is closed after 1 h
        """)


def test_a_short_opening_is_told_to_nobody():
    # HA core#37828, alert2#5: a short state is no alarm
    script = """
        0 z/kitchen {"contact": false}
        14m59s z/kitchen {"contact": true}
        2h end
        """
    assert story(WINDOW, script) == ""


def test_a_bridge_that_is_away_for_seconds_is_no_alarm():
    # z2m#3651: the bridge is offline for seconds
    rules = """
        bridge:
          topic: z/bridge/state
          when: offline(value)
          for: 1m
          message: "the bridge is {{ value }}"
        """
    script = """
        0 z/bridge/state offline
        7s z/bridge/state online
        10m z/bridge/state offline
        10m59s z/bridge/state online
        20m z/bridge/state offline
        30m end
        """
    assert story(rules, script) == "21m the bridge is offline"


def test_messages_that_say_the_same_do_not_move_the_time():
    # z2m#8220: a stream every two seconds starves whatever waits for silence
    stream = "\n".join(f'{second} z/kitchen {{"contact": false}}' for second in range(0, 1000, 2))
    assert story(WINDOW, stream) == "15m kitchen is open for 15 min"


def test_each_closing_begins_the_time_again():
    assert (
        story(
            WINDOW,
            """
        0 z/kitchen {"contact": false}
        10m z/kitchen {"contact": true}
        11m z/kitchen {"contact": false}
        40m end
        """,
        )
        == "26m kitchen is open for 15 min"
    )


def test_each_key_has_its_own_time():
    assert story(
        WINDOW,
        """
        0 z/kitchen {"contact": false}
        5m z/bath {"contact": false}
        10m z/kitchen {"contact": true}
        1h end
        """,
    ) == tale("""
        20m bath is open for 15 min
        """)


def test_a_payload_without_the_field_changes_nothing():
    # z2m#10514, z2m#1425: null, and payloads that hold only what changed
    assert (
        story(
            WINDOW,
            """
        0 z/kitchen {"contact": false}
        5m z/kitchen {"battery": 80}
        10m z/kitchen {"contact": null}
        12m z/kitchen nonsense
        1h z/kitchen {"battery": 79}
        """,
        )
        == "15m kitchen is open for 15 min"
    )


def test_while_the_time_runs_a_false_condition_ends_it_whatever_until_says():
    rules = """
        boiler:
          topic: t/boiler
          when: value > 55
          until: value < 50
          for: 10m
          message: "Boiler is hot"
          recovered: "Boiler is cool"
        """
    assert story(
        rules,
        """
        0 t/boiler 56
        5m t/boiler 53
        20m t/boiler 56
        35m t/boiler 53
        36m t/boiler 56
        40m t/boiler 49
        """,
    ) == tale("""
        30m Boiler is hot
        40m Boiler is cool
        """)


def test_a_value_that_swings_between_two_limits_is_one_alarm():
    # HA-Battery-Notes#4740, prometheus#14085, mqttwarn#392: once per episode, with two limits
    rules = """
        battery:
          topic: z/+device
          when: battery < 15
          until: battery > 30
          message: "{{ device }} needs a battery"
        """
    levels = (20, 14, 16, 13, 29, 12, 31, 16, 14)
    script = "\n".join(f'{at}m z/lamp {{"battery": {one}}}' for at, one in enumerate(levels))
    assert story(rules, script) == tale("""
        1m lamp needs a battery
        8m lamp needs a battery
        """)


def test_an_alarm_is_told_once_per_episode():
    # mqttwarn#392, gotify/android#223, frigate-notify#297: once, and again after it was over
    rules = """
        leak: {topic: z/+device, when: leak, message: "Water at {{ device }}"}
        """
    assert story(
        rules,
        """
        0 z/cellar {"leak": true}
        1m z/cellar {"leak": true}
        2h z/cellar {"leak": true}
        3h z/cellar {"leak": false}
        4h z/cellar {"leak": true}
        """,
    ) == tale("""
        0 Water at cellar
        4h Water at cellar
        """)


# --- clear_after ----------------------------------------------------------------------------------


def test_what_happened_is_over_some_time_after_the_last_time():
    assert story(
        MOTION,
        """
        0 z/hall {"occupancy": true}
        20m end
        """,
    ) == tale("""
        0 Motion in the hall
        5m Nobody in the hall, after 5 min
        """)


def test_each_message_counts_and_moves_the_end():
    assert story(
        MOTION,
        """
        0 z/hall {"occupancy": true}
        4m z/hall {"occupancy": true}
        6m z/hall {"occupancy": false}
        1h end
        """,
    ) == tale("""
        0 Motion in the hall
        4m Motion in the hall
        9m Nobody in the hall, after 9 min
        """)


def test_a_leak_sensor_that_never_says_dry_is_dry_after_its_time():
    # rtl_433#2619: "no wet event for 30 minutes then dry"
    rules = """
        leak:
          topic: rtl_433/+device
          event: event == 'wet'
          clear_after: 30m
          cooldown: 1d
          message: "Water at {{ device }}"
          recovered: "{{ device }} is dry"
        """
    script = "\n".join(f'{at}m rtl_433/7 {{"event": "wet"}}' for at in range(0, 61, 10))
    assert story(rules, script + "\n3h end") == tale("""
        0 Water at 7
        1h30m 7 is dry
        """)


def test_what_happened_begins_anew_after_it_was_over():
    assert story(
        MOTION,
        """
        0 z/hall {"occupancy": true}
        10m z/hall {"occupancy": true}
        1h end
        """,
    ) == tale("""
        0 Motion in the hall
        5m Nobody in the hall, after 5 min
        10m Motion in the hall
        15m Nobody in the hall, after 5 min
        """)


# --- in the middle of it, the bridge stops --------------------------------------------------------


def test_the_time_keeps_its_start_across_a_restart_and_the_first_message_confirms_it():
    assert story(
        WINDOW,
        """
        0 z/kitchen {"contact": false}
        10m restart
        20m online
        20m4s z/kitchen {"contact": false}
        """,
    ) == tale("""
        20m4s kitchen is open for 20 min
        """)


def test_a_replay_confirms_it_too():
    assert (
        story(
            WINDOW,
            """
        0 z/kitchen {"contact": false}
        10m restart
        20m online
        20m1s retained z/kitchen {"contact": false}
        30m end
        """,
        )
        == "20m1s kitchen is open for 20 min"
    )


def test_without_a_message_it_is_told_ten_seconds_after_the_subscription():
    assert (
        story(
            WINDOW,
            """
        0 z/kitchen {"contact": false}
        10m crash
        20m online
        30m end
        """,
        )
        == "20m10s kitchen is open for 20 min"
    )


def test_a_message_that_contradicts_it_in_these_ten_seconds_wins():
    script = """
        0 z/kitchen {"contact": false}
        10m crash
        20m online
        20m9s retained z/kitchen {"contact": true}
        1h end
        """
    assert story(WINDOW, script) == ""


def test_a_restart_before_the_time_is_over_changes_nothing():
    assert (
        story(
            WINDOW,
            """
        0 z/kitchen {"contact": false}
        5m restart
        5m online
        10m crash
        10m online
        1h end
        """,
        )
        == "15m kitchen is open for 15 min"
    )


def test_what_happened_is_over_in_time_although_the_bridge_was_away():
    assert story(
        MOTION,
        """
        0 z/hall {"occupancy": true}
        1m crash
        2m online
        2m30s z/hall {"occupancy": true}
        3m restart
        20m online
        1h end
        """,
    ) == tale("""
        0 Motion in the hall
        2m30s Motion in the hall
        20m10s Nobody in the hall, after 20 min
        """)


def test_a_message_that_the_broker_delivers_again_begins_nothing_twice():
    assert story(
        WINDOW,
        """
        0 crash after z/kitchen {"contact": false}
        15m30s crash after z/kitchen {"contact": true}
        16m crash before z/kitchen {"contact": false}
        40m end
        """,
    ) == tale("""
        15m kitchen is open for 15 min
        15m30s kitchen is closed after 15 min
        31m kitchen is open for 15 min
        """)
