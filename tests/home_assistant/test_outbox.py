"""What the outbox promises, on a simulated clock."""

from __future__ import annotations

import json
import random
import re

import pytest
from story import DAY_S, HOUR_S, MINUTE_S, Story

from custom_components.kilopush.core.budget import Limits
from custom_components.kilopush.core.protocol import (
    BLOCKED,
    FORBIDDEN,
    OPTED_OUT,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
)
from custom_components.kilopush.core.text import units
from custom_components.kilopush.outbox.compose import RequestError
from custom_components.kilopush.outbox.ledger import shared_limits
from custom_components.kilopush.outbox.model import EventType, Priority, TooLong, Trouble
from custom_components.kilopush.outbox.state import from_json, to_json

CRITICAL, HIGH, NORMAL, LOW, DIGEST = Priority


def outage(*outcomes: str):
    """Return an API that answers so, one after the other, and then sends."""
    left = list(outcomes)
    return lambda _: left.pop(0) if left else SENT


def told(story, person="me"):
    """Return how many messages a person was told of: alone, merged or in digests."""
    return sum(_held(text) for text in story.texts(person))


def _held(text):
    total = re.match(r"(\d+) messages, ", text)
    return int(total[1]) if total else max(1, len(re.findall(r"message \d+", text)))


# --- the alarm always gets through ----------------------------------------------------------------


def test_an_alarm_gets_through_after_a_day_of_chatter():
    story = Story(server_limit=300)
    for minute in range(24 * 60):
        story.send(f"chatter {minute}")
        story.wait(MINUTE_S)
    for number in range(60):
        story.send(f"leak {number}", CRITICAL)
    assert [text for text in story.texts() if text.startswith("leak")] == [
        f"leak {number}" for number in range(60)
    ]
    assert QUOTA not in {post.outcome for post in story.posts}


def test_nothing_of_a_day_of_chatter_is_lost():
    story = Story(server_limit=300)
    for minute in range(24 * 60):
        story.send(f"chatter {minute}")
        story.wait(MINUTE_S)
    story.wait(2 * DAY_S)
    assert story.waiting == 0
    assert told(story) == 24 * 60


def test_an_alarm_waits_behind_no_other_message():
    story = Story(answer=outage(UNCLEAR))
    story.send("is lost on the way", HIGH)
    story.send("smoke", CRITICAL)
    assert story.texts()[0] == "smoke"


def test_a_flapping_alarm_is_critical_four_times_a_day_and_no_more_than_every_ten_minutes():
    story = Story()
    for _ in range(30):
        story.send("leak", CRITICAL, key="leak")
        story.wait(5 * MINUTE_S)
    kinds = [post.kind for post in story.posts]
    assert kinds.count("critical") == 4
    assert kinds[:2] == ["critical", "other"]


def test_each_person_hears_of_an_alarm_as_critical_however_it_was_addressed():
    story = Story(("me", "anna"))
    story.send("leak", CRITICAL, "me", key="leak")
    story.send("leak", CRITICAL, "anna", key="leak")
    assert [post.kind for post in story.posts] == ["critical", "critical"]


def test_before_the_time_is_known_a_repeated_alarm_is_no_second_critical():
    story = Story(is_certain=False)
    story.send("leak", CRITICAL, key="leak")
    story.is_certain = True
    story.send("leak", CRITICAL, key="leak")
    assert [post.kind for post in story.posts] == ["critical", "other"]


@pytest.mark.parametrize("url", ["ftp://example.org", "https://example.org/" + 900 * "x"])
def test_a_wrong_link_holds_no_alarm_back(url):
    story = Story()
    story.send("smoke " * 300, CRITICAL, url=url, too_long=TooLong.ERROR)
    assert story.texts()[0].startswith("smoke smoke")
    assert story.posts[0].url is None


