"""The root certificate that a board needs is found among many, and what cannot work is said."""

from __future__ import annotations

import datetime as dt
import importlib.util
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = Path(__file__).parents[2] / "tools" / "board_roots.py"
SPEC = importlib.util.spec_from_file_location("board_roots", PATH)
board_roots = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(board_roots)


@contextmanager
def server(authority: trustme.CA, name: str = "localhost", **options: object) -> Iterator[int]:
    """Run a TLS server that says nothing; yield its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    for option, value in options.items():
        setattr(context, option, value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


@pytest.fixture(scope="module")
def authorities() -> list[trustme.CA]:
    return [trustme.CA(organization_name=f"Authority {number}") for number in range(5)]


@pytest.fixture
def cafile(authorities: list[trustme.CA], tmp_path: Path) -> Path:
    path = tmp_path / "list.pem"
    path.write_bytes(b"".join(one.cert_pem.bytes() for one in authorities))
    return path


def der(authority: trustme.CA) -> bytes:
    return ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())


def run(port: int, cafile: Path, *more: str) -> int:
    output = str(cafile.parent / "roots")
    return board_roots.main(
        ["localhost", f"--port={port}", f"--cafile={cafile}", "-o", output, *more]
    )


@pytest.mark.parametrize("number", range(5))
def test_the_root_that_counts_is_found(authorities, cafile, capsys, number):
    with server(authorities[number]) as port:
        assert run(port, cafile) == 0
    (path,) = (cafile.parent / "roots").iterdir()
    assert path.read_bytes() == der(authorities[number])
    told = capsys.readouterr().out
    assert f'ca="/roots/{path.name}"\n' in told
    assert f"{len(path.read_bytes())} bytes, valid until " in told
    assert "two years" not in told


def test_a_root_above_an_intermediate_is_found(authorities, cafile):
    with server(authorities[3].create_child_ca()) as port:
        assert run(port, cafile) == 0
    (path,) = (cafile.parent / "roots").iterdir()
    assert path.read_bytes() == der(authorities[3])


def test_one_more_can_be_asked_for(authorities, cafile, capsys):
    names = [root.name for root in board_roots.known_roots(cafile)]
    with server(authorities[1]) as port:
        assert run(port, cafile, "--also", names[4].upper()) == 0
    files = {path.read_bytes() for path in (cafile.parent / "roots").iterdir()}
    assert files == {der(authorities[1]), der(authorities[4])}
    assert "ca=(" in capsys.readouterr().out


def test_a_root_that_ends_soon_is_told(cafile, capsys):
    root = board_roots.known_roots(cafile)[0]
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=700)
    board_roots.write(root._replace(expires_s=soon.timestamp()), cafile.parent / "roots")
    assert f"valid until {soon.date()}\n  This is less than two years" in capsys.readouterr().out


def test_an_authority_that_is_not_in_the_list_is_told(cafile, capsys):
    with server(trustme.CA()) as port:
        assert run(port, cafile) == 1
    assert f"localhost:{port} has a certificate that no root" in capsys.readouterr().err


def test_a_certificate_of_another_host_is_told(authorities, cafile, capsys):
    with server(authorities[0], "elsewhere.example") as port:
        assert run(port, cafile) == 1
    assert "is for another name" in capsys.readouterr().err


def test_a_host_that_no_board_can_talk_to_is_told(authorities, cafile, capsys):
    with server(authorities[0], minimum_version=ssl.TLSVersion.TLSv1_3) as port:
        assert run(port, cafile) == 1
    assert "does not speak TLS 1.2" in capsys.readouterr().err


def test_no_server_and_an_unknown_name_are_told(authorities, cafile, capsys):
    with server(authorities[0]) as port:
        assert run(port, cafile, "--also", "Nobody") == 1
    assert "--also Nobody: not in the list" in capsys.readouterr().err
    assert run(port, cafile) == 1
    assert "board_roots: " in capsys.readouterr().err
    assert not (cafile.parent / "roots").exists()


def test_a_host_that_does_not_exist_is_told_with_what_to_do(capsys):
    assert board_roots.main(["127.0.0.1:8443"]) == 1
    error = capsys.readouterr().err
    assert "no host 127.0.0.1:8443: give the name alone, and the port with --port" in error
