"""The control interface: look at the emulator and change it over HTTP, from another process.

    GET    /control/requests                  what came in, without the secrets
    GET    /control/faults                    which faults wait
    POST   /control/faults    {"kind": "500", "times": 3, "delay_s": 0}
    DELETE /control/faults                    all is well again
    GET    /control/world                     how it is set up, without the secrets
    POST   /control/world     {"per_day": 5}  changes what is named

For tests and for trying things out: whoever reaches the port may use it.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus

from pydantic import TypeAdapter, ValidationError

from kilopush_bridge.emulator.faults import Fault
from kilopush_bridge.emulator.policy import Fields
from kilopush_bridge.emulator.service import Record, Service
from kilopush_bridge.emulator.world import World

PREFIX = "/control/"

Json = dict[str, object]

_WORLD = TypeAdapter(World)
_FAULT = TypeAdapter(Fault)
_TIMES = TypeAdapter(int | None)


def answer(service: Service, method: str, path: str, body: bytes) -> tuple[int, Json]:
    """Do what a control request asks; return the HTTP status and the JSON reply.

    Never raises: a mistake in the request is a 400 with {"error": "..."} and changes nothing.
    """
    methods = _ROUTES.get(path.removeprefix(PREFIX))
    if methods is None:
        return HTTPStatus.NOT_FOUND, {"error": f"use {PREFIX}{{{','.join(_ROUTES)}}}"}
    if method not in methods:
        return HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"use {', '.join(methods)}"}
    try:
        return HTTPStatus.OK, methods[method](service, body)
    except ValidationError as error:
        return HTTPStatus.BAD_REQUEST, {"error": _describe(error)}
    except (ValueError, RecursionError) as error:
        return HTTPStatus.BAD_REQUEST, {"error": str(error)}


def _describe(error: ValidationError) -> str:
    # Only the name of the value and what is wrong with it: the value itself may be a secret.
    problems = ((*each["loc"][:1], each["msg"]) for each in error.errors())
    return "; ".join(": ".join(map(str, problem)) for problem in problems)


def _read_object(body: bytes, allowed: set[str]) -> Json:
    value = json.loads(body)
    if not isinstance(value, dict) or not value.keys() <= allowed:
        raise ValueError(f"send a JSON object with some of: {', '.join(sorted(allowed))}")
    return value


def _show_requests(service: Service, _: bytes) -> Json:
    return {
        "total": service.total,
        "accepted": service.accepted,
        "requests": [_show_record(record) for record in service.records],
    }


def _show_record(record: Record) -> Json:
    return {
        "at_s": record.at_s,
        "status": record.status,
        "accepted": record.accepted,
        "fault": record.fault,
        "fields": without_secret(record.fields),
    }


def without_secret(fields: Fields) -> Json:
    """Return the fields that may be shown."""
    return {key: value for key, value in fields.items() if key != "secret"}


def _show_faults(service: Service, _: bytes) -> Json:
    waiting = service.faults.waiting()
    return {"waiting": [asdict(fault) | {"times": times} for fault, times in waiting]}


def _add_fault(service: Service, body: bytes) -> Json:
    asked = _read_object(body, {"kind", "times", "delay_s"})
    times = _TIMES.validate_python(asked.pop("times", 1), strict=True)
    service.faults.add(_FAULT.validate_python(asked), times)
    return _show_faults(service, body)


def _clear_faults(service: Service, body: bytes) -> Json:
    service.faults.clear()
    return _show_faults(service, body)


def _show_world(service: Service, _: bytes) -> Json:
    shown: Json = _WORLD.dump_python(service.world, mode="json")
    channels = service.world.channels
    # The keys are enough to see which channels there are.
    return shown | {"channels": channels and sorted(channels)}


def _change_world(service: Service, body: bytes) -> Json:
    now = _WORLD.dump_python(service.world, mode="json")
    changed = now | _read_object(body, set(now))
    service.world = _WORLD.validate_json(json.dumps(changed), strict=True)
    return _show_world(service, body)


_ROUTES: dict[str, dict[str, Callable[[Service, bytes], Json]]] = {
    "requests": {"GET": _show_requests},
    "faults": {"GET": _show_faults, "POST": _add_fault, "DELETE": _clear_faults},
    "world": {"GET": _show_world, "POST": _change_world},
}
