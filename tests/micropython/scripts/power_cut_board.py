"""A board whose power goes in every flash operation of a busy hour: prints one JSON object.

    power_cut_board.py BOARD EIGHTHS [careless]

With "careless", every other save is left out: then the counts below cannot be 0.

Each cut is one life: the hour up to the cut, then power again, and everything is told. Counted are
the cuts, the urgent alarms that a tick had seen and nobody was told ("lost"), those told twice
without a word ("unmarked"), and the messages beyond what the board counts ("uncounted").
"""

import json
import sys

from fakes import ANNA, ME, World
from flash import Flash, PowerCut
from kilopush import CRITICAL, HIGH, NORMAL
from kilopush.core.protocol import QUOTA, UNCLEAR, UNSENT
from kilopush.store import FileStore

FOLDER = "/flash"
REPLIES = ["sent", UNSENT, UNCLEAR, "sent", "sent", QUOTA, "sent", UNCLEAR]
PRIORITIES = (CRITICAL, NORMAL, HIGH)
ALARMS = 21


class Careless(FileStore):
    """What must not be done: it says that it has saved."""

    def save(self, parts, urgent=True):
        self.turn = not getattr(self, "turn", False)
        if self.turn:
            super().save(parts, urgent)


class Life:
    """One run of the hour. ``seen`` are urgent alarms of which a tick has returned."""

    def __init__(self, flash, store_class):
        self.flash = flash
        self.store_class = store_class
        self.world = World(store=store_class(FOLDER + "/kp"), to=(ME, ANNA))
        self.world.api.replies = list(REPLIES)
        self.seen = []

    def live(self):
        for number in range(ALARMS):
            priority = PRIORITIES[number % 3]
            text = "alarm {:02d} {}".format(number, "x" * (number * 7))
            self.world.board.alarm(text, priority=priority)
            self.world.board.tick()
            if priority <= HIGH:
                self.seen.append(text)
            self.world.run(150)

    def go_on(self):
        self.flash.revive()
        self.world.api.replies = []
        self.world.boot(store=self.store_class(FOLDER + "/kp"), off_s=100)
        self.world.run(1200, step_s=30)

    def told(self, to, text):
        """Return the messages to this person that name the alarm and arrived, or perhaps did."""
        posts = [post for post in self.world.api.posts if post["to"] == to]
        return [post for post in posts if text in post["message"]]

    def flaws(self):
        """Return how many alarms were lost, told twice without a word, and sent uncounted."""
        lost = unmarked = 0
        for to in (ME, ANNA):
            for text in self.seen:
                told = self.told(to, text)
                lost += not [post for post in told if post["outcome"] == "sent"]
                again = [post for post in told if post["outcome"] != QUOTA][1:]
                unmarked += len(
                    [post for post in again if "may be a repeat" not in post["message"]]
                )
        spent = len([post for post in self.world.api.posts if post["outcome"] != QUOTA])
        return lost, unmarked, max(0, spent - (300 - self.world.board.left))


def main(board, eighths, careless=""):
    store_class = Careless if careless else FileStore
    found = {"cuts": 0, "lost": 0, "unmarked": 0, "uncounted": 0}
    while True:
        flash = Flash(board)
        flash.mount(FOLDER)
        life = Life(flash, store_class)
        flash.cut_at(found["cuts"] + 1, int(eighths))
        try:
            life.live()
            flash.unmount()
            break  # the hour has no more operations
        except PowerCut:
            life.go_on()
        flash.unmount()
        found["cuts"] += 1
        for name, number in zip(("lost", "unmarked", "uncounted"), life.flaws()):
            found[name] += number
    print(json.dumps(found))


main(*sys.argv[1:])
