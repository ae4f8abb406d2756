"""micropython/README.md is true: its program runs, its messages are real, its table is complete."""

import ast
import json
import re

from micropython import interpreters

from kilopush_bridge.emulator import running_emulator

README = (interpreters.SOURCES / "README.md").read_text(encoding="utf-8")
RUN = interpreters.HERE / "scripts" / "run_example.py"
MESSAGES = """
import json
from fakes import World
from kilopush import HIGH

world = World(name="boiler", window=300)
for _ in range(5):
    world.board.alarm("Pump on", key="pump")
    world.run(30)
world.board.alarm("Filter at 0.9 bar")
world.run(100)
world.board.alarm("Tank 3 at 87 °C", HIGH)
world.run(5)
told = world.api.texts()
world = World(name="boiler", queue=3)
world.board.alarm("The board is up")
world.run(61)
world.api.posts.clear()
for number in range(12):
    world.board.alarm("Valve {} stuck".format(number))
    world.run(1)
world.run(50)
print(json.dumps(told + world.api.texts()))
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_dozen_lines_run(tmp_path):
    (tmp_path / "readme.py").write_text(blocks("python")[0], encoding="utf-8")
    with running_emulator() as emulator:
        result = interpreters.run("unix", RUN, "readme", emulator.url, paths=[tmp_path])
        assert result.returncode == 0, result.stdout + result.stderr
        (record,) = emulator.delivered
    assert record.fields["message"] == "Cellar: Door open\nThe board is up"


def test_the_programs_are_programs():
    for block in blocks("python"):
        ast.parse(block)


def test_the_messages_are_real(tmp_path):
    script = tmp_path / "messages.py"
    script.write_text(MESSAGES, encoding="utf-8")
    result = interpreters.run("unix", script)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [text + "\n" for text in json.loads(result.stdout)] == blocks("text")


def test_every_argument_is_listed():
    tree = ast.parse((interpreters.SOURCES / "kilopush" / "client.py").read_text(encoding="utf-8"))
    (kilopush,) = [node for node in tree.body if getattr(node, "name", "") == "KiloPush"]
    (init,) = [node for node in kilopush.body if getattr(node, "name", "") == "__init__"]
    names = {one.arg for one in init.args.args} - {"self"}
    table = README.partition("All arguments of `KiloPush`:")[2].partition("\n\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == names


def test_every_link_leads_somewhere():
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        path, _, anchor = link.partition("#")
        page = interpreters.SOURCES / (path or "README.md")
        assert page.exists(), link
        if anchor:
            text = page.read_text(encoding="utf-8")
            assert anchor in {slug(line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def slug(headline):
    """Return the anchor that GitHub makes of a headline."""
    return re.sub(r"[^\w -]", "", headline.lower()).replace(" ", "-")
