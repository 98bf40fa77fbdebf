"""One stream of an HTTP/2 client (http2.py), with the reader and writer that HTTP/1.1 connections have, so that what reads
and writes frames or bodies need not know which of the two it is."""

import asyncio
import contextlib

import h2.exceptions
from h2.errors import ErrorCodes

from .http1 import Ended, Message

HIGH_WATER = 64 * 1024  # bytes a stream's writer takes before drain() waits


class StreamReset(ConnectionResetError):
    """RST_STREAM came."""

    def __init__(self, code):
        super().__init__(f"RST_STREAM {error_name(code)}")
        self.code = code


def error_name(code):
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code:#x}"


class Stream(asyncio.Transport):
    """One stream: `reader` and `writer` as asyncio makes them for a connection; heads and trailers beside them. Its end
    of sending is writer.close(), RST_STREAM is writer.transport.abort()."""

    def __init__(self, client, number, limit, manual):
        super().__init__()
        self.client, self.id, self.manual = client, number, manual
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=limit, loop=loop)
        self.protocol = asyncio.StreamReaderProtocol(self.reader, loop=loop)
        self.protocol.connection_made(self)
        self.writer = asyncio.StreamWriter(self, self.protocol, self.reader, loop)
        self.heads = asyncio.Queue()
        self.trailers = []
        self.reset_code = None      # of the RST_STREAM that came
        self.remote_ended = False   # END_STREAM came
        self.local_ended = False    # END_STREAM went
        self.over = False
        self._queue = bytearray()
        self._closing = None        # None, or the trailers to end with
        self._paused = False
        self._owed = 0              # bytes received whose window was not given back
        self._write_paused = False

    # What asyncio's StreamReader and StreamWriter ask of a transport

    def get_extra_info(self, name, default=None):
        return self.client.transport.get_extra_info(name, default)

    def is_closing(self):
        return self.over

    def write(self, data):
        assert self._closing is None, "written after the end"
        if self.over:
            return
        self._queue += data
        self.client.wants_to_send(self)
        if len(self._queue) > HIGH_WATER and not self._write_paused:
            self._write_paused = True
            self.protocol.pause_writing()

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.close()

    def close(self):
        self.end()

    def end(self, trailers=()):
        """END_STREAM behind what was written, with trailers if there are any."""
        if self._closing is None and not self.over:
            self._closing = list(trailers)
            self.client.wants_to_send(self)

    def abort(self, code=ErrorCodes.CANCEL):
        """RST_STREAM, unless the stream is over."""
        if not self.over:
            self.client.reset(self, code)

    def pause_reading(self):
        self._paused = True

    def resume_reading(self):
        self._paused = False
        self._give_back()

    # The test's side

    def fall_asleep(self):
        """Opens the stream's window no more until something is read again."""
        self.pause_reading()
        self.reader._paused = True  # the reader then resumes with its next read

    def grant(self, size):
        """Opens the stream's window by `size`; for streams whose window is the test's (manual)."""
        self.client.h2.increment_flow_control_window(size, self.id)
        self.client.flush()

    async def head(self, timeout=10.0):
        """The next head: an interim one, or the final. Ended when the stream is over instead."""
        if self.over and self.heads.empty():
            raise Ended(self.why())
        head = await asyncio.wait_for(self.heads.get(), timeout)
        if head is None:
            self.heads.put_nowait(None)
            raise Ended(self.why())
        return head

    def why(self):
        if self.reset_code is not None:
            return f"stream {self.id}: RST_STREAM {error_name(self.reset_code)}"
        return f"stream {self.id} is over; {self.client.why()}"

    # The same conversation as http1.Exchange

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def finish(self, trailers=()):
        self.end([(n.lower(), v) for n, v in trailers])

    async def piece(self, timeout=10.0):
        """The next bytes of the body, as many as are there; b"" at its end."""
        try:
            return await asyncio.wait_for(self.reader.read(1 << 20), timeout)
        except ConnectionError as e:
            raise Ended(repr(e)) from e

    async def response(self, timeout=20.0):
        interim = []
        while (head := await self.head(timeout)).status < 200:
            interim.append(head)
        try:
            body = await asyncio.wait_for(self.reader.read(-1), timeout)
        except ConnectionError as e:
            raise Ended(f"within the body: {e}") from e
        return Message(head, body, trailers=self.trailers, interim=interim)

    # The connection's side

    def _give_back(self, least=1):
        if self._owed >= least and not self.manual and not self.over and not self.remote_ended:
            owed, self._owed = self._owed, 0
            with contextlib.suppress(h2.exceptions.StreamClosedError):  # its end is the next event
                self.client.h2.increment_flow_control_window(owed, self.id)
            self.client.flush()

    def _data(self, data, flow_controlled):
        self._owed += flow_controlled
        if data:
            self.protocol.data_received(data)
        if not self._paused:
            self._give_back(least=self.client.stream_window // 2)

    def _pump(self, quantum):
        """Frames up to `quantum` bytes of what is queued. True while more could go at once."""
        size = min(len(self._queue), self.client.h2.local_flow_control_window(self.id), quantum,
                   self.client.h2.max_outbound_frame_size)
        if size > 0:
            self.client.h2.send_data(self.id, bytes(self._queue[:size]))
            del self._queue[:size]
        if not self._queue and self._closing is not None and not self.local_ended:
            self.local_ended = True
            if self._closing:
                self.client.h2.send_headers(self.id, self._closing, end_stream=True)
            else:
                self.client.h2.end_stream(self.id)
            self._finish_if_both_ended()
        if self._write_paused and len(self._queue) <= HIGH_WATER // 4:
            self._write_paused = False
            self.protocol.resume_writing()
        return size > 0 and bool(self._queue)

    def _remote_end(self):
        self.remote_ended = True
        self.protocol.eof_received()
        self._finish_if_both_ended()

    def _finish_if_both_ended(self):
        if self.remote_ended and self.local_ended:
            self._lose(None)

    def _lose(self, error):
        if self.over:
            return
        self.over = True
        self._queue.clear()
        self.client.forget(self)
        self.heads.put_nowait(None)
        self.protocol.connection_lost(None if self.remote_ended else error)
