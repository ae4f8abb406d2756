"""What counts as an answer, and what is said of one that does not."""

import pytest

from kilopush_bridge.setup import AnswerError, checks

TOKEN, SECRET, ME = "c_" + "a1" * 20, "5e" * 32, "u_" + "11" * 20


@pytest.mark.parametrize(
    ("text", "url", "username", "password"),
    [
        ("mosquitto", "mqtt://mosquitto", None, None),
        (" 10.0.0.2:1884 ", "mqtt://10.0.0.2:1884", None, None),
        ("broker.lan:8883", "mqtts://broker.lan:8883", None, None),
        ("wss://broker.lan/ws", "wss://broker.lan/ws", None, None),
        ("embedded", "embedded://127.0.0.1:1883", None, None),
        ("mqtt://me:p%40ss@broker:1883", "mqtt://broker:1883", "me", "p@ss"),
        ("mqtt://me:a/b#[c@d@broker", "mqtt://broker", "me", "a/b#[c@d"),
        ("me@broker", "mqtt://broker", "me", None),
    ],
)
def test_an_address_is_completed_and_its_login_taken_out(text, url, username, password):
    assert checks.split_login(text) == (url, username, password)
    assert checks.broker_at(url, username, password).username == username


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://x", "the address must start with one of"),
        ("mqt://x", "did you mean `mqtt`?"),
        ("mqtt://", "names no host"),
        ("mqtt://x/y", "a part too many"),
        ("mqtt://x:99999", "the address is no address"),
        ("embedded://0.0.0.0:1883", "needs `username` and `password`"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused_as_by_check(url, why):
    with pytest.raises(AnswerError) as caught:
        checks.broker_at(url)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("check", "text", "why"),
    [
        (checks.channel_token, ME, "a user token"),
        (checks.channel_token, TOKEN + "1", "(this has 43 characters)"),
        (checks.secret_key, TOKEN, "the secret key is the longer one"),
        (checks.secret_key, SECRET[1:], "(this has 63 characters)"),
        (lambda text: checks.user_token(text, {}), TOKEN, "a channel token"),
        (lambda text: checks.user_token(text, {"me": ME}), ME, "the token of me already"),
        (lambda text: checks.user_token(text, {}), "u_x", "(this has 3 characters)"),
    ],
)
def test_a_wrong_secret_is_explained_and_never_repeated(check, text, why):
    with pytest.raises(AnswerError) as caught:
        check(text)
    assert why in str(caught.value)
    assert text not in str(caught.value)


def test_what_copying_adds_is_taken_off():
    assert checks.channel_token(f' "{TOKEN}" \n') == TOKEN
    assert checks.secret_key(f"`{SECRET}`") == SECRET
    assert checks.user_token(f"'{ME}'", {}) == ME


@pytest.mark.parametrize("name", ["", " ", "a,b", "a\nb", "x" * 61, "everyone", "me", ME, TOKEN])
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(AnswerError):
        checks.person_name(name, ["me"])


def test_a_name_is_free_text():
    assert checks.person_name(" Jürgen & Ole ", ["me"]) == "Jürgen & Ole"


def test_there_are_no_more_people_than_digests():
    with pytest.raises(AnswerError, match="`digests`"):
        checks.person_name("one more", [str(number) for number in range(checks.PEOPLE_MAX)])


@pytest.mark.parametrize(
    ("text", "names"),
    [("me", ("me",)), (" anna , me,anna", ("anna", "me")), ("everyone", ("everyone",))],
)
def test_who_gets_alerts_are_names(text, names):
    assert checks.default_to(text, ["me", "anna"]) == names


@pytest.mark.parametrize(
    ("text", "people"), [("", ["me"]), ("ana", ["anna"]), ("everyone", ["me"]), (",", ["me"])]
)
def test_who_gets_alerts_must_be_somebody(text, people):
    with pytest.raises(AnswerError, match=r"there are|name one|did you mean"):
        checks.default_to(text, people)
