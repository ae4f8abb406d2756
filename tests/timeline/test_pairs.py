"""Words that touch each other, two by two, with a restart or a crash between them."""

from timeline.house import books, story, tale

CAUSE = """
down:
  topic: z/bridge
  when: offline(value)
  message: "the bridge is down"
"""


def door(words: str) -> str:
    """Return a rule with these words, and a rule that can be its cause."""
    lines = "\n".join(f"  {line.strip()}" for line in words.split(";"))
    return f"""{CAUSE}
door:
  topic: z/+device
  except: z/bridge
  when: not contact
  message: "{{{{ device }}}} is open"
  recovered: "{{{{ device }}}} is closed"
{lines}
"""


def motion(words: str) -> str:
    return door(words).replace("when: not contact", "event: not contact")


def silent(words: str) -> str:
    return door(words).replace("when: not contact", "stale: 1h")


def without_cause(told: str) -> str:
    return "\n".join(line for line in told.splitlines() if "the bridge" not in line)


OPEN = '{"contact": false}'
SHUT = '{"contact": true}'


def play(script: str) -> str:
    """Return a script in which `opens` and `shuts` stand for what a door says."""
    return script.replace(" opens", f" {OPEN}").replace(" shuts", f" {SHUT}")


# --- for ------------------------------------------------------------------------------------------


def test_for_and_cooldown_run_beside_each_other():
    script = play("""
        0 z/gate opens
        6m z/gate shuts
        7m z/gate opens
        30m z/gate shuts
        """)
    assert story(door("for: 5m; cooldown: 20m"), script) == tale("""
        5m gate is open
        6m gate is closed
        25m gate is open (for 18 min)
        30m gate is closed
        """)


def test_for_that_is_longer_than_the_rest_of_the_cooldown_is_waited_for():
    script = play("0 z/gate opens\n10m z/gate shuts\n18m z/gate opens\n1h end")
    assert story(door("for: 5m; cooldown: 15m"), script) == tale("""
        5m gate is open
        10m gate is closed
        23m gate is open
        """)


def test_a_cooldown_is_kept_while_for_waits_and_is_cancelled():
    script = play("""
        0 z/gate opens
        6m z/gate shuts
        7m z/gate opens
        8m z/gate shuts
        9m crash
        9m online
        10m z/gate opens
        1h end
        """)
    assert story(door("for: 5m; cooldown: 30m"), script) == tale("""
        5m gate is open
        6m gate is closed
        35m gate is open (for 25 min)
        """)


def test_for_and_repeat_reminders_count_from_the_alarm():
    script = play("0 z/gate opens\n8m crash\n8m online\n40m z/gate shuts")
    assert story(door("for: 5m; repeat: [10m, 20m]"), script) == tale("""
        5m gate is open
        15m gate is open (for 15 min)
        35m gate is open (for 35 min)
        40m gate is closed
        """)


def test_for_and_snooze_the_time_runs_while_it_is_snoozed():
    script = play("0 snooze door 10m\n2m z/gate opens\n8m z/gate shuts\n9m z/gate opens\n1h end")
    assert story(door("for: 5m"), script) == "14m gate is open"


def test_for_and_ack_what_only_waits_is_not_acknowledged():
    script = play("0 z/gate opens\n2m ack door\n30m end")
    assert story(door("for: 5m; repeat: [10m]"), script) == tale("""
        5m gate is open
        15m gate is open (for 15 min)
        25m gate is open (for 25 min)
        """)


def test_for_and_group():
    script = play("0 z/gate opens\n20 z/door opens\n5m10s z/gate shuts\n10m end")
    assert story(door("for: 5m; group: 30s"), script) == "5m30s door is open"


def test_for_and_limit_what_never_lasted_costs_nothing():
    script = play("0 z/gate opens\n1m z/gate shuts\n2m z/door opens\n10m end")
    assert story(door("for: 5m; limit: 1 per hour"), script) == "7m door is open"


# --- unless ---------------------------------------------------------------------------------------