def test_alarms_that_the_quota_refuses_are_merged_and_sent_when_there_is_room():
    story = Story(answer=lambda _: QUOTA)
    for number in range(3):
        story.send(f"leak {number}", CRITICAL)
    assert story.texts() == []
    story.answer = lambda _: SENT
    story.wait(2 * MINUTE_S)
    assert len(story.texts()) == 1
    assert [line.split(" (")[0] for line in story.texts()[0].splitlines()] == [
        "leak 0",
        "leak 1",
        "leak 2",
    ]


def test_a_lost_alarm_is_repeated_and_says_so():
    story = Story(answer=outage(UNCLEAR))
    story.send("smoke", CRITICAL)
    story.wait(3)
    assert story.texts() == ["smoke (may be a repeat)"]


def test_an_alarm_without_network_is_tried_every_half_minute_for_ever():
    story = Story(answer=lambda _: UNSENT)
    story.send("smoke", CRITICAL)
    story.wait(3 * DAY_S)
    assert len(story.posts) >= 3 * DAY_S // 31
    story.answer = lambda _: SENT
    story.wait(31)
    assert story.texts() == ["smoke (3 d ago)"]


def test_one_person_with_a_wrong_token_holds_up_nobody_else():
    story = Story(("me", "anna"), answer=lambda post: FORBIDDEN if post.person == "me" else SENT)
    story.send("smoke", CRITICAL)
    story.send("door")
    story.send("smoke again", CRITICAL)
    assert story.texts("anna") == ["smoke", "door", "smoke again"]


def test_an_alarm_that_nobody_was_told_of_is_no_repetition():
    story = Story(answer=lambda _: REJECTED)
    story.send("leak", CRITICAL, key="leak")
    story.wait(3 * MINUTE_S)
    assert story.outbox.overview(story.moment, 0.0).dead == 1
    story.answer = lambda _: SENT
    story.send("leak", CRITICAL, key="leak")
    assert story.posts[-1].kind == "critical"


def test_alarms_whose_long_keys_begin_alike_are_different_ones():
    story = Story()
    for room in ("cellar", "roof"):
        story.send(f"water: {250 * 'x'} {room}", CRITICAL)
    assert [post.kind for post in story.posts] == ["critical", "critical"]


def test_an_alarm_that_expires_among_refused_ones_is_told_once_as_too_late():
    story = Story(answer=lambda _: QUOTA)
    story.send("short", CRITICAL, time_to_live_s=30)
    story.send("long", CRITICAL)
    story.answer = lambda _: SENT
    story.now_s += 400
    story.step()
    story.wait(DAY_S)
    assert [text.split(" (")[0] for text in story.texts()] == ["long", "short"]
    assert "too late" in story.texts()[1]


def test_an_alarm_does_not_wait_for_a_clock_that_was_set_back():
    story = Story(answer=lambda _: UNSENT)
    story.send("smoke", CRITICAL)
    story.send("battery", DIGEST)
    story.answer = lambda _: SENT
    story.now_s -= 2 * DAY_S
    story.step()
    assert story.texts()[0] == "smoke"
    assert len(story.texts()) == 2


def test_what_waits_keeps_its_age_when_the_clock_is_put_right():
    story = Story(answer=lambda _: UNSENT)
    story.send("washing machine")
    story.wait(10 * MINUTE_S)
    story.now_s += 30 * DAY_S
    story.outbox.shift(30 * DAY_S)
    story.answer = lambda _: SENT
    story.wait(MINUTE_S)
    assert story.texts() == ["washing machine (10 min ago)"]


# --- nothing else is silently lost ----------------------------------------------------------------


def test_messages_to_a_person_keep_their_order():
    story = Story(answer=lambda _: UNSENT)
    for number in range(5):
        story.send(f"number {number}")
    story.answer = lambda _: SENT
    story.wait(45)
    assert story.texts() == [f"number {number}" for number in range(5)]


def test_what_waited_says_how_old_it_is():
    story = Story(answer=lambda _: UNSENT)
    story.send("washing machine")
    story.wait(12 * MINUTE_S)
    story.answer = lambda _: SENT
    story.wait(MINUTE_S)
    assert story.texts() == ["washing machine (12 min ago)"]


