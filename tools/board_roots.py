"""Fetch the root certificate that a board needs for a host, as a DER file; prints the `ca=` line.

    python tools/board_roots.py push.kilo.chat -o roots/

A board keeps no list of authorities: it is given the one or two that its server needs. This finds
out which root of this computer's list is enough, alone, to trust the host, by halving: a connection
that trusts only half of the list, then half of what worked, so about eight connections in all.
Nothing is sent over them. They use TLS 1.2, because MicroPython has no newer one. Python 3.11 or
newer is all it needs.

What it finds is as good as this computer's list and its clock. A server may change to another
authority at any time: where it says which ones it uses, give the board all of them (`--also NAME`).
"""

import argparse
import re
import socket
import ssl
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 10
SOON_S = 2 * 365 * 24 * 3600  # a board on a wall is not updated every year


class Root(NamedTuple):
    """A certificate of this computer's list."""

    name: str
    expires_s: float
    der: bytes

    @property
    def file_name(self) -> str:
        """A name for every file system, from that of the authority."""
        return re.sub("[^a-z0-9]+", "-", self.name.lower()).strip("-") + ".der"


def known_roots(cafile: Path | None = None) -> list[Root]:
    """Return the roots of the file, else of this computer, as long as they are valid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cafile:
        context.load_verify_locations(cafile)
    else:
        context.load_default_certs()
    pairs = zip(context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True)
    roots = [Root(_name(fields), _expires_s(fields), der) for fields, der in pairs]
    return [root for root in roots if root.expires_s > time.time()]


def find_root(host: str, port: int, roots: list[Root]) -> Root:
    """Return the root that is enough to trust the host.

    Raises:
        ValueError: none of them is, or the host cannot be talked to as boards do.
    """
    if not _trusts(host, port, roots):
        raise ValueError(f"{host}:{port} has a certificate that no root in this list vouches for")
    while len(roots) > 1:
        half = roots[: len(roots) // 2]
        roots = half if _trusts(host, port, half) else roots[len(half) :]
    if not _trusts(host, port, roots):  # it took two of them, such as an old and a new one
        raise ValueError(f"{host}:{port} cannot be trusted with one root alone")
    return roots[0]


def write(root: Root, folder: Path) -> Path:
    """Write the root into the folder and say what it is; return the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / root.file_name
    path.write_bytes(root.der)
    day = datetime.fromtimestamp(root.expires_s, UTC).date()
    print(f"{path}: {root.name}, {len(root.der)} bytes, valid until {day}")
    if root.expires_s < time.time() + SOON_S:
        print("  This is less than two years: the board needs another one by then.")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    args = _parse(arguments)
    try:
        roots = known_roots(args.cafile)
        found = find_root(args.host, args.port, roots)
        wanted = [found, *_also(args.also, roots)]
    except socket.gaierror:
        hint = "give the name alone, and the port with --port" if ":" in args.host else "check it"
        print(f"board_roots: there is no host {args.host}: {hint}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"board_roots: {error}", file=sys.stderr)
        return 1
    paths = [write(root, args.output) for root in dict.fromkeys(wanted)]
    names = [f'"/{args.output.name}/{path.name}"' for path in paths]
    print(f"\nCopy:  mpremote fs cp -r {args.output} :")
    print(f"Use:   ca={names[0]}" if len(names) == 1 else f"Use:   ca=({', '.join(names)})")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("host", help="such as push.kilo.chat")
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("-o", "--output", type=Path, default=Path("roots"), help="folder")
    parser.add_argument("--cafile", type=Path, help="PEM file instead of this computer's list")
    parser.add_argument(
        "--also", action="append", default=[], metavar="NAME", help="one more, such as ISRG Root X2"
    )
    return parser.parse_args(arguments)


def _also(names: list[str], roots: list[Root]) -> list[Root]:
    by_name = {root.name.lower(): root for root in roots}
    for name in names:
        if name.lower() not in by_name:
            known = ", ".join(sorted(root.name for root in roots))
            raise ValueError(f"--also {name}: not in the list, which has {known}")
    return [by_name[name.lower()] for name in names]


def _trusts(host: str, port: int, roots: list[Root]) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=b"".join(root.der for root in roots))
    try:
        with (
            socket.create_connection((host, port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _OTHER_HOST:
            raise ValueError(f"the certificate of {host}:{port} is for another name") from error
        return False
    except ssl.SSLError as error:
        problem = f"{host}:{port} does not speak TLS 1.2 as boards do: {error.reason}"
        raise ValueError(problem) from error


# Source: openssl/x509_vfy.h, X509_V_ERR_HOSTNAME_MISMATCH.
_OTHER_HOST = 62


def _name(fields: dict) -> str:
    subject = dict(pair for part in fields["subject"] for pair in part)
    for key in ("commonName", "organizationalUnitName", "organizationName"):
        if key in subject:
            return subject[key]
    return "root " + fields["serialNumber"]


def _expires_s(fields: dict) -> float:
    return ssl.cert_time_to_seconds(fields["notAfter"])


if __name__ == "__main__":
    sys.exit(main())