def test_unless_and_cooldown_the_longer_one_counts():
    script = play("""
        0 z/gate opens
        1m z/gate shuts
        2m z/bridge offline
        3m z/gate opens
        {end} z/bridge online
        1h end
        """)
    rules = door("cooldown: 10m; unless: down")
    assert without_cause(story(rules, script.replace("{end}", "5m"))).splitlines()[2:] == [
        "10m gate is open (for 7 min)"
    ]
    assert without_cause(story(rules, script.replace("{end}", "20m"))).splitlines()[2:] == [
        "20m gate is open (for 17 min)"
    ]


def test_unless_and_snooze_the_longer_one_counts():
    script = play("""
        0 snooze door 10m
        2m z/bridge offline
        3m z/gate opens
        {end} z/bridge online
        1h end
        """)
    rules = door("unless: down")
    early, late = (without_cause(story(rules, script.replace("{end}", at))) for at in ("5m", "20m"))
    assert early == "10m gate is open (for 7 min)"
    assert late == "20m gate is open (for 17 min)"


def test_for_begins_again_after_unless_even_if_a_snooze_ends_first():
    script = play("""
        0 snooze door 10m
        1m z/gate opens
        7m z/bridge offline
        9m z/bridge online
        11m z/gate shuts
        1h end
        """)
    assert without_cause(story(door("for: 5m; unless: down"), script)) == ""


def test_a_snooze_that_ends_early_does_not_cut_for_after_unless():
    script = play("""
        0 z/bridge offline
        1m z/gate opens
        10m z/bridge online
        11m snooze door 0
        12m z/gate shuts
        1h end
        """)
    assert without_cause(story(door("for: 5m; unless: down"), script)) == ""


def test_a_rule_that_is_snoozed_silences_its_symptoms_all_the_same():
    script = play("0 snooze down 1h\n1m z/bridge offline\n2m z/gate opens\n5m end")
    assert story(door("unless: down"), script) == ""


def test_unless_and_repeat_no_reminders_while_the_cause_is_known():
    script = play("""
        0 z/gate opens
        15m z/bridge offline
        35m z/bridge online
        45m z/gate shuts
        """)
    assert without_cause(story(door("repeat: [10m]; unless: down"), script)) == tale("""
        0 gate is open
        10m gate is open (for 10 min)
        40m gate is open (for 40 min)
        45m gate is closed
        """)


def test_a_reminder_that_waits_for_the_network_is_looked_at_again():
    script = play("""
        0 z/gate opens
        5m phone off
        11m z/bridge offline
        15m phone on
        17m end
        """)
    assert without_cause(story(door("repeat: [10m]; unless: down"), script)) == "0 gate is open"


def test_reminders_of_a_symptom_begin_when_it_is_told():
    script = play("0 z/bridge offline\n1m z/gate opens\n20m z/bridge online\n55m end")
    rules = door("for: 5m; repeat: [10m, 1h]; unless: down")
    assert without_cause(story(rules, script)) == tale("""
        25m gate is open (for 24 min)
        35m gate is open (for 34 min)
        """)


def test_nobody_is_reminded_of_what_is_withheld():
    script = play("""
        0 phone off
        0 z/gate opens
        1m z/bridge offline
        5m phone on
        25m z/bridge online
        41m end
        """)
    assert without_cause(story(door("repeat: [10m]; unless: down"), script)) == tale("""
        25m gate is open (25 min ago)
        30m gate is open (for 30 min)
        40m gate is open (for 40 min)
        """)


def test_unless_and_group_what_was_withheld_together_is_released_together():
    script = play("""
        0 z/gate opens
        1 z/door opens
        10 z/bridge offline
        5m z/bridge online
        10m end
        """)
    assert without_cause(story(door("group: 30s; unless: down"), script)) == (
        "5m gate is open (5 min ago) | door is open (4 min ago)"
    )


def test_unless_and_group_what_was_muted_together_is_told_together():
    script = play("""
        0 z/bridge offline
        10 z/gate opens
        50 z/door opens
        5m z/bridge online
        10m end
        """)
    assert without_cause(story(door("for: 1m; group: 30s; unless: down"), script)) == (
        "6m30s door is open (for 5 min) | gate is open (for 5 min)"
    )


