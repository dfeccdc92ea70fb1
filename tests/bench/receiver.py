#!/usr/bin/env python3
"""A receiver for measuring: takes everything, holds each reply back if asked, notes when messages came.

usage: receiver.py [--hold-ms N] [--no-pipelining] LOG

Prints its port, then serves until it is ended. LOG gets the monotonic time of each final dot, a line each.
"""
import argparse
import asyncio
import time


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("--hold-ms", type=float, default=0)
    parser.add_argument("--no-pipelining", action="store_true")
    asked = parser.parse_args()
    log = open(asked.log, "w", encoding="ascii")
    offers = b"250-receiver.test\r\n" + (b"" if asked.no_pipelining else b"250-PIPELINING\r\n") + b"250 8BITMIME\r\n"
    loop = asyncio.get_running_loop()

    async def serve(reader, writer):
        def answer(octets):
            # A reply travels for so long, whatever else is on its way: later ones do not wait for it.
            if asked.hold_ms:
                loop.call_later(asked.hold_ms / 1e3, writer.write, octets)
            else:
                writer.write(octets)

        answer(b"220 receiver.test ESMTP\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    answer(offers)
                elif verb == b"DATA":
                    answer(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    log.write(f"{time.monotonic():.6f}\n")
                    answer(b"250 2.0.0 taken\r\n")
                elif verb == b"QUIT":
                    answer(b"221 2.0.0 bye\r\n")
                    break
                else:
                    answer(b"250 2.0.0 ok\r\n")
            await asyncio.sleep(asked.hold_ms / 1e3)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        log.flush()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 22, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
