"""A channel at work in Home Assistant: the disk, the network, restarts, and the event loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Self
from unittest.mock import Mock, patch

import aiohttp
import pytest
from builders import ANNA, BEN, channel_entry
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.file import WriteError
from kilo import FORBIDDEN, SENT, UNSENDABLE, Kilo, async_set_up

from custom_components.kilopush import channel as channel_module
from custom_components.kilopush.core.protocol import API_URL
from custom_components.kilopush.outbox.model import Outcome, Priority, Request

UNREACHABLE = aiohttp.ClientConnectorError(Mock(), OSError("no route"))


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


def everyone(channel):
    return list(channel.recipients)


async def send(channel, message, *people: str, **fields):
    """Send to people by name, to all without one; return the outcome of each."""
    ids = [one.id for one in channel.recipients.values() if not people or one.name in people]
    results = await channel.async_send(ids, Request(message=message, **fields))
    return [result.outcome for result in results.values()]


async def restart(hass, channel):
    """Stop and start the channel as Home Assistant does; return the new one."""
    await hass.config_entries.async_reload(channel.entry.entry_id)
    await hass.async_block_till_done()
    return channel.entry.runtime_data


def stored(hass, channel):
    return json.loads(path_of(hass, channel).read_text())


def path_of(hass, channel):
    return Path(hass.config.path(".storage", "kilopush", channel.entry.entry_id))


async def until(condition):
    """Wait until something has happened."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for happens in several places)
            await asyncio.sleep(0.001)


async def landed(channel):
    """Wait until nothing is on its way."""
    while channel._tasks:
        await asyncio.wait(channel._tasks)


# --- the disk -------------------------------------------------------------------------------------


