"""Clients live as long as their event loop."""

import asyncio

from treewright_language.loop_bound import LoopBound


class Client:
    def __init__(self, log):
        self.log = log
        log.append("opened")

    async def close(self):
        await asyncio.sleep(0)
        self.log.append("closed")


def test_a_loop_has_one_client_and_closes_it_at_its_end():
    log = []
    clients = LoopBound(lambda: Client(log))

    async def use():
        one, other = await asyncio.gather(clients.get(), clients.get())
        assert one is other is await clients.get()
        log.append("used")

    asyncio.run(use())
    asyncio.run(use())
    assert log == ["opened", "used", "closed"] * 2
    assert clients._open == {}


def test_a_loop_that_ends_in_an_error_closes_its_client_too():
    log = []
    clients = LoopBound(lambda: Client(log))

    async def fail():
        await clients.get()
        raise ZeroDivisionError

    try:
        asyncio.run(fail())
    except ZeroDivisionError:
        log.append("raised")
    assert log == ["opened", "closed", "raised"]
