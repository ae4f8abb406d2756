"""`unless`: the cause silences its symptoms."""

import re
from pathlib import Path

import pytest
from timeline.house import BEGIN_S, books, configuration, story, tale

from kilopush_bridge.errors import ConfigError
from kilopush_bridge.model import Alert, Received
from kilopush_bridge.rules import Engine

DOWN = """
down:
  topic: z/bridge/state
  when: offline(value)
  message: "the bridge is down"
  recovered: "the bridge is back"
"""
OFFLINE = """
offline:
  topic: z/+device/availability
  when: offline(value)
  for: 5m
  unless: down
  message: "{{ device }} is offline"
  recovered: "{{ device }} is back"
"""
AT_ONCE = OFFLINE.replace("  for: 5m\n", "")
GROUPED = OFFLINE.replace("for: 5m", "group: 30s")
EVENT = """
seen:
  topic: f/+camera
  event: person
  unless: down
  message: "Somebody at {{ camera }}"
"""


def test_the_cause_comes_first_and_its_symptoms_are_silent():
    # z2m#26942: all devices offline at once; oneuptime#2486: 40 mails; NetLock#158
    script = """
        0 z/bridge/state offline
        1 z/lamp/availability offline
        1m z/plug/availability offline
        20m1s z/lamp/availability online
        20m1s z/plug/availability online
        20m2s z/bridge/state online
        2h end
        """
    assert story(DOWN + OFFLINE, script) == tale("""
        0 the bridge is down
        20m2s the bridge is back
        """)
    assert books(DOWN + OFFLINE, script) == tale("""
        withdrawn offline: muted by down; over after 20 min
        withdrawn offline: muted by down; over after 19 min
        """)


def test_the_cause_may_come_later_as_long_as_for_lasts():
    # uptime-kuma#1887, and PR 1236: the symptom is heard of first
    assert story(
        DOWN + OFFLINE,
        """
        0 z/lamp/availability offline
        4m z/bridge/state offline
        1h z/lamp/availability online
        1h z/bridge/state online
        """,
    ) == tale("""
        4m the bridge is down
        1h the bridge is back
        """)


def test_the_cause_may_come_later_as_long_as_the_group_is_open():
    script = """
        0 z/lamp/availability offline
        20 z/bridge/state offline
        1h z/lamp/availability online
        1h z/bridge/state online
        """
    assert story(DOWN + GROUPED, script) == tale("""
        20s the bridge is down
        1h the bridge is back
        """)
    assert books(DOWN + GROUPED, script) == "withdrawn offline: muted by down"


def test_the_cause_may_come_later_as_long_as_the_network_is_down():
    assert story(
        DOWN + AT_ONCE,
        """
        0 phone off
        0 z/lamp/availability offline
        5m z/bridge/state offline
        20m phone on
        1h z/lamp/availability online
        1h z/bridge/state online
        """,
    ) == tale("""
        20m30s the bridge is down (15 min ago)
        1h the bridge is back
        """)


def test_what_was_told_before_its_cause_has_its_recovery():
    assert story(
        DOWN + AT_ONCE,
        """
        0 z/lamp/availability offline
        1m z/bridge/state offline
        5m z/lamp/availability online
        """,
    ) == tale("""
        0 lamp is offline
        1m the bridge is down
        5m lamp is back
        """)


def test_when_the_cause_is_over_for_begins_again():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1 z/lamp/availability offline
        20m z/bridge/state online
        2h end
        """,
    ) == tale("""
        0 the bridge is down
        20m the bridge is back
        25m lamp is offline (for 24 min)
        """)


def test_for_begins_again_even_if_it_was_not_over_yet():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        10m z/lamp/availability offline
        12m z/bridge/state online
        2h end
        """,
    ) == tale("""
        0 the bridge is down
        12m the bridge is back
        17m lamp is offline
        """)


def test_a_symptom_that_recovers_in_that_time_is_told_to_nobody():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1 z/lamp/availability offline
        20m z/bridge/state online
        21m z/lamp/availability online
        2h end
        """,
    ) == tale("""
        0 the bridge is down
        20m the bridge is back
        """)


def test_without_for_a_symptom_that_still_fires_is_told_when_the_cause_is_over():
    assert story(
        DOWN + AT_ONCE,
        """
        0 z/bridge/state offline
        1 z/lamp/availability offline
        20m z/bridge/state online
        """,
    ) == tale("""
        0 the bridge is down
        20m the bridge is back
        20m lamp is offline (for 19 min)
        """)


def test_the_cause_may_come_back():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1 z/lamp/availability offline
        20m z/bridge/state online
        22m z/bridge/state offline
        40m z/bridge/state online
        2h end
        """,
    ) == tale("""
        0 the bridge is down
        20m the bridge is back
        22m the bridge is down
        40m the bridge is back
        45m lamp is offline (for 44 min)
        """)


