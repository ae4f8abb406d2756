"""`snooze`: quiet for a while, and nothing is forgotten."""

from timeline.house import books, story, tale

LEAK = """
leak:
  topic: z/+device
  when: leak
  priority: critical
  message: "Water at {{ device }}"
  recovered: "{{ device }} is dry"
"""
BELL = """
bell: {topic: z/+device, event: action == 'ring', message: "{{ device }} rings"}
"""


def test_what_still_fires_when_the_snooze_ends_is_told_then():
    # alertmanager#3367: fire what is still firing when the mute ends; #876, #1978, #2892
    told = story(
        LEAK,
        """
        0 snooze leak 2h
        1h z/cellar {"leak": true}
        3h end
        """,
    )
    assert told == "2h Water at cellar (for 1 h)"


def test_what_was_over_before_it_ends_is_only_counted():
    # ntfy#1575, signoz#4685, kibana#153245: tell me afterwards what happened
    script = """
        0 snooze leak 2h
        1h z/cellar {"leak": true}
        1h5m z/cellar {"leak": false}
        3h end
        """
    assert story(LEAK, script) == ""
    assert books(LEAK, script) == "withdrawn leak: snoozed; over after 5 min"


def test_a_snooze_ends_by_itself():
    script = """
        0 snooze leak 2h
        2h z/cellar {"leak": true}
        """
    assert story(LEAK, script) == "2h Water at cellar"


def test_zero_ends_a_snooze_early():
    assert story(
        LEAK,
        """
        0 snooze leak 2h
        10m z/cellar {"leak": true}
        30m snooze leak 0
        31m z/bath {"leak": true}
        """,
    ) == tale("""
        30m Water at cellar (for 20 min)
        31m Water at bath
        """)


def test_a_snooze_can_be_made_longer_and_shorter():
    longer = '0 snooze leak 1h\n10m z/cellar {"leak": true}\n30m snooze leak 2h\n5h end'
    assert story(LEAK, longer) == "2h30m Water at cellar (for 2 h 20 min)"
    shorter = '0 snooze leak 5h\n10m z/cellar {"leak": true}\n30m snooze leak 5m\n5h end'
    assert story(LEAK, shorter) == "35m Water at cellar (for 25 min)"


def test_what_happens_in_a_snooze_is_counted_and_never_sent():
    script = """
        0 snooze bell 2h
        1h z/gate {"action": "ring"}
        3h z/gate {"action": "ring"}
        """
    assert story(BELL, script) == "3h gate rings"
    assert books(BELL, script) == "withdrawn bell: snoozed"


def test_a_snooze_is_for_one_rule():
    script = """
        0 snooze bell 2h
        1m z/cellar {"leak": true}
        """
    assert story(LEAK + BELL, script) == "1m Water at cellar"


def test_what_was_told_before_the_snooze_has_its_recovery():
    assert story(
        LEAK,
        """
        0 z/cellar {"leak": true}
        1m snooze leak 2h
        5m z/cellar {"leak": false}
        """,
    ) == tale("""
        0 Water at cellar
        5m cellar is dry
        """)


def test_a_snooze_survives_restarts_and_ends_in_time():
    told = story(
        LEAK,
        """
        0 snooze leak 2h
        10m crash
        10m online
        30m z/cellar {"leak": true}
        1h restart
        1h online
        1h1m retained z/cellar {"leak": true}
        3h end
        """,
    )
    assert told == "2h Water at cellar (for 1 h 30 min)"


def test_a_snooze_that_ended_while_the_bridge_was_away_is_over():
    told = story(
        LEAK,
        """
        0 snooze leak 2h
        30m z/cellar {"leak": true}
        1h crash
        5h online
        6h end
        """,
    )
    assert told == "5h10s Water at cellar (for 4 h 30 min)"


def test_an_end_by_hand_survives_a_crash():
    script = """
        0 snooze leak 2h
        1m snooze leak 0
        2m crash
        2m online
        3m z/cellar {"leak": true}
        """
    assert story(LEAK, script) == "3m Water at cellar"


def test_a_message_that_the_broker_delivers_again_in_a_snooze():
    script = """
        0 snooze leak 1h
        1m crash after z/cellar {"leak": true}
        5m crash before z/cellar {"leak": false}
        2h end
        """
    assert books(LEAK, script) == "withdrawn leak: snoozed; over after 4 min"
