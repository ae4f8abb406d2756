"""`repeat` and `ack`: reminders, until it is over or somebody has seen it."""

from timeline.house import ask, story, tale

LEAK = """
leak:
  topic: z/+device
  when: leak
  priority: critical
  message: "Water at {{ device }}"
  recovered: "{{ device }} is dry after {{ lasted }}"
  repeat: [10m, 30m, 2h]
"""
MOTION = """
motion:
  topic: z/+room
  event: occupancy
  clear_after: 30m
  repeat: [10m]
  message: "Motion in the {{ room }}"
  recovered: "Nobody in the {{ room }}"
"""


def test_a_leak_is_reminded_of_until_it_is_dry_and_the_last_interval_recurs():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5h z/cellar {"leak": false}
        9h end
        """,
    ) == tale("""
        0 Water at cellar
        10m Water at cellar (for 10 min)
        40m Water at cellar (for 40 min)
        2h40m Water at cellar (for 2 h 40 min)
        4h40m Water at cellar (for 4 h 40 min)
        5h cellar is dry after 5 h
        """)


def test_messages_that_say_the_same_do_not_move_the_reminders():
    stream = "\n".join(f'{minute}m z/cellar {{"leak": true}}' for minute in range(0, 45, 3))
    assert story(LEAK, stream) == tale("""
        0 Water at cellar
        10m Water at cellar (for 10 min)
        40m Water at cellar (for 40 min)
        """)


def test_only_the_alarm_itself_is_critical():
    script = """
        0 z/cellar {"leak": true}
        1h z/cellar {"leak": false}
        """
    sql = "SELECT kind, priority FROM deliveries JOIN alerts ON alerts.id = alert_id"
    assert ask(LEAK, script, sql) == [
        ("alarm", 0),
        ("reminder", 1),
        ("reminder", 1),
        ("recovery", 1),
    ]


def test_acknowledged_means_no_reminder_and_still_a_recovery():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        15m ack leak
        5h z/cellar {"leak": false}
        """,
    ) == tale("""
        0 Water at cellar
        10m Water at cellar (for 10 min)
        5h cellar is dry after 5 h
        """)


def test_acknowledging_lasts_for_the_episode_and_not_longer():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m ack leak
        1h z/cellar {"leak": true}
        5h z/cellar {"leak": false}
        6h z/cellar {"leak": true}
        6h15m end
        """,
    ) == tale("""
        0 Water at cellar
        5h cellar is dry after 5 h
        6h Water at cellar
        6h10m Water at cellar (for 10 min)
        """)


def test_what_begins_after_the_acknowledgment_is_reminded_of():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m ack leak
        6m z/bath {"leak": true}
        20m end
        """,
    ) == tale("""
        0 Water at cellar
        6m Water at bath
        16m Water at bath (for 10 min)
        """)


def test_nobody_is_reminded_of_what_nobody_was_told():
    assert story(
        LEAK,
        """
        0 phone off
        0 z/cellar {"leak": true}
        25m phone on
        45m end
        """,
    ) == tale("""
        25m30s Water at cellar (25 min ago)
        40m Water at cellar (for 40 min)
        """)


def test_reminders_that_could_not_be_sent_do_not_pile_up():
    # home-assistant/core#132638: 97 227 lines while nothing could be sent
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m phone off
        10h phone on
        10h1m end
        """,
    ) == tale("""
        0 Water at cellar
        10h30s Water at cellar (for 8 h 40 min) (1 h 20 min ago)
        """)


def test_a_reminder_that_waits_is_not_sent_once_it_is_over():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m phone off
        15m z/cellar {"leak": false}
        30m phone on
        31m end
        """,
    ) == tale("""
        0 Water at cellar
        30m30s cellar is dry after 15 min (15 min ago)
        """)


def test_a_reminder_that_waits_is_not_sent_once_it_is_acknowledged():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m phone off
        15m ack leak
        30m phone on
        5h end
        """,
    ) == tale("""
        0 Water at cellar
        """)


def test_an_alarm_that_ends_before_it_was_sent_says_so_and_has_no_recovery():
    # cortendesk#49: a recovery only if the alarm was delivered
    assert (
        story(
            LEAK,
            """
        0 phone off
        0 z/cellar {"leak": true}
        5m z/cellar {"leak": false}
        20m phone on
        1h end
        """,
        )
        == "20m30s Water at cellar (20 min ago) (over after 5 min)"
    )


def test_a_recovery_goes_to_those_who_know_of_the_alarm():
    rules = LEAK.replace("  message", "  to: [me, anna]\n  message")
    assert story(
        rules,
        """
        0 z/cellar {"leak": true}
        5m z/cellar {"leak": false}
        6m end
        """,
    ) == tale("""
        0 Water at cellar
        0 anna: Water at cellar
        5m cellar is dry after 5 min
        5m anna: cellar is dry after 5 min
        """)


def test_what_happened_is_reminded_of_until_it_is_over():
    # HA alert PR 5201: reminders belong to the episode
    assert story(MOTION, '0 z/hall {"occupancy": true}\n3h end') == tale("""
        0 Motion in the hall
        10m Motion in the hall (for 10 min)
        20m Motion in the hall (for 20 min)
        30m Nobody in the hall
        """)


def test_what_happened_and_was_acknowledged_is_told_when_it_happens_again():
    assert story(
        MOTION,
        """
        0 z/hall {"occupancy": true}
        5m ack motion
        25m z/hall {"occupancy": true}
        3h end
        """,
    ) == tale("""
        0 Motion in the hall
        25m Motion in the hall
        55m Nobody in the hall
        """)


# --- in the middle of it, the bridge stops --------------------------------------------------------


def test_reminders_go_on_after_a_restart():
    # home-assistant/core#28290, #59812, #52606: idle after a restart, although it still holds
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        15m restart
        15m online
        20m crash
        20m online
        1h end
        """,
    ) == tale("""
        0 Water at cellar
        10m Water at cellar (for 10 min)
        40m Water at cellar (for 40 min)
        """)


def test_what_was_missed_while_the_bridge_was_away_is_one_reminder():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m crash
        9h online
        9h30m end
        """,
    ) == tale("""
        0 Water at cellar
        9h10s Water at cellar (for 9 h)
        """)


def test_a_reminder_is_not_sent_if_the_restart_finds_it_over():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m restart
        1h online
        1h1s retained z/cellar {"leak": false}
        5h end
        """,
    ) == tale("""
        0 Water at cellar
        1h3s cellar is dry after 1 h (found at start)
        """)


def test_an_acknowledgment_survives_a_crash():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        5m ack leak
        6m crash
        6m online
        5h z/cellar {"leak": false}
        """,
    ) == tale("""
        0 Water at cellar
        5h cellar is dry after 5 h
        """)


def test_a_retained_alarm_is_not_told_again_after_a_restart():
    # flyte/mqtt-io#300, HA add-on ihost#5, venus-os#48, node-red#1950
    assert (
        story(
            LEAK,
            """
        0 z/cellar {"leak": true}
        1m restart
        1m online
        1m retained z/cellar {"leak": true}
        2m crash
        2m online
        2m retained z/cellar {"leak": true}
        """,
        )
        == "0 Water at cellar"
    )


def test_an_alarm_that_began_while_the_bridge_was_away_is_told():
    # home-assistant/core#28290, #59812, #52606, the other side of it
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": false}
        1m restart
        1h online
        1h retained z/cellar {"leak": true}
        1h10m end
        """,
    ) == tale("""
        1h Water at cellar (found at start)
        1h10m Water at cellar (for 10 min)
        """)