def test_what_waits_for_the_network_is_looked_at_again_and_sent_if_it_still_fires():
    assert story(
        DOWN + OFFLINE,
        """
        0 phone off
        0 z/lamp/availability offline
        6m z/bridge/state offline
        10m z/bridge/state online
        12m phone on
        2h end
        """,
    ) == tale("""
        12m30s the bridge is down (6 min ago) (over after 4 min)
        15m lamp is offline (10 min ago)
        """)


def test_each_of_several_causes_silences():
    rules = """
power: {topic: z/power, when: offline(value), message: "no power"}
"""
    both = OFFLINE.replace("unless: down", "unless: [power, down]")
    assert story(
        rules + DOWN + both,
        """
        0 z/power offline
        1m z/bridge/state offline
        2m z/lamp/availability offline
        10m z/power online
        30m z/bridge/state online
        2h end
        """,
    ) == tale("""
        0 no power
        1m the bridge is down
        30m the bridge is back
        35m lamp is offline (for 33 min)
        """)


def test_any_key_of_the_cause_silences_and_the_last_one_ends_it():
    hubs = DOWN.replace("z/bridge/state", "hub/+hub").replace("the bridge", "{{ hub }}")
    assert story(
        hubs + AT_ONCE,
        """
        0 hub/a offline
        1m hub/b offline
        2m z/lamp/availability offline
        3m hub/a online
        9m hub/b online
        """,
    ) == tale("""
        0 a is down
        1m b is down
        3m a is back
        9m b is back
        9m lamp is offline (for 7 min)
        """)


def test_a_cause_of_a_cause_silences_only_what_names_it():
    rules = """
power: {topic: z/power, when: offline(value), message: "no power"}
"""
    assert story(
        rules + DOWN.replace("  message", "  unless: power\n  message") + AT_ONCE,
        """
        0 z/power offline
        1m z/bridge/state offline
        2m z/lamp/availability offline
        """,
    ) == tale("""
        0 no power
        """), "a cause that is muted itself fires all the same"


def test_a_cause_that_happens_lasts_until_clear_after():
    rules = """
update: {topic: z/update, event: running, clear_after: 10m, message: "an update runs"}
"""
    assert story(
        rules + AT_ONCE.replace("down", "update"),
        """
        0 z/update {"running": true}
        1m z/lamp/availability offline
        5m z/update {"running": true}
        1h end
        """,
    ) == tale("""
        0 an update runs
        5m an update runs
        15m lamp is offline (for 14 min)
        """)


def test_a_cause_that_is_silent_silences():
    rules = """
hub: {topic: z/hub, stale: 1h, message: "the hub is silent"}
"""
    assert story(
        rules + AT_ONCE.replace("down", "hub"),
        """
        0 z/hub 1
        2h z/lamp/availability offline
        3h z/hub 1
        """,
    ) == tale("""
        1h the hub is silent
        3h lamp is offline (for 1 h)
        """)


def test_an_event_under_its_cause_is_counted_and_never_sent():
    script = """
        0 z/bridge/state offline
        1m f/yard {"person": true}
        2m z/bridge/state online
        1h end
        """
    assert story(DOWN + EVENT, script) == tale("""
        0 the bridge is down
        2m the bridge is back
        """)
    assert books(DOWN + EVENT, script) == "withdrawn seen: muted by down"


def test_an_event_that_waits_for_the_network_is_looked_at_again():
    script = """
        0 phone off
        0 f/yard {"person": true}
        1m z/bridge/state offline
        2m z/bridge/state online
        10m phone on
        1h end
        """
    assert books(DOWN + EVENT, script) == "withdrawn seen: muted by down"


def test_an_event_that_waits_for_its_group_is_looked_at_again():
    script = """
        0 f/yard {"person": true}
        10 z/bridge/state offline
        1h end
        """
    assert story(DOWN + EVENT + "  group: 30s", script) == "10s the bridge is down"


