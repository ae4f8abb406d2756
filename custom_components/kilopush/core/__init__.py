# Generated from kilopush_bridge/core/__init__.py by tools/copy_core.py: do not edit.
"""The decisions that the daemon, Home Assistant and the boards share.

This folder is written once and runs on CPython 3.11 and newer and on MicroPython. The other two
programs carry copies of it, and one set of vectors proves every copy in its own interpreter.

The rules of the folder:

1. Import nothing but ``json`` and modules of this folder (relative).
2. Decide, do not act: no clock, random, files, sockets or logging. What is needed is an argument.
3. Records are small classes with an annotated ``__init__``: no dataclass, enum or named tuple.
4. Outcomes are module constants, compared with ``==``.
5. Never rely on the order of a dict or on the exact bytes of JSON: MicroPython differs in both.
6. Never ask ``str`` about letters or blanks beyond ASCII (``isalnum``, ``strip``, ``split``):
   MicroPython knows only ASCII there.
7. A length says in its name what it counts: ``units`` (UTF-16), ``chars`` (code points), ``bytes``.

This file stays empty of code, so that a board loads only the modules that it uses.
"""