def test_what_outlives_its_time_to_live_ends_in_the_digest_as_too_late():
    story = Story(answer=lambda _: UNSENT)
    story.send("somebody rings", NORMAL, time_to_live_s=5 * MINUTE_S)
    story.send("washing machine")
    story.wait(10 * MINUTE_S)
    story.answer = lambda _: SENT
    story.wait(20 * MINUTE_S)
    assert EventType.TOO_LATE in story.kinds()
    assert story.texts()[0].startswith("washing machine")
    assert story.texts()[1].startswith("somebody rings (too late)")


def test_a_critical_never_becomes_too_late():
    story = Story(answer=lambda _: UNSENT)
    story.send("smoke", CRITICAL)
    story.wait(2 * DAY_S)
    assert EventType.TOO_LATE not in story.kinds()


def test_a_lost_ordinary_message_goes_into_the_digest_once_instead_of_being_repeated():
    story = Story(answer=outage(UNCLEAR))
    story.send("washing machine")
    story.wait(20 * MINUTE_S)
    assert len(story.texts()) == 1
    assert "may be a repeat" in story.texts()[0]


def test_a_message_that_is_refused_for_itself_is_dead_after_three_tries_and_blocks_nothing():
    story = Story(answer=lambda post: REJECTED if post.text.startswith("odd") else SENT)
    story.send("odd")
    story.send("door")
    assert story.texts() == ["door"]
    story.wait(2 * MINUTE_S)
    assert story.kinds().count(EventType.DEAD) == 1
    assert sum(post.text.startswith("odd") for post in story.posts) == 3
    assert story.outbox.overview(story.moment, 0.0).dead == 1


def test_merged_alarms_that_are_refused_go_one_by_one():
    story = Story(answer=lambda _: QUOTA)
    story.send("odd", CRITICAL)
    story.send("smoke", CRITICAL)
    story.answer = lambda post: REJECTED if "odd" in post.text else SENT
    story.wait(10 * MINUTE_S)
    assert [text.split(" (")[0] for text in story.texts()] == ["smoke"]
    assert story.kinds().count(EventType.DEAD) == 1


def test_a_person_who_blocked_the_channel_gets_nothing_and_the_rest_do():
    story = Story(("me", "anna"), answer=lambda post: OPTED_OUT if post.person == "me" else SENT)
    story.send("door")
    overview = story.outbox.overview(story.moment, 0.0)
    assert story.texts("anna") == ["door"]
    assert (overview.withdrawn, overview.troubles) == (1, ((Trouble.OPTED_OUT, "me"),))
    story.answer = lambda _: SENT
    story.send("window")
    assert story.outbox.overview(story.moment, 0.0).troubles == ()


@pytest.mark.parametrize("outcome", [FORBIDDEN, BLOCKED])
def test_what_somebody_has_to_put_right_is_kept_until_then(outcome):
    story = Story(answer=lambda _: outcome)
    story.send("smoke", CRITICAL)
    story.wait(DAY_S)
    assert len(story.posts) <= 24 * 4 + 1
    story.outbox.release()
    story.answer = lambda _: SENT
    story.wait(1)
    assert story.texts() == ["smoke (1 d ago)"]


def test_a_wrong_secret_is_told_from_a_recipient_who_is_gone():
    story = Story(("me", "anna"), answer=lambda _: FORBIDDEN)
    story.send("door")
    assert story.outbox.overview(story.moment, 0.0).troubles == ((Trouble.SECRET, ""),)
    story.answer = lambda post: FORBIDDEN if post.person == "me" else SENT
    story.wait(20 * MINUTE_S)
    assert story.outbox.overview(story.moment, 0.0).troubles == ((Trouble.RECIPIENT, "me"),)