async def test_a_message_is_on_the_disk_before_it_leaves(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    seen = []
    kilo.on_post = lambda _: seen.append(stored(hass, channel)["data"])
    assert await send(channel, "door") == [Outcome.SENT]
    (state,) = seen
    assert [one["text"] for one in state["pending"]] == ["door"]
    assert state["pending"][0]["is_posted"]
    assert len(state["ledger"]["entries"]) == 1


async def test_the_file_can_be_read_by_nobody_else(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await send(channel, "door")
    path = path_of(hass, channel)
    assert path.stat().st_mode & 0o077 == 0


async def test_without_a_disk_a_message_is_an_error_and_is_kept_in_memory(hass, kilo, caplog):
    channel = await async_set_up(hass, channel_entry("Anna"))
    with (
        patch("custom_components.kilopush.storage.save_json", side_effect=WriteError("full")),
        pytest.raises(HomeAssistantError) as error,
    ):
        await send(channel, "door")
    assert error.value.translation_key == "not_stored"
    assert kilo.texts == []
    assert channel.overview.pending == 1
    assert caplog.text.count("cannot be stored") == 1


async def test_without_a_disk_an_alarm_goes_all_the_same(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    with patch("custom_components.kilopush.storage.save_json", side_effect=WriteError("full")):
        assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT]
    assert kilo.texts == ["smoke"]


async def test_an_alarm_does_not_wait_for_a_disk_that_hangs(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    release = asyncio.Event()
    with (
        patch.object(channel._storage, "async_commit", release.wait),
        patch.object(channel_module, "_DISK_WAIT_S", 0.05),
    ):
        assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT]
        release.set()
        await landed(channel)


async def test_many_messages_share_their_writes(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna", "Ben"))
    with patch(
        "custom_components.kilopush.storage.save_json",
        side_effect=channel_module.Storage.__init__.__globals__["save_json"],
    ) as save:
        await asyncio.gather(*(send(channel, f"door {number}") for number in range(20)))
        await landed(channel)
    assert len(kilo.posts) == 40
    assert save.call_count < 100  # three for each POST would be 120


# --- restarts -------------------------------------------------------------------------------------


async def test_what_waits_survives_a_restart(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.error = UNREACHABLE
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.PENDING]
    kilo.error = None
    channel = await restart(hass, channel)
    channel._outbox.state.pending[1].due_at_s = 0
    channel._step()
    await landed(channel)
    assert kilo.texts == ["smoke"]
    assert channel.overview.pending == 0


async def test_a_new_secret_sends_what_the_old_one_could_not(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = FORBIDDEN
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.REFUSED]
    kilo.answer = SENT
    channel = await restart(hass, channel)
    await landed(channel)
    assert kilo.texts == ["smoke", "smoke"]
    assert channel.overview.troubles == ()


async def test_what_was_spent_survives_a_restart(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await send(channel, "door")
    left = channel.overview.left
    channel = await restart(hass, channel)
    assert channel.overview.left == left
    assert channel.overview.sent_today == 1


async def test_a_removed_channel_leaves_no_file(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await send(channel, "door")
    path = path_of(hass, channel)
    assert path.exists()
    await hass.config_entries.async_remove(channel.entry.entry_id)
    assert not path.exists()


async def test_what_is_on_its_way_may_land_before_a_channel_stops(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    release = asyncio.Event()
    kilo.wait_for = release
    sending = hass.async_create_task(send(channel, "door"))
    await until(lambda: kilo.posts)
    hass.loop.call_later(0.1, release.set)
    assert await hass.config_entries.async_unload(channel.entry.entry_id)
    assert await sending == [Outcome.SENT]
    assert stored(hass, channel)["data"]["pending"] == []


async def test_an_alarm_that_comes_while_a_channel_stops_is_stored_and_sent_by_the_next_run(
    hass, kilo
):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.wait_for = asyncio.Event()
    slow = hass.async_create_task(send(channel, "door"))
    await until(lambda: kilo.posts)
    hass.loop.call_later(0.2, kilo.wait_for.set)
    unloading = hass.async_create_task(hass.config_entries.async_unload(channel.entry.entry_id))
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.PENDING]
    assert await unloading
    assert await slow == [Outcome.SENT]
    await hass.config_entries.async_setup(channel.entry.entry_id)
    await landed(channel.entry.runtime_data)
    assert kilo.texts == ["door", "smoke"]


async def test_messages_sent_in_the_very_moment_of_a_reload_are_not_lost(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.error = UNREACHABLE
    for number in range(6):
        sending = hass.async_create_task(
            send(channel, f"smoke {number}", priority=Priority.CRITICAL)
        )
        await asyncio.sleep(0)
        channel = await restart(hass, channel)
        assert await sending == [Outcome.PENDING]
    assert channel.overview.pending == 6
    assert len(stored(hass, channel)["data"]["pending"]) == 6


async def test_a_channel_that_has_stopped_writes_nothing_any_more(hass, kilo):
    old = await async_set_up(hass, channel_entry("Anna"))
    new = await restart(hass, old)
    kilo.error = UNREACHABLE
    await send(new, "smoke", priority=Priority.CRITICAL)
    with pytest.raises(HomeAssistantError) as error:
        await send(old, "door")
    assert error.value.translation_key == "not_stored"
    await old.async_test(ANNA)
    assert [one["text"] for one in stored(hass, new)["data"]["pending"]] == ["smoke"]


async def test_a_state_that_cannot_be_read_is_set_aside_and_alarms_go(hass, kilo, caplog):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await send(channel, "door")
    path = path_of(hass, channel)
    await hass.config_entries.async_unload(channel.entry.entry_id)
    path.write_text('{"version": 1, "minor_version": 1, "key": "x", "data": {"pending": 5}}')
    await hass.config_entries.async_setup(channel.entry.entry_id)
    channel = channel.entry.runtime_data
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT]
    assert channel.overview.left == 0  # nobody knows what was sent before
    assert path.with_name(path.name + ".unreadable").exists()


async def test_a_disk_that_cannot_even_make_a_folder_stops_no_alarm(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    with patch("custom_components.kilopush.storage.Path.mkdir", side_effect=OSError(28, "full")):
        assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT]
    await landed(channel)
    assert channel.overview.pending == 0


async def test_a_mistake_while_posting_is_a_lost_reply(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    with patch.object(channel._push, "async_post", side_effect=RuntimeError):
        assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.PENDING]
    (delivery,) = channel._outbox.state.pending.values()
    assert (delivery.is_posted, delivery.is_repeat) == (False, True)


async def test_somebody_who_cannot_listen_stops_nothing(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    channel.async_listen_events(Mock(side_effect=RuntimeError))
    channel.async_listen(Mock(side_effect=RuntimeError))
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT]


async def test_a_cancelled_action_leaves_its_message_to_the_channel(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    release = asyncio.Event()
    kilo.wait_for = release
    sending = hass.async_create_task(send(channel, "smoke", priority=Priority.CRITICAL))
    await asyncio.sleep(0)
    sending.cancel()
    release.set()
    await until(lambda: kilo.posts)
    await landed(channel)
    assert kilo.texts == ["smoke"]


async def test_a_clock_that_is_days_behind_does_not_keep_the_loop_busy(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    channel._clock.hear(int(time.time()) + 2 * 86400)
    with patch.object(channel._outbox, "plan", side_effect=channel._outbox.plan) as plan:
        channel._step()
        await asyncio.sleep(0.2)
    assert plan.call_count < 5


async def test_after_ten_minutes_without_the_time_a_budget_is_taken_as_it_is(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    assert not channel._moment().is_certain
    with patch.object(type(channel._clock), "unknown_for_s", 601.0):
        assert channel._moment().is_certain


async def test_the_api_is_asked_what_time_it_is(hass, aioclient_mock):
    aioclient_mock.head(API_URL, headers={"Date": "Sun, 06 Nov 2033 08:49:37 GMT"})
    channel = await async_set_up(hass, channel_entry("Anna"))
    await until(lambda: channel._clock.is_known)
    assert channel._moment().is_certain


async def test_another_time_zone_is_that_of_the_digests_from_then_on(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await hass.config.async_update(time_zone="Asia/Tokyo")
    await hass.async_block_till_done()
    assert str(channel._outbox.policy.zone) == "Asia/Tokyo"


# --- what an action is told -----------------------------------------------------------------------


async def test_an_action_does_not_wait_longer_than_its_time_for_a_slow_api(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.wait_for = asyncio.Event()
    with patch.object(channel_module, "_ANSWER_WITHIN_S", 0.1):
        assert await send(channel, "door") == [Outcome.PENDING]
    kilo.wait_for.set()
    await landed(channel)
    assert kilo.texts == ["door"]


async def test_a_refused_message_is_tried_again_without_its_action(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = UNSENDABLE
    assert await send(channel, "door") == [Outcome.PENDING]
    for _ in range(2):
        channel._outbox.state.pending[1].due_at_s = 0
        channel._step()
        await landed(channel)
    assert channel.overview.dead == 1


async def test_a_test_message_counts_against_the_quota(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    await send(channel, "door")
    left = channel.overview.left
    verdict = await channel.async_test(ANNA)
    assert verdict.outcome == "sent"
    assert channel.overview.left == left - 1


# --- many at once ---------------------------------------------------------------------------------


class LoopWatch:
    """How long the event loop was held: the longest that one callback used the processor for.

    Time of the processor, not of the clock: what else the machine does is not ours.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._run = asyncio.Handle._run

    def __enter__(self) -> Self:
        watch, run = self, self._run

        def timed(handle):
            begun_s = time.thread_time()
            run(handle)
            watch.longest_s = max(watch.longest_s, time.thread_time() - begun_s)

        asyncio.Handle._run = timed
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._run


async def test_twenty_messages_to_five_people_at_once_hold_nothing_up(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna", "Ben", "Cleo", "Dora", "Emil"))
    release = asyncio.Event()
    kilo.wait_for = release
    with LoopWatch() as watch, patch.object(channel_module, "_ANSWER_WITHIN_S", 1.0):
        begun_s = hass.loop.time()
        outcomes = await asyncio.gather(
            *(send(channel, f"message {number}") for number in range(20))
        )
        took_s = hass.loop.time() - begun_s
        release.set()
        await landed(channel)
    print(f"longest callback {watch.longest_s * 1000:.1f} ms, actions took {took_s:.2f} s")
    assert watch.longest_s < 0.05
    assert took_s < 2
    assert {one for each in outcomes for one in each} == {Outcome.PENDING}
    posted = Counter((post["to"], post["message"]) for post in kilo.posts)
    assert max(posted.values()) == 1
    assert len(posted) + channel.overview.in_digest + channel.overview.pending == 100


async def test_alarms_pass_slow_ordinary_messages(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna", "Ben"))
    release = asyncio.Event()
    kilo.wait_for = release
    slow = hass.async_create_task(send(channel, "door"))
    await until(lambda: kilo.posts)
    kilo.wait_for = None
    assert await send(channel, "smoke", priority=Priority.CRITICAL) == [Outcome.SENT] * 2
    assert not slow.done()
    release.set()
    assert await slow == [Outcome.SENT] * 2
    assert kilo.texts_to(ANNA) == ["door", "smoke"]  # on its way already
    assert kilo.texts_to(BEN) == ["smoke", "door"]
