"""The quota (G1, G2, G3), end to end: what is kept for criticals, what the digest tells.

The emulator gives a channel the documented 300 a day. The bridge takes the time from the API, so
`clock` sets both forward (`let_pass`).
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from harness import Bridge, Clock, Listener, Mosquitto, post, publish, publish_many, wrong_clock
from harness.bridge import HEAD, PEOPLE, SECRET, TOKEN, UNLIMITED
from harness.wait import wait_until

from kilopush_bridge.emulator import World, running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kilopush_bridge.emulator import RunningEmulator

STORM = """
  storm:
    topic: storm/+number
    event: value == 'now'
    message: "storm {{ number }}"
"""
FLOOD = STORM.replace("storm", "flood")
SMOKE = """
  smoke:
    topic: smoke/+room
    when: smoke
    priority: critical
    message: "Smoke in {{ room }}"
"""
SMOKE_FOR_ALL = SMOKE + "    to: family\n"
ALARMS_TOKEN = "c_" + "b2" * 20
TWO_CHANNELS = HEAD.replace(
    "channels: {",
    f'channels: {{alarms: {{token: {ALARMS_TOKEN}, secret: "{SECRET}"}}, ',
).replace("{to: me}", "{to: me, channel: home}")
ROOMS = itertools.count(1)
# a channel that is full soon: 36 messages a day are neither kept for criticals nor for digests
SMALL = "budget: {per_day: 60, keep_for_critical: 20, other_senders: 0, digests: 4}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(clock: Clock) -> Iterator[RunningEmulator]:
    with running_emulator(World(), clock=clock) as running:
        yield running


def storm(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"storm/{number}", "now") for number in range(start, start + count)]


def flood(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"flood/{number}", "now") for number in range(start, start + count)]


def smoke(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"smoke/{room}", '{"smoke": true}') for room in range(start, start + count)]


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def refused(api: RunningEmulator) -> list[int | str]:
    return [record.status for record in api.requests if record.status != 200]


def alarms(api: RunningEmulator) -> Counter[tuple[str, str]]:
    """Whose phone showed which smoke, and how often."""
    return Counter(
        (record.fields["to"], record.fields["message"])
        for record in api.delivered
        if record.fields["message"].startswith("Smoke")
    )


def wait_until_decided(bridge: Bridge, accepted: int) -> None:
    """Wait until so many alerts are sent or in a digest."""
    undecided = "SELECT count(*) FROM deliveries WHERE state = 'sending' OR state = 'pending'"
    stored = "SELECT count(*) FROM deliveries WHERE NOT is_digest"
    wait_until(
        lambda: (
            bridge.rows(f"{undecided} AND NOT is_digest") == [(0,)]
            and bridge.rows(stored)[0][0] >= accepted
        ),
        20,
        f"{accepted} alerts sent or in a digest",
    )


def counts(bridge: Bridge) -> dict[str, int]:
    """Return how many alerts are in which state."""
    alerts: dict[str, int] = bridge.status()["alerts"]
    return alerts


def numbers_stored(bridge: Bridge) -> list[int]:
    rows = bridge.rows("SELECT text FROM alerts WHERE name = 'storm'")
    return sorted(int(text.split()[1]) for (text,) in rows)


def wait_until_time_is_known(bridge: Bridge) -> None:
    known = "SELECT 1 FROM facts WHERE name = 'api_ahead_s'"
    wait_until(lambda: bridge.rows(known), what="the bridge learning the API's time")


def let_pass(clock: Clock, broker: Mosquitto, hours: float = 0, minutes: float = 0) -> None:
    """Let time pass for the API and, once three replies have named the new time, for the bridge."""
    clock.jump(hours=hours, minutes=minutes)
    rooms = [f"smoke/room {next(ROOMS)}" for _ in range(3)]
    publish_many(broker.port, [(room, '{"smoke": true}') for room in rooms])


def digest(api: RunningEmulator, number: int = 1) -> str:
    """Return the text of so-manieth digest on the phone."""
    found = wait_until(
        lambda: (
            (
                all_of_them := [
                    text for text in texts(api) if re.match(r"\d+ alerts, |\+\d+ more", text)
                ]
            )
            and len(all_of_them) >= number
            and all_of_them
        ),
        what="a digest",
    )
    return found[number - 1]


def total(text: str) -> int:
    """Return how many alerts the heading of a digest names, and prove that its lines add up."""
    heading, *lines = text.splitlines()
    named = int(heading.split()[0])
    counts = [re.search(r"×(\d+)|^\+(\d+) more", line) for line in lines]
    assert sum(int(found[1] or found[2]) if found else 1 for found in counts) == named, text
    return named


# --- G1, G2, G3: a storm -------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "rooms"), [(SMOKE, 60), (SMOKE_FOR_ALL, 30)])
def test_g1_in_a_storm_of_a_thousand_sixty_criticals_arrive_and_nothing_is_refused_or_lost(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, rule: str, rooms: int
):
    people = ["me", "anna"] if rule is SMOKE_FOR_ALL else ["me"]
    bridge.write_config(broker.url, STORM + rule)
    bridge.start()
    with ThreadPoolExecutor() as pool:
        storming = pool.submit(publish_many, broker.port, storm(1000), every_s=0.001)
        api.wait_for(1)
        publish_many(broker.port, smoke(rooms), every_s=0.01)
        storming.result()
    wait_until_decided(bridge, 1060)
    expected = {(PEOPLE[one], f"Smoke in {room}") for one in people for room in range(rooms)}
    wait_until(lambda: set(alarms(api)) == expected, what="every critical arriving")
    assert set(alarms(api).values()) == {1}
    assert refused(api) == []
    assert numbers_stored(bridge) == list(range(1000))
    assert counts(bridge) == {
        "accepted": 1060,
        "sent": len(api.delivered),
        "digested": 0,
        "pending": 1060 - len(api.delivered),
        "dead": 0,
        "withdrawn": 0,
    }


def test_g2_the_digest_names_the_exact_number_of_what_was_not_sent_by_itself(
    broker: Mosquitto, clock: Clock, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, STORM + SMOKE)
    bridge.start()
    publish_many(broker.port, storm(1000))
    wait_until_decided(bridge, 1000)
    sent = counts(bridge)["sent"]
    assert 0 < sent < 100
    let_pass(clock, broker, minutes=11)
    assert total(digest(api)) == 1000 - sent
    alerts = wait_until(lambda: (now := counts(bridge))["digested"] and now)
    assert (alerts["sent"], alerts["digested"], alerts["pending"]) == (sent + 3, 1000 - sent, 0)


def test_g1_g3_kills_in_a_storm_lose_nothing_and_the_ledger_still_counts(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = World(per_day=60)
    bridge.write_config(broker.url, STORM + SMOKE, tail=SMALL)
    bridge.start()
    with ThreadPoolExecutor() as pool:
        for kill in range(5):
            storming = pool.submit(publish_many, broker.port, storm(200, 200 * kill))
            time.sleep(0.05 * kill)
            bridge.kill()
            bridge.start()
            storming.result()
    publish_many(broker.port, smoke(20))
    wait_until(lambda: sum(alarms(api).values()) == 20, what="every critical arriving")
    wait_until_decided(bridge, 1020)
    assert refused(api) == []
    assert bridge.status()["channels"]["home"]["spent"] >= len(api.delivered)
    assert set(numbers_stored(bridge)) == set(range(1000))  # an event may be delivered twice


@pytest.mark.parametrize("day", ["calendar", "rolling"])
def test_g1_g3_at_the_end_of_a_day_of_storms_there_is_room_for_the_criticals(
    broker: Mosquitto, clock: Clock, api: RunningEmulator, bridge: Bridge, day: Any
):
    api.world = World(per_day=60, day=day)
    bridge.write_config(broker.url, STORM + FLOOD + SMOKE, tail=SMALL)
    bridge.start()
    for part in range(6):
        publish_many(broker.port, [*storm(20, 20 * part), *flood(20, 20 * part)])
        ask(broker, "high", f"sender {part}", priority="high")
        wait_until_decided(bridge, 41 * part + 41)
        bridge.stop()
        clock.jump(hours=3.9)
        bridge.start()
    assert bridge.status()["channels"]["home"]["left"] <= 7  # kept for urgent ones
    publish_many(broker.port, smoke(20))
    wait_until(lambda: sum(alarms(api).values()) == 20, what="every critical arriving")
    assert refused(api) == []


@pytest.mark.parametrize("days", [-2, 2])
def test_g3_a_machine_whose_clock_is_wrong_sends_no_more_than_one_whose_clock_is_right(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, days: int
):
    wrong = wrong_clock(days)
    api.world = World(per_day=60)
    bridge.write_config(broker.url, STORM + SMOKE, tail=SMALL)
    for start, environment in enumerate(({}, wrong, {}, wrong)):
        bridge.start(env=environment)
        publish_many(broker.port, storm(100, 100 * start))
        wait_until_decided(bridge, 100 * start + 100)
        bridge.stop()
    spent = len(api.requests)
    bridge.start(env=wrong)
    publish_many(broker.port, smoke(20))
    wait_until(lambda: sum(alarms(api).values()) == 20, what="every critical arriving")
    assert refused(api) == []
    assert spent <= 14  # one burst, whatever the clock said
    assert len({line[:10] for line in bridge.log.splitlines()}) > 1  # it was wrong indeed


# --- who decides what waits -----------------------------------------------------------------------


def test_in_quiet_hours_only_what_is_let_through_is_posted_and_the_rest_comes_at_its_time(
    tmp_path: Path, broker: Mosquitto
):
    clock = Clock("2026-03-10T23:00:00+00:00")
    quiet = 'quiet: {from: "22:30", to: "07:00"}\ntimezone: UTC'
    with (
        running_emulator(World(), clock=clock) as api,
        Bridge(tmp_path / "bridge", broker.url, api.url, SMOKE, tail=quiet) as bridge,
    ):
        bridge.start()
        wait_until_time_is_known(bridge)
        for priority in ("low", "normal", "high"):
            ask(broker, priority, priority=priority)
        publish(broker.port, "smoke/attic", '{"smoke": true}')
        wait_until_decided(bridge, 4)
        assert sorted(texts(api)) == ["Smoke in attic", "high"]
        let_pass(clock, broker, hours=7.9)
        api.wait_for_delivered(5)
        time.sleep(1.5)
        assert len(api.requests) == 5
        let_pass(clock, broker, minutes=10)
        text = digest(api)
        assert total(text) == 2
        assert "Tue 23:00" in text


def test_what_has_priority_digest_is_never_a_message_of_its_own(tmp_path: Path, broker: Mosquitto):
    clock = Clock("2026-03-10T18:00:00+00:00")
    rule = STORM + "    priority: digest\n"
    tail = 'digest: {at: "19:00"}\ntimezone: UTC'
    with (
        running_emulator(World(), clock=clock) as api,
        Bridge(tmp_path / "bridge", broker.url, api.url, rule + SMOKE, tail=tail) as bridge,
    ):
        bridge.start()
        wait_until_time_is_known(bridge)
        assert api.requests == []  # asking for the time costs nothing
        publish_many(broker.port, storm(3))
        wait_until_decided(bridge, 3)
        let_pass(clock, broker, minutes=11)
        api.wait_for_delivered(3)
        time.sleep(1.5)
        assert len(api.requests) == 3
        let_pass(clock, broker, hours=1)
        assert total(digest(api)) == 3


def test_a_lost_reply_to_a_normal_alert_is_told_in_the_digest_and_not_sent_again_by_itself(
    broker: Mosquitto, clock: Clock, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, STORM + SMOKE)
    bridge.start()
    wait_until_time_is_known(bridge)
    api.fault("drop")
    publish_many(broker.port, storm(1))
    wait_until_decided(bridge, 1)
    time.sleep(3.5)  # an urgent one would come again after 2 s
    assert texts(api) == ["storm 0"]
    let_pass(clock, broker, minutes=11)
    api.wait_for_delivered(5)
    assert re.fullmatch(r"storm 0 \(11 min ago\) \(may be a repeat\)", texts(api)[-1])


def test_a_granted_sender_may_raise_an_alarm_and_anybody_else_gets_high(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    senders = "senders: {panel: {priority: critical}, bell: {priority: low}}"
    bridge.write_config(broker.url, tail=senders)
    bridge.start()
    for sender in ("panel", "bell", "stranger"):
        ask(broker, f"from {sender}", sender, priority="critical")
    api.wait_for_delivered(3)
    rows = bridge.rows(
        "SELECT text, kind FROM (SELECT text, attempts.kind, attempts.rule, name FROM alerts "
        "JOIN attempts ON attempts.rule = name)"
    )
    assert dict(rows) == {"from panel": "critical", "from bell": "other", "from stranger": "other"}
    silent = {record.fields["message"]: record.fields["silent"] for record in api.delivered}
    assert silent == {"from panel": "0", "from bell": "1", "from stranger": "0"}


def ask(broker: Mosquitto, text: str, sender: str = "somebody", **fields: str) -> None:
    publish(broker.port, f"kilopush/send/{sender}", json.dumps({"message": text, **fields}))


# --- channels -------------------------------------------------------------------------------------


def test_a_critical_that_the_quota_refuses_goes_over_the_critical_channel_at_once(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = World(per_day=5)
    head = TWO_CHANNELS.replace("home: {", "home: {critical_channel: alarms, ")
    bridge.write_config(broker.url, SMOKE_FOR_ALL + STORM, head=head)
    use_up(api, 5)
    with Listener(broker.port, "kilopush/undelivered") as listener:
        bridge.start()
        publish_many(broker.port, smoke(1))
        api.wait_for_delivered(7)
        publish_many(broker.port, storm(1))
        wait_until_decided(bridge, 3)
        assert not listener.last("kilopush/undelivered")
    assert set(alarms(api)) == {(PEOPLE[one], "Smoke in 0") for one in ("me", "anna")}
    assert [record.fields["token"] for record in api.delivered[5:]] == [ALARMS_TOKEN] * 2
    channels = bridge.status()["channels"]
    assert (channels["home"]["spent"], channels["alarms"]["spent"]) == (0, 2)
    assert (channels["home"]["reason"], channels["alarms"]["reason"]) == ("quota", None)


def use_up(api: RunningEmulator, times: int) -> None:
    post(api.url, token=TOKEN, secret=SECRET, to=PEOPLE["me"], times=times)


def test_other_senders_within_their_share_take_nothing_from_the_criticals(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = World(per_day=60)
    bridge.write_config(
        broker.url,
        STORM + SMOKE,
        tail="budget: {per_day: 60, keep_for_critical: 20, other_senders: 10, digests: 4}",
    )
    bridge.start()
    publish_many(broker.port, storm(100))
    wait_until_decided(bridge, 100)
    use_up(api, 10)
    publish_many(broker.port, smoke(20))
    wait_until(lambda: sum(alarms(api).values()) == 20, what="every critical arriving")
    assert refused(api) == []


def test_an_unlimited_channel_sends_each_alert_by_itself(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = World(per_day=None)
    bridge.write_config(broker.url, STORM, tail=UNLIMITED)
    bridge.start()
    publish_many(broker.port, storm(310))
    api.wait_for_delivered(310, timeout_s=15)
    channel = wait_until(
        lambda: (now := bridge.status()["channels"]["home"])["spent"] == 310 and now
    )
    assert (channel["per_day"], channel["left"], channel["critical_left"]) == (None, None, None)


def test_each_channel_has_a_budget_of_its_own_and_a_digest_of_its_own(
    broker: Mosquitto, clock: Clock, api: RunningEmulator, bridge: Bridge
):
    head = TWO_CHANNELS.replace("home: {", "home: {budget: {per_day: 100, digests: 4}, ")
    bridge.write_config(broker.url, STORM + SMOKE + FLOOD + "    channel: alarms\n", head=head)
    bridge.start()
    publish_many(broker.port, storm(100) + flood(100))
    wait_until_decided(bridge, 200)
    sent = Counter(record.fields["token"] for record in api.delivered)
    assert 0 < sent[TOKEN] < 10
    assert 40 <= sent[ALARMS_TOKEN] < 100
    let_pass(clock, broker, minutes=11)
    told = {total(digest(api, number)) for number in (1, 2)}
    assert told == {100 - sent[TOKEN], 100 - sent[ALARMS_TOKEN]}
    assert refused(api) == []


# --- what is shown --------------------------------------------------------------------------------


def test_status_shows_what_is_spent_what_is_left_and_when_the_next_digest_comes(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, STORM + SMOKE)
    bridge.start()
    publish_many(broker.port, [*storm(100), *smoke(3)])
    wait_until_decided(bridge, 103)
    sent = len(api.delivered)
    channel = bridge.status()["channels"]["home"]
    next_digest_s = channel.pop("next_digest")
    assert 500 < next_digest_s - time.time() <= 600
    assert channel == {
        "per_day": 300,
        "spent": sent,
        "left": 300 - 60 - 20 - 12 - (sent - 3),
        "critical_left": 300 - 20 - sent,
        "digests_left": 12,
        "others_seen": 0,
        "paused_until": None,
        "reason": None,
    }
    text = bridge.command("status").stdout
    assert re.search(rf"^home +{sent} of 300 +{channel['left']} ", text, re.MULTILINE)
    assert f"Alerts: 103 accepted, {sent} sent, 0 digested, {103 - sent} pending" in text


def test_the_report_on_mqtt_names_the_same_figures_as_status(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, STORM)
    with Listener(broker.port, "kilopush/bridge") as listener:
        bridge.start()
        publish_many(broker.port, storm(60))
        wait_until_decided(bridge, 60)
        wanted = bridge.status()["channels"]
        wait_until(
            lambda: json.loads(listener.last("kilopush/bridge") or "{}").get("channels") == wanted
        )


def test_what_waits_in_a_digest_is_listed_and_can_be_dropped_and_what_was_told_is_listed_too(
    broker: Mosquitto, clock: Clock, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, STORM + SMOKE)
    bridge.start()
    publish_many(broker.port, storm(70))
    wait_until_decided(bridge, 70)
    waiting = 70 - len(api.delivered)
    assert bridge.command("queue", "list").stdout.count("[in the next digest (") == waiting
    listed = queue(bridge)
    dropped = str(listed[0]["id"])
    assert bridge.command("queue", "drop", dropped).stdout == "1 dropped\n"
    (withdrawn,) = queue(bridge, "--state", "withdrawn")
    assert (withdrawn["text"], withdrawn["reason"]) == (listed[0]["text"], "dropped by hand")
    let_pass(clock, broker, minutes=11)
    assert total(digest(api)) == waiting - 1
    told = wait_until(lambda: queue(bridge, "--state", "digested"))
    assert {row["text"] for row in told} == {row["text"] for row in listed[1:]}
    assert queue(bridge) == [withdrawn]
    assert bridge.command("queue", "drop", str(told[0]["id"]), check=False).returncode == 1


def queue(bridge: Bridge, *arguments: str) -> list[dict[str, Any]]:
    done = bridge.command("queue", "list", "--json", *arguments)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows
