"""`cooldown` and `limit`: not too often, and the first one at once."""

from timeline.house import books, story, tale

DOOR = """
door:
  topic: z/+device
  when: not contact
  cooldown: 10m
  message: "{{ device }} is open"
  recovered: "{{ device }} is closed"
"""
BELL = """
bell:
  topic: z/+device
  event: action == 'ring'
  cooldown: 5m
  message: "{{ device }} rings"
"""
CAMERA = """
camera:
  topic: f/+camera
  event: severity == 'alert'
  limit: 3 per hour
  message: "Somebody at {{ camera }}"
"""


def rings(*minutes: float, topic: str = "z/gate") -> str:
    return "\n".join(f'{minute * 60:.0f} {topic} {{"action": "ring"}}' for minute in minutes)


def alerts(*minutes: float) -> str:
    return "\n".join(f'{minute * 60:.0f} f/yard {{"severity": "alert"}}' for minute in minutes)


def test_the_first_goes_at_once_and_the_next_after_the_cooldown():
    assert story(BELL, rings(0, 1, 4, 6, 7)) == tale("""
        0 gate rings
        6m gate rings
        """)


def test_what_happened_in_the_cooldown_is_counted_and_never_sent():
    assert books(BELL, rings(0, 1, 4) + "\n2h end") == tale("""
        withdrawn bell: muted by its cooldown
        withdrawn bell: muted by its cooldown
        """)


def test_a_steady_stream_never_starves():
    # z2m#8220: a debounce that waits for silence publishes nothing on a stream of 2 s
    assert story(BELL, rings(*(second / 60 for second in range(0, 661, 2)))) == tale("""
        0 gate rings
        5m gate rings
        10m gate rings
        """)


def test_a_cooldown_belongs_to_one_key():
    # HA_blueprints PR 216: a cooldown for all blocks what is news
    script = '0 z/gate {"action": "ring"}\n1m z/door {"action": "ring"}'
    assert story(BELL, script) == tale("""
        0 gate rings
        1m door rings
        """)


def test_a_cooldown_of_days_is_not_taken_for_seconds():
    # SgtBatten's blueprint: `.seconds` drops whole days
    script = rings(0, 24 * 60 + 1, 49 * 60)
    assert story(BELL.replace("5m", "2d"), script) == tale("""
        0 gate rings
        2d1h gate rings
        """)


def test_a_state_that_still_holds_after_the_cooldown_is_told_then():
    # alertmanager#3367: tell what still fires when the mute ends
    assert story(
        DOOR,
        """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m z/gate {"contact": false}
        1h z/gate {"contact": true}
        """,
    ) == tale("""
        0 gate is open
        1m gate is closed
        10m gate is open (for 8 min)
        1h gate is closed
        """)


def test_a_state_that_ends_in_the_cooldown_is_only_counted():
    script = """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m z/gate {"contact": false}
        4m z/gate {"contact": true}
        1h end
        """
    assert story(DOOR, script) == tale("""
        0 gate is open
        1m gate is closed
        """)
    assert books(DOOR, script) == "withdrawn door: muted by its cooldown; over after 2 min"


def test_a_state_that_flaps_is_told_once_per_cooldown():
    # frigate-notify#264, blakeblackshear/frigate#15255, mqttwarn#104: floods
    flaps = "\n".join(
        f'{second} z/gate {{"contact": {str(second % 20 == 10).lower()}}}'
        for second in range(0, 1800, 10)
    )
    told = story(DOOR, flaps).splitlines()
    assert [line for line in told if "open" in line] == [
        "0 gate is open",
        "10m gate is open",
        "20m gate is open",
    ]


def test_the_cooldown_counts_from_the_alarm_and_not_from_its_end():
    assert story(
        DOOR,
        """
        0 z/gate {"contact": false}
        30m z/gate {"contact": true}
        31m z/gate {"contact": false}
        """,
    ) == tale("""
        0 gate is open
        30m gate is closed
        31m gate is open
        """)


