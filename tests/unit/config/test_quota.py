"""From `budget`, `quiet`, `digest` and `senders` to what the daemon uses."""

from datetime import time

import pytest

from kilopush_bridge.config import Grant
from kilopush_bridge.config.quota import most_in_window
from kilopush_bridge.hours import Quiet
from kilopush_bridge.model import Priority

TWO_CHANNELS = """\
channels:
  home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"%s}
  shop: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
people: {me: "${KILO_ME}", anna: "${KILO_ANNA}", family: [me, anna]}
"""


def limits(config, channel="home"):
    one = config.channels[channel].limits
    return one.per_day, one.keep_for_critical, one.other_senders, one.digests


# --- budget --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", (300, 60, 20, 12)),
        ("budget:", (300, 60, 20, 12)),
        ("budget: {per_day: 500}", (500, 60, 20, 12)),
        ('budget: {per_day: "500", digests: }', (500, 60, 20, 12)),
        ("budget: {per_day: unlimited}", (None, 60, 20, 12)),
        (
            "budget: {per_day: 4, keep_for_critical: 1, other_senders: 0, digests: 2}",
            (4, 1, 0, 2),
        ),
    ],
)
def test_what_a_budget_says_and_what_it_leaves_out(load_with_head, words, expected):
    assert limits(load_with_head(f"{words}\n")) == expected


def test_a_number_may_come_from_a_variable(load_with_head):
    config = load_with_head("budget: {keep_for_critical: '${KEPT:-90}'}\n")
    assert limits(config) == (300, 90, 20, 12)


def test_a_channel_differs_where_it_says_so(load):
    head = TWO_CHANNELS % ", budget: {per_day: unlimited, digests: 30}"
    config = load(head + "budget: {per_day: 400, keep_for_critical: 100}\n")
    assert limits(config, "home") == (None, 100, 20, 30)
    assert limits(config, "shop") == (400, 100, 20, 12)


def test_a_limit_of_a_channel_where_the_file_says_unlimited(load):
    config = load(TWO_CHANNELS % ", budget: {per_day: 300}" + "budget: {per_day: unlimited}\n")
    assert (limits(config, "home")[0], limits(config, "shop")[0]) == (300, None)


def test_an_unlimited_channel_needs_no_room(load_with_head):
    text = "budget: {per_day: unlimited, keep_for_critical: 1000000, digests: 0}\n"
    assert load_with_head(text).warnings == ()


def test_a_channel_for_criticals(load):
    channels = load(TWO_CHANNELS % ", critical_channel: shop").channels
    assert (channels["home"].critical_channel, channels["shop"].critical_channel) == ("shop", None)


# --- audience ------------------------------------------------------------------------------------


def test_the_audience_of_a_channel_is_whom_its_rules_and_defaults_send_to(load):
    config = load(
        TWO_CHANNELS % ""
        + """\
defaults: {to: me}
alerts:
  one: {topic: a, when: x, message: y, channel: shop, to: [anna]}
  two: {topic: a, when: x, message: y, channel: shop, to: family}
"""
    )
    assert config.audience("home") == {"me"}
    assert config.audience("shop") == {"me", "anna"}


def test_who_may_get_alarms_of_a_channel_that_it_helps_is_in_its_audience_too(load):
    config = load(
        TWO_CHANNELS % ", critical_channel: shop"
        + """\
defaults: {to: me}
alerts:
  one: {topic: a, when: x, message: y, to: anna}
"""
    )
    assert config.audience("shop") == {"me", "anna"}  # `me` is asked for by default
    assert config.audience("home") == {"me", "anna"}


def test_who_gets_alerts_of_a_helping_channel_is_not_in_the_other_audience(load):
    config = load(
        TWO_CHANNELS % ", critical_channel: shop"
        + """\
alerts:
  one: {topic: a, when: x, message: y, channel: shop, to: anna}
  two: {topic: a, when: x, message: y, channel: home, to: me}
"""
    )
    assert (config.audience("home"), config.audience("shop")) == ({"me"}, {"me", "anna"})


def test_a_channel_that_nobody_uses_has_no_audience(load):
    config = load(TWO_CHANNELS % "")
    assert config.audience("home") == config.audience("shop") == frozenset()


# --- quiet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", "quiet:"])
def test_it_is_never_quiet_unless_the_file_says_so(load_with_head, words):
    assert load_with_head(f"{words}\n").quiet is None