def test_unless_and_limit_what_is_muted_costs_nothing():
    script = play("""
        0 z/bridge offline
        1m z/gate opens
        2m z/gate shuts
        3m z/bridge online
        4m z/door opens
        """)
    assert without_cause(story(door("limit: 1 per hour; unless: down"), script)) == (
        "4m door is open"
    )


def test_unless_and_limit_surplus_in_the_digest_is_looked_at_again():
    script = play("""
        0 z/gate opens
        1m z/door opens
        5m z/bridge offline
        30m end
        """)
    rules = door("limit: 1 per hour; unless: down")
    assert without_cause(story(rules, script)) == "0 gate is open"
    assert books(rules, script) == "withdrawn door: muted by down"


def test_unless_and_clear_after_an_event_under_its_cause_mutes_others_and_says_nothing():
    script = play("0 z/bridge offline\n1m z/gate opens\n2m z/bridge online\n1h end")
    rules = motion("clear_after: 5m; unless: down")
    assert without_cause(story(rules, script)) == ""
    assert books(rules, script) == "withdrawn door: muted by down"


def test_unless_and_ack_the_alarm_after_the_cause_is_not_acknowledged():
    script = play("""
        0 z/bridge offline
        1m z/gate opens
        2m ack door
        3m z/bridge online
        14m end
        """)
    assert without_cause(story(door("repeat: [10m]; unless: down"), script)) == tale("""
        3m gate is open (for 2 min)
        13m gate is open (for 12 min)
        """)


# --- cooldown -------------------------------------------------------------------------------------


def test_cooldown_and_limit_what_is_muted_costs_nothing_and_surplus_counts_as_told():
    script = play("""
        0 z/gate opens
        1m z/gate shuts
        2m z/gate opens
        3m z/gate shuts
        4m z/door opens
        5m z/hall opens
        50m end
        """)
    told = story(door("cooldown: 30m; limit: 2 per hour"), script)
    assert told == tale("""
        0 gate is open
        1m gate is closed
        4m door is open
        15m hall is open (10 min ago)
        """)


def test_cooldown_and_repeat_reminders_are_no_alarms():
    script = play("0 z/gate opens\n25m z/gate shuts")
    assert story(door("cooldown: 1h; repeat: [10m]"), script) == tale("""
        0 gate is open
        10m gate is open (for 10 min)
        20m gate is open (for 20 min)
        25m gate is closed
        """)


def test_cooldown_and_repeat_no_reminder_of_what_is_muted():
    script = play("0 z/gate opens\n1m z/gate shuts\n2m z/gate opens\n45m end")
    assert story(door("cooldown: 30m; repeat: [10m, 1d]"), script) == tale("""
        0 gate is open
        1m gate is closed
        30m gate is open (for 28 min)
        40m gate is open (for 38 min)
        """)


def test_cooldown_and_ack_the_next_episode_is_reminded_of():
    script = play("0 z/gate opens\n1m ack door\n2m z/gate shuts\n3m z/gate opens\n45m end")
    assert story(door("cooldown: 30m; repeat: [10m, 1d]"), script) == tale("""
        0 gate is open
        2m gate is closed
        30m gate is open (for 27 min)
        40m gate is open (for 37 min)
        """)


def test_cooldown_and_snooze_the_longer_one_counts():
    script = play("0 z/gate opens\n1m z/gate shuts\n2m snooze door {for}\n3m z/gate opens\n2h end")
    rules = door("cooldown: 30m")
    short = story(rules, script.replace("{for}", "10m")).splitlines()
    long = story(rules, script.replace("{for}", "1h")).splitlines()
    assert short[2:] == ["30m gate is open (for 27 min)"]
    assert long[2:] == ["1h2m gate is open (for 59 min)"]


