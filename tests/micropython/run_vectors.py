"""Run the shared vectors against ``core``, in whichever interpreter runs this file.

    micropython run_vectors.py [--part] FOLDER_THAT_HOLDS_CORE VECTORS.json...

With ``--part``, ``core`` is a copy that holds a part: cases of functions that it lacks are skipped.

A vector file is a list of cases. Each case has ``call`` ("module.function"), ``args``, perhaps
``kwargs`` and a ``name``, and one of

    want         equal to the result, and of the same type
    want_json    equal to the result after parsing: bytes of JSON differ between interpreters
    want_fields  the named attributes of the result
    raises       the name of the exception's class

Values that JSON cannot say are written as an object with one key, in ``args`` and in ``want``:

    {"utf8": "text"}  {"hex": "ff00"}      bytes
    {"repeat": [value, times]}             a long text, or long bytes
    {"join": [value, value]}               one after the other
    {"new": ["module.Class", [value, ...]]}  an object of ``core``

One line per failure, one with the names of the functions skipped; the last line is
"N passed, N failed"; the exit code is 1 if any failed.
"""

import json
import sys

DECODERS = {
    "utf8": lambda text: text.encode(),
    "hex": bytes.fromhex,
    "repeat": lambda pair: decode(pair[0]) * pair[1],
    "join": lambda values: join([decode(value) for value in values]),
}


def join(values):
    return values[0][:0].join(values)


def find(name, package):
    """Return the function or class of ``core`` that "module.name" names."""
    module_name, own_name = name.split(".")
    module = __import__(package + "." + module_name, None, None, [own_name])
    return getattr(module, own_name)


def decode(value, package="core"):
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "new":
        name, args = content
        return find(name, package)(*[decode(arg, package) for arg in args])
    return DECODERS[kind](content)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def call(case, package):
    args = [decode(value, package) for value in case["args"]]
    return find(case["call"], package)(*args, **case.get("kwargs", {}))


def failure(case, package="core"):
    """Return what is wrong with the case's outcome, None if it passes."""
    try:
        got = call(case, package)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this case's result
        raised = type(error).__name__
        return None if raised == case.get("raises") else "raised {!r}".format(error)
    if "raises" in case:
        return "returned {!r}, want {}".format(got, case["raises"])
    if "want_json" in case:
        want, got = case["want_json"], json.loads(got.decode())
    elif "want_fields" in case:
        want = case["want_fields"]
        got = {name: getattr(got, name) for name in want}
    else:
        want = decode(case["want"])
    same = got == want and type(got) is type(want)
    return None if same else "got {!r}, want {!r}".format(got, want)


def lacks(package, name):
    try:
        find(name, package)
    except (ImportError, AttributeError):
        return True
    return False


def main(folder, *paths, is_part=False):
    sys.path.insert(0, folder)
    passed = failed = 0
    skipped = set()
    for path in paths:
        for number, case in enumerate(load(path), 1):
            if is_part and lacks("core", case["call"]):
                skipped.add(case["call"])
                continue
            wrong = failure(case)
            if wrong:
                print(
                    "{} case {} {}: {}".format(path, number, case.get("name", case["call"]), wrong)
                )
                failed += 1
            else:
                passed += 1
    if skipped:
        print("skipped: " + " ".join(sorted(skipped)))
    print("{} passed, {} failed".format(passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(*[word for word in words if word != "--part"], is_part="--part" in words))
