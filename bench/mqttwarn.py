"""mqttwarn, the nearest peer, doing the same job.

It needs paho-mqtt 1 and so lives in an environment of its own, `.venv-mqttwarn`, made when it is
missing.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from bench.names import END_TEXT, END_TOPIC
from bench.stage import ROOT

if TYPE_CHECKING:
    from bench.workloads import Rule, Workload

ENVIRONMENT = ROOT / ".venv-mqttwarn"
REQUIREMENTS = ROOT / "requirements" / "bench-mqttwarn.txt"
PROGRAM = ENVIRONMENT / "bin" / "mqttwarn"
INSTALL_TIMEOUT_S = 300

# As quiet as the bridge: one line for each alert, none for a message that causes none. QoS 0 and
# 1 cost it the same here, since the messages are published at QoS 0.
DEFAULTS = """
[defaults]
hostname = '127.0.0.1'
port = {port}
clientid = 'mqttwarn'
protocol = 4
cleansession = True
loglevel = INFO
filteredmessagesloglevel = DEBUG
functions = 'filters.py'
launch = http

[config:http]
targets = {{'sink': ['post', '{url}', None]}}
"""
SECTION = """
[{name}]
topic = {topic}
qos = 1
targets = http:sink
format = {format}
"""
FILTER = '''
def filter_{at}(topic, message):
    """Return whether to leave the message out."""
    value = json.loads(message)
    return not ({condition})
'''


def install() -> str | None:
    """Make the environment if it is missing; return what went wrong, None if nothing did."""
    if PROGRAM.exists():
        return None
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        [*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(REQUIREMENTS)],
    ):
        try:
            done = subprocess.run(
                command, check=False, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True
            )
        except subprocess.TimeoutExpired:
            return "installing mqttwarn took too long"
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["mqttwarn could not be installed"])[-1]
    return None


def configuration(workload: Workload, port: int, url: str) -> str:
    """Return mqttwarn.ini."""
    end = SECTION.format(name="end", topic=END_TOPIC, format=END_TEXT)
    sections = [_section(at, rule) for at, rule in enumerate(workload.rules)]
    return "".join([DEFAULTS.format(port=port, url=url), *sections, end])


def filters(workload: Workload) -> str:
    """Return the Python file that its filters are in."""
    wanted = [(at, rule) for at, rule in enumerate(workload.rules) if rule.mqttwarn_filter]
    return "import json\n" + "".join(
        FILTER.format(at=at, condition=rule.mqttwarn_filter) for at, rule in wanted
    )


def _section(at: int, rule: Rule) -> str:
    section = SECTION.format(
        name=f"rule {at}", topic=rule.mqttwarn_topic, format=rule.mqttwarn_format
    )
    return section + (f"filter = filter_{at}()\n" if rule.mqttwarn_filter else "")
