"""Runs on MicroPython: print every name that the world around board code has, one a line.

They are asked for from the firmware itself. An object that only a real board has is not there;
whoever runs this adds its names.
"""

import array
import asyncio
import binascii
import builtins
import errno
import gc
import io
import json
import os
import random
import select
import socket
import struct
import sys
import time

import machine
import micropython
import requests
import tls

MODULES = (
    array,
    asyncio,
    binascii,
    builtins,
    errno,
    gc,
    io,
    json,
    machine,
    micropython,
    os,
    random,
    requests,
    select,
    socket,
    struct,
    sys,
    time,
    tls,
)


def generator():  # noqa: ANN201, D103 - it is only looked at
    yield


# What calls return, and what is not the value of a name in any module.
OBJECTS = (
    "",
    b"",
    1,
    1.5,
    (),
    [],
    {},
    {}.items(),
    iter([]),
    set(),
    range(1),
    generator,
    generator(),
    "".join,
    bytearray(),
    memoryview(b""),
    array.array("B"),
    OSError(1),
    io.BytesIO(),
    io.StringIO(),
    open(__file__),  # noqa: PTH123, SIM115 - it ends at once
    open(__file__, "rb"),  # noqa: PTH123, SIM115
    select.poll(),
    socket.socket(),
    tls.SSLContext(tls.PROTOCOL_TLS_CLIENT),
    asyncio.Event(),
    asyncio.Lock(),
)

names = set()
for module in MODULES:
    for name in dir(module):
        names.add(name)
        names.update(dir(getattr(module, name, None)))
for thing in OBJECTS:
    names.update(dir(thing))
for name in sorted(names):
    print(name)
