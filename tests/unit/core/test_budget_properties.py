"""The proof of promise G1: whatever happens within a window, what is kept is free."""

from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.core.budget import (
    FITS,
    HIGH,
    LOW,
    NORMAL,
    WINDOW_S,
    Limits,
    Usage,
    bucket_size,
    cap,
    digest_fits,
    tokens_left,
    why_not_alone,
)

LIMITS = st.builds(
    Limits,
    st.integers(1, 60),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(0, 15),
)
TIMES = st.lists(st.floats(0, 2 * WINDOW_S), max_size=50).map(sorted)
STEPS = st.lists(st.sampled_from(["critical", "digest", HIGH, NORMAL, LOW]), max_size=120)


def take(limits: Limits, usage: Usage, step: object) -> None:
    if step == "critical":
        usage.critical += 1
    elif step == "digest":
        usage.digest += digest_fits(limits, usage, 1)
    else:
        usage.other += why_not_alone(limits, usage, step, 0, bucket_size(limits)) == FITS


def free(limits: Limits, usage: Usage) -> int:
    """Return what the quota has left if other senders use all that they may."""
    return limits.per_day - limits.other_senders - usage.total()


@given(limits=LIMITS, steps=STEPS)
def test_each_critical_within_what_is_kept_has_its_place(limits: Limits, steps: list[object]):
    usage = Usage()
    fits_at_all = free(limits, usage) >= limits.keep_for_critical
    for step in steps:
        take(limits, usage, step)
        assert usage.other <= cap(limits)
        assert usage.digest <= limits.digests
        left_for_criticals = limits.keep_for_critical - usage.critical
        if fits_at_all and left_for_criticals >= 0:
            assert free(limits, usage) >= left_for_criticals


@given(limits=LIMITS, posted_at_s=TIMES, now_s=st.floats(0, 2 * WINDOW_S))
def test_there_are_never_more_tokens_than_the_bucket_holds_nor_less_than_none(
    limits: Limits, posted_at_s: list[float], now_s: float
):
    assert 0 <= tokens_left(limits, posted_at_s, now_s) <= bucket_size(limits)


@given(limits=LIMITS, posted_at_s=TIMES)
def test_each_post_takes_a_token(limits: Limits, posted_at_s: list[float]):
    now_s = 2 * WINDOW_S
    before = tokens_left(limits, posted_at_s, now_s)
    after = tokens_left(limits, [*posted_at_s, now_s], now_s)
    assert after == max(0.0, before - 1)


@given(limits=LIMITS, usage=st.builds(Usage, st.integers(0, 60)), tokens=st.floats(0, 60))
def test_what_a_less_urgent_alert_may_a_more_urgent_one_may_too(
    limits: Limits, usage: Usage, tokens: float
):
    may = [why_not_alone(limits, usage, one, 0, tokens) == FITS for one in (HIGH, NORMAL, LOW)]
    assert may == sorted(may, reverse=True)