def test_every_alarm_of_an_event_that_waits_is_looked_at_again():
    script = """
        0 phone off
        0 f/yard {"person": true}
        1m f/yard {"person": true}
        2m z/bridge/state offline
        3m z/bridge/state online
        10m phone on
        1h end
        """
    rules = DOWN + EVENT + "  clear_after: 30m\n  recovered: nobody"
    assert books(rules, script) == tale("""
        withdrawn seen: muted by down
        withdrawn seen: muted by down
        """)


def test_a_cause_that_is_forgotten_silences_no_longer(tmp_path: Path):
    day_s = 86_400
    engine = Engine(configuration(DOWN + AT_ONCE, tmp_path).rules, {})
    engine.handle(Received("z/bridge/state", b"offline"), BEGIN_S)
    engine.handle(Received("z/lamp/availability", b"offline"), BEGIN_S + 20 * day_s)
    engine.forget(BEGIN_S + day_s)
    told = [one for one in engine.tick(BEGIN_S + 31 * day_s) if isinstance(one, Alert)]
    assert [one.key for one in told] == ["z/lamp/availability"]


# --- in the middle of it, the bridge stops --------------------------------------------------------


def test_what_is_muted_stays_muted_across_a_restart():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1m z/lamp/availability offline
        10m crash
        11m online
        1h restart
        1h online
        2h z/bridge/state online
        3h end
        """,
    ) == tale("""
        0 the bridge is down
        2h the bridge is back
        2h5m lamp is offline (for 2 h 4 min)
        """)


def test_a_cause_that_ended_while_the_bridge_was_away_lets_for_begin_again():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1m z/lamp/availability offline
        10m restart
        20m online
        20m1s retained z/bridge/state online
        20m1s retained z/lamp/availability offline
        1h end
        """,
    ) == tale("""
        0 the bridge is down
        20m3s the bridge is back (found at start)
        25m1s lamp is offline (for 24 min)
        """)


def test_a_restart_while_for_begins_again_does_not_lose_the_symptom():
    assert story(
        DOWN + OFFLINE,
        """
        0 z/bridge/state offline
        1m z/lamp/availability offline
        20m z/bridge/state online
        22m crash
        22m online
        1h end
        """,
    ) == tale("""
        0 the bridge is down
        20m the bridge is back
        25m lamp is offline (for 24 min)
        """)


def test_a_restart_does_not_begin_the_time_of_a_symptom_again():
    assert (
        story(
            DOWN + OFFLINE,
            """
        0 z/lamp/availability offline
        4m restart
        4m online
        1h end
        """,
        )
        == "5m lamp is offline"
    )


def test_what_was_withheld_is_sent_after_a_restart_if_it_still_fires():
    assert story(
        DOWN + AT_ONCE,
        """
        0 phone off
        0 z/lamp/availability offline
        1m z/bridge/state offline
        5m crash
        6m online
        7m phone on
        8m z/bridge/state online
        20m end
        """,
    ) == tale("""
        7m30s the bridge is down (6 min ago)
        8m the bridge is back
        8m lamp is offline (8 min ago)
        """)


# --- what the configuration refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("unless_of_a", "unless_of_b", "what"),
    [
        ("b", "a", "goes in a circle"),
        ("a", "c", "goes in a circle"),
        ("nobody", "c", "there is no rule"),
        ("c", "e", "never over"),
    ],
)
def test_circles_and_what_never_ends_are_refused(
    unless_of_a: str, unless_of_b: str, what: str, tmp_path: Path
):
    rules = f"""
        a: {{topic: t/a, when: value, message: a, unless: {unless_of_a}}}
        b: {{topic: t/b, when: value, message: b, unless: [{unless_of_b}, c]}}
        c: {{topic: t/c, when: value, message: c}}
        e: {{topic: t/e, event: value, message: e}}
        """
    with pytest.raises(ConfigError, match=re.escape(what)):
        configuration(rules, tmp_path)


def test_what_could_not_speak_has_its_whole_time_again_when_the_cause_is_over():
    rules = """
    bridge down:
      topic: z/bridge
      when: value == 'offline'
      message: the bridge is down
    silent:
      topic: z/+device
      except: z/bridge
      stale: 1h
      unless: bridge down
      message: "{{ device }} is silent"
    """
    script = """
    0     z/gate 1
    10m   z/bridge offline
    50m   z/bridge online
    1h5m  z/gate 2
    2h10m end
    """
    assert story(rules, script) == tale("""
    10m the bridge is down
    2h5m gate is silent
    """)