@pytest.mark.parametrize(
    ("words", "quiet"),
    [
        ('from: "22:30", to: "07:00"', Quiet(time(22, 30), time(7), Priority.HIGH)),
        ("from: 22:30, to: 7:05", Quiet(time(22, 30), time(7, 5), Priority.HIGH)),
        ("from: 0:00, to: 23:59", Quiet(time(0), time(23, 59), Priority.HIGH)),
        (
            "from: 1:00, to: 2:00, let_through: critical",
            Quiet(time(1), time(2), Priority.CRITICAL),
        ),
        ("from: 1:00, to: 2:00, let_through: normal", Quiet(time(1), time(2), Priority.NORMAL)),
    ],
)
def test_quiet_hours(load_with_head, words, quiet):
    assert load_with_head(f"quiet: {{{words}}}\n").quiet == quiet


# --- digest --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("", (time(7), time(19))),
        ("digest:", (time(7), time(19))),
        ("digest: {at: 18:30}", (time(18, 30),)),
        ('digest: {at: ["20:00", "8:15"]}', (time(8, 15), time(20))),
        ('digest: {at: ["8:00", "08:00"]}', (time(8),)),
    ],
)
def test_the_times_of_the_digest_in_order(load_with_head, words, times):
    assert load_with_head(f"{words}\n").digest_at == times


@pytest.mark.parametrize(
    ("times", "most"),
    [
        ([], 0),
        ([time(7)], 2),  # today's and tomorrow's
        ([time(7), time(19)], 3),
        ([time(7), time(8, 10)], 4),  # exactly a window apart
        ([time(7), time(8, 11)], 3),
        ([time(23, 30), time(0, 30)], 4),
        ([time(hour) for hour in range(24)], 26),
    ],
)
def test_the_most_digests_that_a_window_sees(times, most):
    assert most_in_window(times) == most


@pytest.mark.parametrize(("at", "digests", "is_late"), [("7:00", 2, False), ("7:00", 1, True)])
def test_too_few_digests_for_their_times_are_warned_of(load_with_head, at, digests, is_late):
    text = f"budget:\n  digests: {digests}\ndigest: {{at: {at}}}\n"
    warnings = [str(one).partition("config.yaml:")[2] for one in load_with_head(text).warnings]
    expected = (
        "8:12: digests on the channel `home` may come late: 1 person gets alerts, up to 2 times in "
        "25 h; that needs 2, more than `digests` (1)"
    )
    assert warnings == ([expected] if is_late else [])


def test_a_warning_about_defaults_stands_at_the_channel(load):
    head = (TWO_CHANNELS % "") + "defaults: {to: family}\n"
    [warning] = load(head + "digest: {at: [7:00, 9:00, 11:00, 13:00, 15:00, 17:00]}\n").warnings
    assert (warning.line, warning.column) == (2, 3)
    assert warning.what.endswith("2 people get alerts, up to 7 times in 25 h")
    assert warning.hint == "that needs 14, more than `digests` (12)"


def test_a_warning_does_not_show_what_a_variable_holds(load_with_head):
    config = load_with_head("budget: {digests: '${DIGESTS}'}\n", DIGESTS="1")
    [warning] = config.warnings
    assert warning.hint == "that needs 3, more than `digests` (…)"


# --- senders -------------------------------------------------------------------------------------


def test_senders_have_what_they_are_granted(load_with_head):
    config = load_with_head("""\
senders:
  panel: {priority: critical, per_hour: 120}
  bell: {priority: digest}
  door: {per_hour: 1}
  gate:
""")
    assert config.grants == {
        "panel": Grant(Priority.CRITICAL, 120),
        "bell": Grant(Priority.DIGEST, 60),
        "door": Grant(Priority.HIGH, 1),
        "gate": Grant(Priority.HIGH, 60),
    }


def test_no_grants_by_default(load_with_head):
    assert load_with_head("").grants == {}


# --- priority digest -----------------------------------------------------------------------------


def test_a_rule_may_be_for_the_digest_only(load_rule):
    assert load_rule("when: x\npriority: digest").priority is Priority.DIGEST


def test_rules_may_be_for_the_digest_by_default(load):
    config = load(
        (TWO_CHANNELS % "")
        + """\
defaults: {to: me, priority: digest}
alerts: {rule: {topic: a, when: x, message: y}}
"""
    )
    assert config.rules[0].priority is Priority.DIGEST