def test_cooldown_and_group_what_was_over_within_the_group_begins_no_cooldown():
    script = play("0 z/gate opens\n5 z/gate shuts\n8 z/gate opens\n10 z/door opens\n30m end")
    rules = door("cooldown: 10m; group: 30s")
    assert story(rules, script) == "30s gate is open | door is open"


def test_cooldown_and_group_what_was_told_in_a_group_has_its_cooldown():
    script = play("0 z/gate opens\n1m z/gate shuts\n2m z/gate opens\n30m end")
    assert story(door("cooldown: 10m; group: 30s"), script) == tale("""
        30s gate is open
        1m gate is closed
        10m30s gate is open (for 8 min)
        """)


def test_silence_is_counted_without_each_time_the_connection_was_away():
    script = "0 z/gate 1\n10m offline\n20m online\n30m offline\n40m crash\n1h online\n3h end"
    assert story(silent("priority: high"), script) == "1h40m gate is open"


def test_an_event_that_happens_in_a_snooze_keeps_its_episode_alive():
    script = play("0 z/gate opens\n1m snooze door 10m\n9m z/gate opens\n1h end")
    assert story(motion("clear_after: 10m"), script) == tale("""
        0 gate is open
        19m gate is closed
        """)


def test_what_two_people_wait_for_is_withheld_and_released_for_both():
    script = play("""
        0 phone off
        0 z/gate opens
        1m z/bridge offline
        2m z/bridge online
        3m phone on
        10m z/gate shuts
        11m end
        """)
    assert without_cause(story(door("unless: down; to: [me, anna]"), script)) == tale("""
        3m30s gate is open (3 min ago)
        3m30s anna: gate is open (3 min ago)
        10m gate is closed
        10m anna: gate is closed
        """)


def test_what_was_withheld_and_is_over_has_no_recovery():
    script = play("""
        0 phone off
        0 z/gate opens
        1m z/bridge offline
        5m z/gate shuts
        6m phone on
        30m end
        """)
    rules = door("unless: down; priority: critical")
    assert without_cause(story(rules, script)) == ""
    assert books(rules, script) == "withdrawn door: muted by down"


def test_cooldown_and_clear_after_each_episode_has_its_recovery():
    script = play("""
        0 z/gate opens
        3m z/gate opens
        20m z/gate opens
        21m crash
        21m online
        22m z/gate opens
        1h end
        """)
    assert story(motion("cooldown: 10m; clear_after: 5m"), script) == tale("""
        0 gate is open
        8m gate is closed
        20m gate is open
        27m gate is closed
        """)


def test_cooldown_and_clear_after_an_episode_that_was_only_counted_has_no_recovery():
    script = play("0 z/gate opens\n7m z/gate opens\n1h end")
    assert story(motion("cooldown: 10m; clear_after: 5m"), script) == tale("""
        0 gate is open
        5m gate is closed
        """)


def test_cooldown_and_stale():
    script = play("0 z/gate 1\n1h5m z/gate 1\n1h10m restart\n1h10m online\n5h end")
    assert story(silent("cooldown: 3h"), script) == tale("""
        1h gate is open
        1h5m gate is closed
        4h gate is open (for 2 h 55 min)
        """)


# --- repeat ---------------------------------------------------------------------------------------


def test_repeat_and_clear_after_what_is_over_is_not_reminded_of():
    script = play("0 z/gate opens\n1h end")
    assert story(motion("clear_after: 10m; repeat: [5m]"), script) == tale("""
        0 gate is open
        5m gate is open (for 5 min)
        10m gate is closed
        """)


def test_repeat_and_clear_after_what_ended_while_the_bridge_was_away_is_not_reminded_of():
    script = play("0 z/gate opens\n1m crash\n1h online\n2h end")
    assert story(motion("clear_after: 10m; repeat: [5m]"), script) == tale("""
        0 gate is open
        1h10s gate is closed
        """)


def test_repeat_and_snooze_no_reminder_while_it_is_snoozed():
    script = play("0 z/gate opens\n12m snooze door 20m\n13m crash\n13m online\n45m z/gate shuts")
    assert story(door("repeat: [10m]"), script) == tale("""
        0 gate is open
        10m gate is open (for 10 min)
        40m gate is open (for 40 min)
        45m gate is closed
        """)


