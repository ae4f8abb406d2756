"""What a board counts, and how late it believes it is: a post never counts for too short a time."""

from fakes import START_UNIX_S
from kilopush.core.budget import WINDOW_S, Limits
from kilopush.ledger import Ledger

HOUR_S = 3600
SPAN_S = WINDOW_S // 25


def sure_ledger(per_day=300):
    """Return a ledger that two replies have told the time."""
    ledger = Ledger(Limits(per_day, 30, 0, 0))
    ledger.learn(START_UNIX_S)
    ledger.learn(START_UNIX_S)
    return ledger


def post(ledger, unix_s, is_critical=False):
    ledger.count(is_critical)
    ledger.learn(unix_s)


def test_a_post_counts_for_the_window_and_at_most_one_span_more():
    for late_s in range(0, SPAN_S, 400):
        ledger = sure_ledger()
        ledger.pass_s(late_s)
        post(ledger, START_UNIX_S + late_s)
        ledger.pass_s(WINDOW_S)
        assert ledger.usage().total() == 1
        ledger.pass_s(SPAN_S)
        assert ledger.usage().total() == 0


def test_a_post_without_a_reply_counts_until_its_age_is_known():
    ledger = sure_ledger()
    ledger.count(True)
    ledger.pass_s(10 * WINDOW_S)
    assert ledger.usage().critical == 1
    ledger.learn(START_UNIX_S + 10 * WINDOW_S)
    assert ledger.usage().critical == 1
    ledger.pass_s(WINDOW_S + SPAN_S)
    assert ledger.usage().critical == 0


def test_a_free_attempt_is_taken_back():
    ledger = sure_ledger()
    ledger.count(False)
    ledger.count(False, -1)
    assert ledger.usage().total() == 0


def test_the_state_survives_a_reboot_and_claims_nothing_about_the_time_between():
    ledger = sure_ledger()
    for number in range(5):
        post(ledger, START_UNIX_S + number, is_critical=number % 2 == 1)
    ledger.count(False)
    ledger.note_critical(77)
    blob = ledger.pack()
    again = Ledger(ledger.limits)
    assert again.unpack(blob + b"records") == len(blob)
    assert (again.usage().other, again.usage().critical) == (4, 2)
    assert again.now_s == ledger.now_s
    assert not again.is_sure
    assert again.pack() == blob


def test_one_wrong_date_moves_nothing_and_two_that_agree_do():
    for wrong_s in (10 * 86400, -10 * 86400):
        ledger = sure_ledger()
        post(ledger, START_UNIX_S)
        now_s = ledger.now_s
        ledger.learn(START_UNIX_S + wrong_s)
        assert ledger.now_s == now_s
        ledger.learn(START_UNIX_S)
        assert ledger.now_s == now_s
        ledger.learn(START_UNIX_S + wrong_s)
        ledger.learn(START_UNIX_S + wrong_s)
        assert ledger.now_s == now_s + wrong_s


def test_moved_back_every_post_keeps_its_age():
    ledger = sure_ledger()
    post(ledger, START_UNIX_S)
    ledger.pass_s(20 * HOUR_S)
    post(ledger, START_UNIX_S + 20 * HOUR_S)
    for _ in range(2):
        ledger.learn(START_UNIX_S - 100 * HOUR_S)
    assert ledger.usage().total() == 2
    ledger.pass_s(7 * HOUR_S + SPAN_S)
    assert ledger.usage().total() == 1
    ledger.pass_s(20 * HOUR_S)
    assert ledger.usage().total() == 0


def test_more_posts_than_a_span_can_hold_are_not_forgotten():
    ledger = sure_ledger(per_day=1000)
    for _ in range(600):
        ledger.count(False)
    ledger.learn(START_UNIX_S)
    assert ledger.usage().other == 600
    ledger.pass_s(WINDOW_S - SPAN_S)
    assert ledger.usage().other == 600


def test_without_a_limit_nothing_has_to_wait():
    ledger = sure_ledger(per_day=None)
    for _ in range(600):
        ledger.count(False)
    assert ledger.why_not(3) == ""
    assert ledger.left() is None