def test_the_five_hundred_and_first_message_is_counted_in_the_digest():
    story = Story(answer=lambda _: UNSENT)
    for number in range(700):
        story.send(f"message {number}", HIGH)
    assert story.waiting == 700
    assert len(story.outbox.state.pending) <= 501
    story.answer = lambda _: SENT
    story.wait(4 * DAY_S)
    assert told(story) == 700


def test_too_many_alarms_at_once_are_refused_loudly():
    story = Story(answer=lambda _: UNSENT)
    for number in range(1000):
        story.send(f"alarm {number}", CRITICAL)
    with pytest.raises(RequestError, match="outbox_full"):
        story.send("one more", CRITICAL)


def test_a_digest_of_very_many_subjects_has_an_exact_total():
    story = Story(answer=lambda _: UNSENT)
    for number in range(150):
        story.send(f"message {number}", DIGEST, title=f"subject {number}")
    for number in range(30):
        story.send(f"message {number}", DIGEST, title="subject 1")
    story.answer = lambda _: SENT
    story.wait(DAY_S)
    (text,) = story.texts()
    assert text.startswith("180 messages, ")
    assert units(text) <= 1000
    last = re.search(r"\+(\d+) more in (\d+) subjects$", text)
    assert last, text


def test_a_refused_digest_is_sent_item_by_item_and_only_the_bad_one_is_given_up():
    story = Story(answer=lambda post: REJECTED if "odd" in post.text else SENT)
    for text in ("odd", "message 1", "message 2"):
        story.send(text, DIGEST)
    story.wait(DAY_S)
    assert [text.split(" (")[0] for text in story.texts()] == ["message 1", "message 2"]
    assert story.outbox.overview(story.moment, 0.0).dead == 1


def test_a_large_refused_digest_is_tried_without_its_words_and_then_given_up():
    story = Story(answer=lambda _: REJECTED)
    for number in range(25):
        story.send(f"message {number}", DIGEST)
    story.wait(DAY_S)
    assert [post.text.splitlines()[-1] for post in story.posts[1:]] == [
        "KILO.Push refuses the details"
    ] * 2
    assert story.outbox.overview(story.moment, 0.0).dead == 25


def test_a_digest_to_somebody_who_blocked_the_channel_is_withdrawn_and_counted():
    story = Story(answer=lambda _: OPTED_OUT)
    story.send("message 1", DIGEST)
    story.send("message 2", DIGEST)
    story.wait(DAY_S)
    assert story.outbox.overview(story.moment, 0.0).withdrawn == 2


# --- quota ----------------------------------------------------------------------------------------


def test_ordinary_messages_wait_for_the_digest_while_the_quota_is_refused():
    story = Story(answer=lambda _: QUOTA)
    story.send("door")
    story.send("window")
    assert story.kinds() == [EventType.DEFERRED, EventType.DEFERRED]
    story.answer = lambda _: SENT
    story.wait(HOUR_S)
    assert told(story) == 2


def test_what_others_used_of_the_quota_is_learned_from_a_refusal():
    story = Story(server_limit=100)
    for number in range(150):
        story.send(f"high {number}", HIGH)
        story.wait(4 * MINUTE_S)
    refused = [post.kind for post in story.posts if post.outcome == QUOTA]
    assert refused.count("other") == 1
    assert refused.count("digest") <= 3  # few, and nobody would hear anything without them


def test_digest_priority_goes_at_its_time_of_the_day():
    from datetime import UTC, datetime, time

    from custom_components.kilopush.outbox.model import Policy

    story = Story()
    story.outbox.policy = Policy(digest_at=(time(7), time(19)), zone=UTC)
    story.send("battery of the mailbox is at 20 %", DIGEST)
    story.wait(DAY_S)
    (post,) = story.posts
    assert datetime.fromtimestamp(post.at_s, UTC).strftime("%H:%M") in ("07:00", "19:00")


def test_a_verified_channel_has_no_limit():
    story = Story(limits=Limits(None))
    for number in range(500):
        story.send(f"message {number}")
    assert len(story.texts()) == 500
    assert story.outbox.overview(story.moment, 0.0).left is None