def test_repeat_and_stale():
    # HA alert PR 5201: a silent device is reminded of until it speaks
    script = "0 z/gate 1\n2h30m crash\n2h30m online\n4h z/gate 1"
    assert story(silent("repeat: [1h, 2h]"), script) == tale("""
        1h gate is open
        2h gate is open (for 2 h)
        4h gate is open (for 4 h)
        4h gate is closed
        """)


def test_repeat_and_group_reminders_go_alone():
    script = play("0 z/gate opens\n5 z/door opens\n12m end")
    assert story(door("repeat: [10m]; group: 30s"), script) == tale("""
        30s gate is open | door is open
        10m gate is open (for 10 min)
        10m5s door is open (for 10 min)
        """)


def test_repeat_and_limit_reminders_of_surplus_follow_it_into_the_digest():
    script = play("0 z/gate opens\n1m z/door opens\n5m ack door\n2h end")
    assert story(door("repeat: [10m]; limit: 1 per hour"), script) == tale("""
        0 gate is open
        11m door is open (10 min ago)
        """)


def test_ack_and_snooze_the_end_of_a_snooze_does_not_undo_an_ack():
    script = play("0 z/gate opens\n1m ack door\n2m snooze door 10m\n1h z/gate shuts")
    assert story(door("repeat: [5m]"), script) == tale("""
        0 gate is open
        1h gate is closed
        """)


def test_ack_and_clear_after_and_crash():
    script = play("0 z/gate opens\n1m ack door\n2m crash\n2m online\n3m z/gate opens\n1h end")
    assert story(motion("clear_after: 30m; repeat: [5m]"), script) == tale("""
        0 gate is open
        3m gate is open
        33m gate is closed
        """)


# --- limit, group, snooze, stale ------------------------------------------------------------------


def test_group_and_limit_surplus_leaves_the_group():
    script = play("0 z/gate opens\n1 z/door opens\n2 z/hall opens\n30m end")
    assert story(door("group: 30s; limit: 2 per hour"), script) == tale("""
        30s gate is open | door is open
        10m2s hall is open (10 min ago)
        """)


def test_group_and_snooze_what_waits_together_is_told_together():
    script = play("0 snooze door 10m\n1m z/gate opens\n5m z/door opens\n11m end")
    assert story(door("group: 30s"), script) == (
        "10m30s door is open (for 5 min) | gate is open (for 9 min)"
    )


def test_limit_and_snooze_what_is_snoozed_costs_nothing():
    script = play("0 snooze door 10m\n1m z/gate opens\n2m z/gate shuts\n11m z/door opens")
    assert story(door("limit: 1 per hour"), script) == "11m door is open"


def test_group_and_clear_after_what_was_over_within_the_group_is_not_sent():
    script = play("0 z/gate opens\n1m end")
    assert story(motion("clear_after: 5s; group: 30s"), script) == ""


def test_stale_and_unless_a_silence_that_ends_first_is_only_counted():
    rules = silent("unless: down")
    script = "0 z/gate 1\n30m z/bridge offline\n2h z/gate 1\n2h30m z/bridge online\n2h50m end"
    assert without_cause(story(rules, script)) == ""
    assert books(rules, script) == "withdrawn door: muted by down; over after 2 h"


def test_stale_and_snooze():
    script = "0 z/gate 1\n30m snooze door 2h\n3h z/gate 1"
    assert story(silent("priority: high"), script) == tale("""
        2h30m gate is open (for 2 h 30 min)
        3h gate is closed
        """)


def test_stale_and_limit():
    script = "0 z/gate 1\n1 z/door 1\n1h30m end"
    assert story(silent("limit: 1 per hour"), script) == tale("""
        1h gate is open
        1h10m1s door is open (10 min ago)
        """)


def test_stale_and_group():
    script = "0 z/gate 1\n1 z/door 1\n1h10 end\n1h10m end"
    assert story(silent("group: 30s"), script) == "1h30s gate is open | door is open"
