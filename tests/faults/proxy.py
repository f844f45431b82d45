"""A TCP proxy between a client and a server: slow, cut in one direction, or torn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal

CHUNK = 64 * 1024
START_WITHIN_S = 5.0

Direction = Literal["to-server", "to-client"]
DIRECTIONS: tuple[Direction, ...] = ("to-server", "to-client")


class Proxy:
    """Passes bytes on from a loopback port of its own to a server's, as well as the test lets it.

    What a cut holds back is delivered once it is healed, even where the client has long given up:
    a network does so too, and a commit that arrives late is the worst that can come of a cut.
    """

    def __init__(self, target_port: int, *, port: int = 0) -> None:
        self.target_port = target_port
        self.port = port
        self._delay_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._open: dict[Direction, asyncio.Event] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._listening = threading.Event()
        self._over: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._listening.wait(START_WITHIN_S), "the proxy does not listen"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._over.set)
        self._thread.join(START_WITHIN_S)

    def slow(self, seconds: float) -> None:
        """Let everything take so much longer, each way; 0 for as fast as it is."""
        self._delay_s = seconds

    def cut(self, *directions: Direction) -> None:
        """Let nothing through any more in these directions; connections stay open."""

        def shut() -> None:
            for direction in directions:
                self._open[direction].clear()

        self._call(shut)

    def heal(self) -> None:
        """Let everything through again, what was held back first."""

        def unshut() -> None:
            for direction in DIRECTIONS:
                self._open[direction].set()

        self._call(unshut)

    def tear(self) -> int:
        """Reset every connection; return how many there were."""
        return int(self._call(self._tear))

    def _tear(self) -> int:
        for writer in self._writers:
            writer.transport.abort()
        return len(self._writers) // 2

    def _call(self, act: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(START_WITHIN_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        for direction in DIRECTIONS:
            self._open[direction] = asyncio.Event()
            self._open[direction].set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._over.wait()
        server.close()
        self._tear()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, asking = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, asking}
        self._writers |= both
        try:
            # Cancelled only when the proxy ends, and then it is no news.
            with suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pass(reader, asking, "to-server"),
                    self._pass(answers, writer, "to-client"),
                )
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def take() -> None:
            data = b"?"
            while data:
                try:
                    data = await reader.read(CHUNK)
                except OSError:
                    data = b""
                await waiting.put((self._loop.time() + self._delay_s, data))

        taking = asyncio.create_task(take())
        try:
            with suppress(OSError):
                while True:
                    due, data = await waiting.get()
                    await asyncio.sleep(max(0.0, due - self._loop.time()))
                    await self._open[direction].wait()
                    if not data:
                        writer.write_eof()
                        break
                    writer.write(data)
                    await writer.drain()
        finally:
            taking.cancel()