def test_a_share_holds_back_what_is_not_critical_and_nothing_that_is():
    story = Story(limits=shared_limits(Limits(), 20, 1))
    for number in range(50):
        story.send(f"door {number}", HIGH)
        story.send(f"leak {number}", CRITICAL)
        story.wait(30 * MINUTE_S)
    kinds = [post.kind for post in story.posts]
    assert kinds.count("critical") == 50
    assert kinds.count("other") + kinds.count("digest") <= 20


def test_until_the_api_has_answered_ordinary_messages_go_one_at_a_time():
    story = Story(("me", "anna"), is_certain=False)
    story.outbox.add(request("door"), {"me": False, "anna": False}, story.moment)
    plan, _ = story.outbox.plan(story.moment)
    assert len(plan.launches) == 1


# --- restarts -------------------------------------------------------------------------------------


def test_what_waits_survives_a_restart():
    story = Story(answer=lambda _: UNSENT)
    story.send("smoke", CRITICAL)
    story.send("door", LOW)
    story.restart()
    story.answer = lambda _: SENT
    story.wait(31)
    assert sorted(story.texts()) == ["door", "smoke"]


def test_what_was_on_its_way_at_a_crash_is_marked_when_it_goes_again():
    story = Story()
    story.outbox.add(request("smoke", CRITICAL), {"me": False}, story.moment)
    story.step(is_killed=True)
    story.wait(3)
    assert story.texts() == ["smoke", "smoke (may be a repeat)"]


def test_a_digest_that_was_on_its_way_at_a_crash_is_told_again_with_what_came_since():
    story = Story()
    for number in range(2):
        request_ = request(f"message {number}", DIGEST)
        story.outbox.add(request_, {"me": False}, story.moment)
    story.step()
    story.now_s += HOUR_S
    story.step(is_killed=True)
    story.send("message 2", DIGEST)
    story.wait(DAY_S)
    _, again = story.texts()
    assert told(story) == 2 + 3
    assert "may be a repeat" in again


def test_what_a_newer_version_has_stored_is_read_as_far_as_it_is_known():
    story = Story(answer=lambda _: UNSENT)
    story.send("door")
    stored = to_json(story.outbox.state)
    stored["news"] = stored["pending"][0]["news"] = 1
    assert [one.text for one in from_json(stored).pending.values()] == ["door"]


def test_what_the_bridge_was_asked_before_a_restart_may_be_a_repeat():
    story = Story()
    story.outbox.add(request("smoke", CRITICAL), {"me": False}, story.moment, ["me"])
    story.restart()
    story.outbox.settle_bridged(1, is_accepted=False, is_asked=False)
    story.step()
    assert story.texts() == ["smoke (may be a repeat)"]


def test_what_was_spent_before_a_restart_still_counts():
    story = Story()
    for number in range(40):
        story.send(f"door {number}", HIGH)
    left = story.outbox.overview(story.moment, 0.0).left
    story.restart()
    assert story.outbox.overview(story.moment, 0.0).left == left < 300


def test_messages_to_somebody_who_was_removed_are_withdrawn_and_counted():
    story = Story(("me", "anna"), answer=lambda _: UNSENT)
    story.send("door")
    assert story.outbox.forget_people(["me"]) == 1
    assert story.outbox.overview(story.moment, 0.0).withdrawn == 1


# --- text -------------------------------------------------------------------------------------


def request(message, priority=NORMAL, **more):
    from custom_components.kilopush.outbox.model import Request

    return Request(message=message, priority=priority, **more)


def test_a_title_stands_above_the_message():
    story = Story()
    story.send("at the door", NORMAL, title="Somebody")
    assert story.texts() == ["Somebody\n\nat the door"]


def test_a_long_text_is_cut_by_default():
    story = Story()
    story.send("word " * 400)
    (text,) = story.texts()
    assert text.endswith("word…")
    assert units(text) <= 1000


