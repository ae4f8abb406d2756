"""Run the tests of one suite in whichever interpreter runs this file.

    micropython runner.py SUITE [WORD]

SUITE is the name of a module of ``suites``; its tests are its functions ``test_...``, plain or
async, which use ``assert``. With WORD, only those that have it in their name. A failure is printed
with its traceback; the last line is "N passed, N failed"; the exit code is 1 if any failed.
"""

import asyncio
import sys
import time

try:
    from traceback import print_exc
except ImportError:
    print_exc = None


def tests(suite, word=""):
    """Return the names of the suite's tests in alphabetical order: dicts have none on boards."""
    module = __import__("suites." + suite, None, None, ["test"])
    names = [name for name in dir(module) if name.startswith("test_") and word in name]
    return [(name, getattr(module, name)) for name in sorted(names)]


async def passes(test):
    try:
        result = test()
        if hasattr(result, "send"):  # a coroutine
            await result
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the test failed
        if print_exc:
            print_exc(file=sys.stdout)
        else:
            sys.print_exception(error)
        return False
    return True


async def main(suite, word=""):
    passed = failed = 0
    for name, test in tests(suite, word):
        start_s = time.time()
        if await passes(test):
            passed += 1
        else:
            print("{}.{} failed after {:.1f} s".format(suite, name, time.time() - start_s))
            failed += 1
    print("{} passed, {} failed".format(passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
