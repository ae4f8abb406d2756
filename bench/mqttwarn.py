"""mqttwarn, the nearest peer, doing the same job.

It needs paho-mqtt 1 and so lives in an environment of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.names import END_TEXT, END_TOPIC

if TYPE_CHECKING:
    from bench.workloads import Rule, Workload

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