def test_a_cooldown_is_remembered_across_restarts():
    # SgtBatten's blueprint: state in memory
    script = """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m restart
        2m online
        3m z/gate {"contact": false}
        4m crash
        4m online
        20m end
        """
    assert story(DOOR, script) == tale("""
        0 gate is open
        1m gate is closed
        10m gate is open (for 7 min)
        """)
    bell = rings(0) + "\n1m crash\n1m online\n" + rings(2, 6)
    assert story(BELL, bell) == tale("""
        0 gate rings
        6m gate rings
        """)


def test_a_cooldown_that_ended_while_the_bridge_was_away_is_over():
    assert story(
        DOOR,
        """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m z/gate {"contact": false}
        3m restart
        1h online
        2h end
        """,
    ) == tale("""
        0 gate is open
        1m gate is closed
        1h10s gate is open (for 58 min)
        """)


def test_an_event_that_the_broker_delivers_again_is_within_its_cooldown():
    assert story(BELL, '0 crash after z/gate {"action": "ring"}\n1h end') == "0 gate rings"
    assert story(BELL, '0 crash before z/gate {"action": "ring"}\n1h end') == "0 gate rings"


# --- limit ----------------------------------------------------------------------------------------


def test_what_is_more_than_the_limit_goes_to_the_digest():
    # mqttwarn#17, kapacitor#828, ntfy#1188: stop the flood, and say what was in it
    shown = story(CAMERA, alerts(0, 1, 2, 3, 4) + "\n1h end")
    assert shown == tale("""
        0 Somebody at yard
        1m Somebody at yard
        2m Somebody at yard
        13m 2 alerts, 15:09 to 15:10 | Somebody at yard ×2 (15:09 to 15:10)
        """)


def test_a_limit_slides_and_a_steady_stream_never_starves():
    told = story(CAMERA, alerts(*range(125))).splitlines()
    assert [line for line in told if "alerts" not in line] == [
        f"{at} Somebody at yard"
        for at in ("0", "1m", "2m", "1h", "1h1m", "1h2m", "2h", "2h1m", "2h2m")
    ]


def test_nothing_of_a_flood_is_lost():
    assert (
        books(CAMERA, alerts(*(one / 60 for one in range(300))) + "\n2h end").splitlines()
        == ["deferred camera: -"] * 297
    )


def test_a_limit_is_for_the_rule_and_not_for_the_key():
    script = "\n".join(f'{at} f/{at} {{"severity": "alert"}}' for at in range(5))
    assert len(story(CAMERA, script).splitlines()) == 3


def test_a_limit_is_remembered_across_restarts():
    script = alerts(0, 1) + "\n2m crash\n2m online\n" + alerts(3, 4, 5) + "\n50m end\n" + alerts(61)
    assert story(CAMERA, script) == tale("""
        0 Somebody at yard
        1m Somebody at yard
        3m Somebody at yard
        14m 2 alerts, 15:10 to 15:11 | Somebody at yard ×2 (15:10 to 15:11)
        1h1m Somebody at yard
        """)


def test_surplus_that_is_over_says_so_in_the_digest():
    rules = """
        door: {topic: z/+door, when: not contact, limit: 1 per hour, message: "{{ door }} is open"}
        """
    assert story(
        rules,
        """
        0 z/gate {"contact": false}
        1m z/door {"contact": false}
        2m z/door {"contact": true}
        1h end
        """,
    ) == tale("""
        0 gate is open
        11m door is open (10 min ago) (over after 1 min)
        """)


def test_a_recovery_of_surplus_goes_the_way_of_its_alarm():
    assert story(
        DOOR.replace("cooldown: 10m", "limit: 1 per hour"),
        """
        0 z/gate {"contact": false}
        1m z/door {"contact": false}
        20m z/door {"contact": true}
        1h end
        """,
    ) == tale("""
        0 gate is open
        11m door is open (10 min ago)
        30m door is closed (10 min ago)
        """)