def test_a_long_text_can_be_an_error():
    story = Story()
    with pytest.raises(RequestError) as raised:
        story.send("word " * 400, too_long=TooLong.ERROR)
    assert raised.value.placeholders == {"length": "1999", "limit": "1000"}


def test_a_long_text_can_be_split_and_nothing_of_it_is_missing():
    words = [f"word{number}" for number in range(400)]
    story = Story()
    story.send(" ".join(words), HIGH, too_long=TooLong.SPLIT)
    texts = story.texts()
    assert all(units(text) <= 1000 for text in texts)
    assert [text[-5:] for text in texts] == [
        f"({n}/{len(texts)})" for n in range(1, len(texts) + 1)
    ]
    assert " ".join(text[:-6] for text in texts).split() == words


def test_a_long_title_alone_can_be_split():
    story = Story()
    story.send("", CRITICAL, title="Fire " * 300, too_long=TooLong.SPLIT)
    assert len(story.texts()) == 2


def test_a_text_without_words_is_split_without_loss():
    story = Story()
    story.send("-" * 1500 + " the end", HIGH, too_long=TooLong.SPLIT)
    assert "".join(text[:-6] for text in story.texts()).count("-") == 1500
    assert "the end" in story.texts()[-1]


def test_half_a_character_is_repaired_wherever_it_is():
    story = Story(answer=lambda _: UNSENT)
    story.send("\ud83d\udd25 smoke \ud83d", CRITICAL, title="\ud83d\udd25", key="\ud83d")
    json.dumps(to_json(story.outbox.state), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("message", "url", "key"),
    [(" \n", None, "message_empty"), ("door", "ftp://example.org", "url_invalid")],
)
def test_what_can_never_be_sent_is_refused_at_once(message, url, key):
    with pytest.raises(RequestError, match=key):
        Story().send(message, url=url)


def test_low_messages_are_silent_and_a_silent_recipient_still_hears_alarms():
    story = Story()
    to = {"me": True}
    for priority in (CRITICAL, HIGH, NORMAL, LOW):
        story.outbox.add(request(priority.word, priority), to, story.moment)
    story.step()
    assert [post.silent for post in story.posts] == [False, False, True, True]


@pytest.mark.parametrize("seed", range(5))
def test_no_week_of_traffic_makes_the_api_refuse_anything(seed):
    """Whenever its day begins, and with 20 messages of others: no 4029, and every alarm arrives."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    story = Story(("me", "anna"), server_limit=280)
    alarms = 0
    for step in range(7 * 24 * 6):
        story.send(f"message {step}", dice.choice([HIGH, NORMAL, LOW, DIGEST]))
        if dice.random() < 0.015:
            alarms += 1
            story.send(f"alarm {step}", CRITICAL)
        story.wait(dice.choice([0, 5 * MINUTE_S, 15 * MINUTE_S]))
    assert QUOTA not in {post.outcome for post in story.posts}
    assert sum(text.startswith("alarm") for text in story.texts()) == alarms > 0


# --- any week -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_api_answers_every_message_is_accounted_for(seed):
    """Random traffic, refusals, lost replies, outages and crashes; no message is forgotten."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    outcomes = [SENT] * 20 + [UNSENT, UNCLEAR, QUOTA, REJECTED, BLOCKED, FORBIDDEN, OPTED_OUT]
    story = Story(("me", "anna"), answer=lambda _: dice.choice(outcomes))
    asked = 0
    for _ in range(300):
        story.send(f"message {asked}", dice.choice(list(Priority)), title=dice.choice(["", "door"]))
        asked += 1
        story.wait(dice.choice([0, 1, MINUTE_S, 20 * MINUTE_S]))
        if dice.random() < 0.05:
            story.step(is_killed=True)
    story.answer = lambda _: SENT
    story.wait(4 * DAY_S)
    overview = story.outbox.overview(story.moment, 0.0)
    reached = told(story, "me") + told(story, "anna")
    assert overview.pending == overview.in_digest == 0
    assert reached + overview.dead + overview.withdrawn >= 2 * asked
