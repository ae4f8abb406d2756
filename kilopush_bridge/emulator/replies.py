"""What a client gets to see: the API's replies, plain HTTP ones, and faults."""

import asyncio
import json
from http import HTTPStatus

from kilopush_bridge.emulator.faults import Fault
from kilopush_bridge.emulator.policy import Status, to_reply
from kilopush_bridge.emulator.service import Record
from kilopush_bridge.emulator.wire import Connection

_GARBAGE = b"\x00\x01\x02 this is not HTTP\r\n\r\n"
_NOT_JSON = b"<html>It works!</html>\n"


async def go_wrong(connection: Connection, fault: Fault, record: Record) -> None:
    """Do to the client what the fault says."""
    match fault.kind:
        case "slow":
            await asyncio.sleep(fault.delay_s)
            await reply_status(connection, record)
        case "500":
            await reply_error(connection, HTTPStatus.INTERNAL_SERVER_ERROR)
        case "garbage_body":
            await connection.reply(HTTPStatus.OK, "text/html", _NOT_JSON)
        case "garbage":
            await connection.send_raw(_GARBAGE)
            connection.close()
        case "silent":
            await connection.wait_until_gone()
        case "reset":
            connection.reset()
        case "drop" | "drop_before":
            connection.close()


async def reply_status(connection: Connection, record: Record) -> None:
    """Reply as the API does."""
    await reply_json(connection, *to_reply(Status(int(record.status))))


async def reply_json(connection: Connection, http_status: int, value: dict[str, object]) -> None:
    """Reply with a JSON object."""
    await connection.reply(http_status, "application/json", json.dumps(value).encode())


async def reply_error(
    connection: Connection, http_status: HTTPStatus, *headers: tuple[str, str]
) -> None:
    """Reply in plain HTTP: the API document says nothing of what such a body holds."""
    body = f"{http_status} {http_status.phrase}\n".encode()
    await connection.reply(http_status, "text/plain", body, *headers)
