"""``transport="requests"``: with a library that knows of time-outs, and one that does not."""

import errno

import shims

BODY = b'{"message": "' + b"m" * 200 + b'"}'
DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


class Response:
    is_open = False

    def __init__(self, status_code, content, headers):
        self.status_code = status_code
        self.content = content
        if headers is not None:
            self.headers = headers
        Response.is_open = True

    def close(self):
        Response.is_open = False


class Library:
    """What there is of ``requests``; ``answer`` is a response's arguments, or what is raised."""

    def __init__(self):
        self.answer = (200, b'{"response": {"status": 200}}', {"Date": DATE})
        self.posts = []
        self.takes_timeout = True

    def post(self, url, data=None, headers=None, **options):
        if options and not self.takes_timeout:
            raise TypeError("unexpected keyword argument 'timeout'")
        _, _, host, _ = url.split("/", 3)
        self.posts.append((host, data, headers, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        return Response(*self.answer)


library = Library()


def library_post(url, **options):
    return library.post(url, **options)


shims.put("requests", shims.Module(post=library_post))

from kilopush.legacy import Requests  # noqa: E402 - the fake must be there first
from kilopush.transport import READY  # noqa: E402


def pieces():
    buffer = bytearray(64)
    for start in range(0, len(BODY), 64):
        piece = BODY[start : start + 64]
        buffer[: len(piece)] = piece
        yield memoryview(buffer)[: len(piece)]


def use(answer=None, takes_timeout=True):
    global library  # noqa: PLW0603 - the fake is a module, and looks here
    library = Library()
    library.takes_timeout = takes_timeout
    if answer is not None:
        library.answer = answer
    return Requests("https://host:8443/path", 12)


def post(way):
    way.post(pieces)
    assert way.step() == READY
    assert way.step() is None
    assert not library.posts
    way.go()
    verdict = way.step()
    assert not way.busy
    assert not Response.is_open
    return verdict


def test_a_message_is_sent_in_one_step():
    for takes_timeout in (True, False):
        verdict = post(use(takes_timeout=takes_timeout))
        assert (verdict.outcome, verdict.at_s) == ("sent", 1795428000)
        ((host, data, headers, options),) = library.posts
        assert (host, data) == ("host:8443", BODY)
        assert headers == {"Content-Type": "application/json"}
        assert options == ({"timeout": 12} if takes_timeout else {})


def test_libraries_that_keep_no_headers_will_do():
    verdict = post(use((400, b'{"response": {"status": 4029, "message": "limit"}}', None)))
    assert (verdict.outcome, verdict.at_s) == ("quota", None)


def test_only_a_connection_that_never_was_is_unsent():
    never = [errno.ECONNREFUSED, errno.EHOSTUNREACH, 101, -2, -202, "[addrinfo error -2]"]
    for number in never:
        assert post(use(OSError(number))).outcome == "unsent", number
    perhaps = [errno.ETIMEDOUT, errno.ECONNRESET, 113 if errno.EHOSTUNREACH != 113 else 103, -30592]
    for number in perhaps:
        assert post(use(OSError(number))).outcome == "unclear", number
    for error in (OSError(), ValueError("Unsupported"), MemoryError(), IndexError(), TypeError()):
        assert post(use(error)).outcome == "unclear", error


def test_it_neither_knows_the_time_nor_who_is_there():
    way = use()
    way.head()
    assert (way.step().outcome, way.busy) == ("unsent", False)
    assert (way.secure, way.host) == (False, "host")


def test_cancelled_is_not_sent():
    way = use()
    way.post(pieces)
    way.step()
    assert way.cancel() is False
    assert (way.busy, way.step(), library.posts) == (False, None, [])
