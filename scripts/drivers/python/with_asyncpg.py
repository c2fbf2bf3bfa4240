"""asyncpg against a running server. It speaks binary only. For the type of an array it asks
with WITH RECURSIVE, which is not supported."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal

import asyncpg

from checks import Checks, equal, server

HOST, PORT = server()
OPTIONS = {"host": HOST, "port": PORT, "user": "laminar", "database": "laminar", "ssl": False}
VALUES = {
    "boolean": True,
    "smallint": -32768,
    "integer": 2147483647,
    "bigint": -9223372036854775808,
    "real": 1.5,
    "double precision": 0.1,
    "numeric": Decimal("-12345.6789"),
    "text": "naïve",
    "bytea": b"\x00\xff",
    "date": dt.date(2026, 2, 28),
    "time": dt.time(23, 59, 59, 999999),
    "timestamp": dt.datetime(1969, 12, 31, 23, 59, 59, 1),
    "timestamptz": dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.timezone.utc),
    "interval": dt.timedelta(days=-3, hours=4, microseconds=7),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "jsonb": '{"a": [1]}',
}


async def ddl(conn):
    await conn.execute("DROP TABLE IF EXISTS apg CASCADE")
    await conn.execute("CREATE TABLE apg (id INT PRIMARY KEY, name TEXT, price DOUBLE PRECISION)")
    equal(await conn.execute("INSERT INTO apg VALUES ($1, $2, $3)", 0, "zero", 0.5), "INSERT 0 1")
    await conn.executemany("INSERT INTO apg VALUES ($1, $2, $3)", [(i, f"n{i}", i / 2) for i in range(1, 200)])
    equal(await conn.fetchval("SELECT count(*) FROM apg"), 200)
    equal(dict(await conn.fetchrow("SELECT * FROM apg WHERE id = $1", 3)), {"id": 3, "name": "n3", "price": 1.5})


async def types(conn):
    for name, value in VALUES.items():
        equal((name, tuple(await conn.fetchrow(f"SELECT $1::{name}, NULL::{name}", value))), (name, (value, None)))


async def cursors(conn):
    async with conn.transaction():
        seen = [r["id"] async for r in conn.cursor("SELECT id FROM apg ORDER BY id", prefetch=33)]
    equal(seen, list(range(200)))
    statement = await conn.prepare("SELECT name FROM apg WHERE id = $1")
    equal([a.name for a in statement.get_attributes()], ["name"])
    equal(await statement.fetchval(7), "n7")


async def subscribe(conn):
    tail = await asyncpg.connect(**OPTIONS)
    async with tail.transaction():
        cur = await tail.cursor("SUBSCRIBE (SELECT id FROM apg WHERE id >= 198)")
        equal(sorted(r["id"] for r in await cur.fetch(2)), [198, 199])
        await conn.execute("INSERT INTO apg VALUES (1000, 'late', 0)")
        equal((await cur.fetchrow())["id"], 1000)
    await tail.close()


async def copy_out(conn):
    chunks = []

    async def keep(data):
        chunks.append(data)

    await conn.copy_from_query("SELECT id, name FROM apg WHERE id < 2 ORDER BY id", output=keep)
    equal(b"".join(chunks), b"0\tzero\n1\tn1\n")


async def errors(conn):
    for sql, want in [
        ("SELECT nope FROM apg", asyncpg.UndefinedColumnError),
        ("SELECT 1/0", asyncpg.DivisionByZeroError),
        ("INSERT INTO apg VALUES (1)", asyncpg.UniqueViolationError),
    ]:
        try:
            await conn.execute(sql)
        except want:
            continue
        raise AssertionError(f"{sql}: no error")


async def cancel(conn):
    try:
        await conn.fetch("SUBSCRIBE apg WITH (SNAPSHOT = false)", timeout=0.2)
    except asyncio.TimeoutError:
        pass
    equal(await conn.fetchval("SELECT 1"), 1)


async def transactions(conn):
    try:
        async with conn.transaction():
            await conn.execute("INSERT INTO apg VALUES (3000, 'gone', 0)")
            raise KeyError
    except KeyError:
        pass
    async with conn.transaction(isolation="read_committed", readonly=True):
        equal(await conn.fetchval("SELECT count(*) FROM apg WHERE id = 3000"), 0)


async def pool(_):
    async with asyncpg.create_pool(min_size=1, max_size=2, **OPTIONS) as p:
        for i in range(5):  # each release resets the session
            equal(await p.fetchval("SELECT $1::int", i), i)


async def main():
    c = Checks("asyncpg")
    conn = await asyncpg.connect(**OPTIONS)
    for name, check in [
        ("DDL and INSERT", ddl), ("types in binary", types), ("cursors", cursors), ("SUBSCRIBE", subscribe), ("COPY", copy_out),
        ("errors", errors), ("cancel", cancel), ("transactions", transactions), ("pool", pool),
    ]:
        await c.run_async(name, check, conn)
    await conn.execute("DROP TABLE apg CASCADE")
    await conn.close()
    c.finish()


if __name__ == "__main__":
    asyncio.run(main())
