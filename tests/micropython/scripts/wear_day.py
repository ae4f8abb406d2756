"""A day of 300 messages on real littlefs: prints how many sectors it erased, as JSON.

wear_day.py BOARD
"""

import json
import sys

from fakes import World
from flash import Flash
from kilopush import HIGH
from kilopush.store import FileStore

FOLDER = "/flash"
MESSAGES = 300
EVERY_S = 288


def main(board):
    flash = Flash(board, times=8)
    flash.mount(FOLDER)
    world = World(store=FileStore(FOLDER + "/kp"), daily_limit=None, window=0)
    flash.operations = flash.erases = 0
    for number in range(MESSAGES):
        world.board.alarm("Temperature in tank {:02d} is high".format(number % 100), priority=HIGH)
        world.run(EVERY_S, step_s=10)
    flash.unmount()
    print(json.dumps({"messages": len(world.api.posts), "erases": flash.erases}))


main(*sys.argv[1:])
