"""Thirty hostile days of one board, by seed: prints one JSON object a month.

    month.py SEED MONTHS

Alarms of all priorities, storms, lost replies, hours without a network, reboots at any moment and
days without power, replies with a wrong date, and a server that counts in a rolling day of its own
clock. "over" counts the messages beyond the limit in any 24 hours, "late" the criticals that were
not told at once although the network was up and the reserve was not used up, "missing" the
difference between the alarms given and those told, dropped or waiting.
"""

import json
import sys

from fakes import World
from kilopush import CRITICAL, HIGH, LOW, NORMAL
from kilopush.core.protocol import UNCLEAR

DAYS = 30
HOUR_S = 3600
DAY_S = 24 * HOUR_S
LIMIT = 24
RESERVE = 6


class Month:
    def __init__(self, seed):
        self.random = Dice(seed)
        self.is_up = True
        self.world = World(daily_limit=LIMIT, reserve=RESERVE, name="cellar")
        self.given = self.told = self.dropped = self.criticals = self.late = self.reboots = 0
        self.listen()

    def listen(self):
        self.world.board.on_result = self.on_result
        self.world.transport.is_up = lambda: self.is_up

    def on_result(self, status, number):
        if status == 200:
            self.told += number

    def pass_time(self):
        """Let up to three hours go by, sometimes without power."""
        dice = self.random
        self.is_up = dice.of(100) >= 15
        if dice.of(100) < 10:
            self.world.api.date_error_s = dice.of(10**7) - 10**6
        if dice.of(100) < 12:
            self.reboot()
        self.world.api.replies = [UNCLEAR] * dice.of(3) if dice.of(100) < 20 else []
        self.world.run(dice.of(2 * HOUR_S), step_s=300)

    def reboot(self):
        """Power goes at any moment, in the middle of an exchange too; a reply may be on its way."""
        dice, world = self.random, self.world
        for _ in range(dice.of(12)):
            world.board.tick()
        if world.transport.busy and world.transport.is_gone and dice.of(2):
            world.transport.step()  # the server has it, the board does not know
        engine = world.board._engine
        if engine.keeper.is_due(engine.up_s + 10):
            engine.keeper.save(engine.up_s)
        self.dropped += world.board.dropped
        self.reboots += 1
        off_s = (0, 5, dice.of(HOUR_S), dice.of(2 * DAY_S))[dice.of(4)]
        world.boot(off_s=off_s)
        self.listen()

    def give(self, priority, name):
        self.given += 1
        self.world.board.alarm(name, priority=priority)
        self.world.board.tick()

    def alarms(self):
        """Something happens: now and then a storm."""
        dice = self.random
        for _ in range(dice.of(40) if dice.of(100) < 30 else dice.of(4)):
            self.give((HIGH, HIGH, NORMAL, LOW)[dice.of(4)], "sensor {}".format(dice.of(30)))
            if dice.of(4) == 0:
                self.world.run(dice.of(20))
        if dice.of(100) < 10:
            self.critical()

    def critical(self):
        """A new critical alarm; the reserve of one window is never exceeded."""
        world, now_s = self.world, self.world.api.now_s()
        recent = [post for post in world.api.posts if post["at_s"] > now_s - 26 * HOUR_S]
        if len([post for post in recent if "critical" in post["message"]]) >= RESERVE - 1:
            return
        self.is_up, world.api.replies = True, []
        self.criticals += 1
        name = "critical {}".format(self.criticals)
        self.give(CRITICAL, name)
        world.run(2)
        self.late += not [post for post in world.api.posts if name in post["message"]]

    def most_in_a_day(self):
        times_s = [post["at_s"] for post in self.world.api.posts]
        most = start = 0
        for end, at_s in enumerate(times_s):
            while times_s[start] <= at_s - DAY_S:
                start += 1
            most = max(most, end + 1 - start)
        return most

    def live(self):
        end_s = self.world.api.now_s() + DAYS * DAY_S
        while self.world.api.now_s() < end_s:
            self.alarms()
            self.pass_time()
        dropped = self.dropped + self.world.board.dropped
        return {
            "given": self.given,
            "posts": len(self.world.api.posts),
            "criticals": self.criticals,
            "reboots": self.reboots,
            "most_in_a_day": self.most_in_a_day(),
            "over": max(0, self.most_in_a_day() - LIMIT),
            "late": self.late,
            "missing": self.given - self.told - dropped - self.world.board.pending,
        }


class Dice:
    """Random numbers that are the same in every interpreter. Source: Numerical Recipes, ranqd1."""

    def __init__(self, seed):
        self.state = seed

    def of(self, sides):
        self.state = (1664525 * self.state + 1013904223) & 0xFFFFFFFF
        return (self.state >> 8) % max(1, sides)


def main(seed, months):
    for number in range(int(seed), int(seed) + int(months)):
        result = {"seed": number}
        result.update(Month(number).live())
        print(json.dumps(result))


main(*sys.argv[1:])
