"""psycopg 3 against a running server: LAMINAR_HOST, LAMINAR_PORT."""

import datetime as dt
import threading
import uuid
from decimal import Decimal

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from checks import Checks, equal, server

HOST, PORT = server()
DSN = f"host={HOST} port={PORT} user=laminar dbname=laminar"
UTC = dt.timezone.utc
VALUES = {
    "boolean": True,
    "smallint": -32768,
    "integer": 2147483647,
    "bigint": -9223372036854775808,
    "real": 1.5,
    "double precision": 0.1,
    "numeric": Decimal("-12345.6789"),
    "text": "naïve 'quoted' \\ text",
    "bytea": b"\x00\xff\\'",
    "date": dt.date(2026, 2, 28),
    "time": dt.time(23, 59, 59, 999999),
    "timestamp": dt.datetime(1969, 12, 31, 23, 59, 59, 1),
    "timestamptz": dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
    "interval": dt.timedelta(days=-3, hours=4, microseconds=7),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "jsonb": {"a": [1, None, "x"]},
    "integer[]": [1, None, -3],
    "text[]": ["a", 'b "c"', None, ""],
    "double precision[]": [1.5, -0.0],
}


def connect(**options):
    return psycopg.connect(DSN, autocommit=True, **options)


def ddl(conn):
    conn.execute("DROP TABLE IF EXISTS py3 CASCADE")
    conn.execute("CREATE TABLE py3 (id INT PRIMARY KEY, name TEXT NOT NULL, price DOUBLE PRECISION, at TIMESTAMPTZ)")
    conn.execute("CREATE MATERIALIZED VIEW py3_names AS SELECT name, count(*) AS n FROM py3 GROUP BY name")
    equal(conn.execute("INSERT INTO py3 VALUES (%s, %s, %s, %s)", (1, "one", 1.5, dt.datetime(2026, 1, 1, tzinfo=UTC))).rowcount, 1)
    equal(conn.execute("UPDATE py3 SET price = price + %s WHERE id = %s", (1, 1)).rowcount, 1)
    equal(conn.execute("SELECT price, at FROM py3 WHERE id = %s", (1,)).fetchone(), (2.5, dt.datetime(2026, 1, 1, tzinfo=UTC)))
    equal(conn.execute("DELETE FROM py3 WHERE id = %(id)s", {"id": 1}).rowcount, 1)


def executemany(conn):
    rows = [(i, f"name {i % 7}", i / 4, None) for i in range(500)]
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO py3 VALUES (%s, %s, %s, %s)", rows)
        equal(cur.rowcount, 500)
    equal(conn.execute("SELECT count(*), sum(price) FROM py3").fetchone(), (500, sum(r[2] for r in rows)))
    with conn.pipeline():
        results = [conn.execute("SELECT name FROM py3 WHERE id = %s", (i,)) for i in range(20)]
    equal([r.fetchone()[0] for r in results], [f"name {i % 7}" for i in range(20)])


def types(conn, binary):
    for name, value in VALUES.items():
        sent = Jsonb(value) if name == "jsonb" else value
        for placeholder in ("%s", "%b", "%t"):
            if placeholder == "%b" and name == "jsonb":
                continue
            cur = conn.cursor(binary=binary)
            got = cur.execute(f"SELECT {placeholder}::{name}, NULL::{name}", (sent,)).fetchone()
            if got != (value, None):
                raise AssertionError(f"{name} as {placeholder}: got {got!r}, want {value!r}")


def prepared(conn):
    for i in range(20):  # the fifth is prepared by itself
        equal(conn.execute("SELECT name FROM py3 WHERE id = %s", (i,)).fetchone(), (f"name {i % 7}",))
    for i in range(5):
        equal(conn.execute("SELECT %s::int + 1", (i,), prepare=True).fetchone(), (i + 1,))


def cursors(conn):
    with conn.transaction(), conn.cursor(name="big") as cur:
        cur.itersize = 64
        cur.execute("SELECT id FROM py3 ORDER BY id")
        equal(cur.fetchmany(3), [(0,), (1,), (2,)])
        equal(sum(1 for _ in cur), 497)
    rows = conn.cursor().stream("SELECT id FROM py3 ORDER BY id", size=1)
    equal([next(rows)[0] for _ in range(3)], [0, 1, 2])
    rows.close()
    equal(conn.cursor(row_factory=dict_row).execute("SELECT 1 AS a, 'x' AS b").fetchone(), {"a": 1, "b": "x"})


def subscribe(conn):
    with connect() as tail:
        tail.execute("DECLARE tail CURSOR FOR SUBSCRIBE py3_names")
        first = tail.execute("FETCH 7 FROM tail").fetchall()
        equal(sorted(r[2] for r in first), [f"name {i}" for i in range(7)])
        conn.execute("INSERT INTO py3 VALUES (1000, 'late', 0, NULL)")
        late = tail.execute("FETCH 1 FROM tail WITH (timeout = '30s')").fetchall()
        equal([r[1:] for r in late], [(1, "late", 1)])
        equal(tail.execute("FETCH 1 FROM tail WITH (timeout = '10ms')").fetchall(), [])
        tail.execute("CLOSE tail")
        with tail.cursor() as cur:
            rows = cur.stream("SUBSCRIBE (SELECT name, n FROM py3_names WHERE name = 'late')")
            equal(next(rows)[1:], (1, "late", 1))
            rows.close()  # cancels it


def copy_out(conn):
    with conn.cursor() as cur, cur.copy("COPY (SELECT id, name FROM py3 WHERE id < 3 ORDER BY id) TO STDOUT") as copy:
        equal(list(copy.rows()), [("0", "name 0"), ("1", "name 1"), ("2", "name 2")])
    with conn.cursor() as cur, cur.copy("COPY (SELECT id, name, at, 'a\tb' FROM py3 WHERE id = 1) TO STDOUT") as copy:
        equal(b"".join(copy), b"1\tname 1\t\\N\ta\\tb\n")


def errors(conn):
    for sql, want in [
        ("SELECT nope FROM py3", psycopg.errors.UndefinedColumn),
        ("SELECT * FROM nope", psycopg.errors.UndefinedTable),
        ("SELEC 1", psycopg.errors.SyntaxError),
        ("SELECT 1/0", psycopg.errors.DivisionByZero),
        ("SELECT 'x'::int", psycopg.errors.InvalidTextRepresentation),
        ("INSERT INTO py3 VALUES (1, 'again', 0, NULL)", psycopg.errors.UniqueViolation),
        ("INSERT INTO py3 (id) VALUES (2000)", psycopg.errors.NotNullViolation),
        ("SELECT nofunction(1)", psycopg.errors.UndefinedFunction),
    ]:
        try:
            conn.execute(sql)
        except want as e:
            equal(e.diag.severity, "ERROR")
        else:
            raise AssertionError(f"{sql}: no error")
    try:
        conn.execute("SELECT nope FROM py3")
    except psycopg.Error as e:
        equal(e.diag.statement_position, "8")
    equal(conn.execute("SELECT 1").fetchone(), (1,))


def cancel(conn):
    started = threading.Event()

    def run():
        with connect() as other:
            box.append(other)
            started.set()
            try:
                other.execute("SUBSCRIBE py3_names WITH (SNAPSHOT = false)")
            except psycopg.errors.QueryCanceled as e:
                box.append(e.sqlstate)
            equal(other.execute("SELECT 1").fetchone(), (1,))

    box = []
    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    while thread.is_alive():
        box[0].cancel_safe()
        thread.join(0.05)
    equal(box[1:], ["57014"])


def transactions(conn):
    with conn.transaction():
        equal(conn.info.transaction_status.name, "INTRANS")
        conn.execute("INSERT INTO py3 VALUES (3000, 'kept', 0, NULL)")
    equal(conn.execute("SELECT count(*) FROM py3 WHERE id = 3000").fetchone(), (1,))
    try:
        with conn.transaction():
            conn.execute("INSERT INTO py3 VALUES (3001, 'gone', 0, NULL)")
            raise KeyError
    except KeyError:
        pass
    equal(conn.execute("SELECT count(*) FROM py3 WHERE id = 3001").fetchone(), (0,))
    with psycopg.connect(DSN) as other:  # not autocommit: BEGIN before the first statement
        other.execute("SELECT 1")
        try:
            other.execute("SELECT nope")
        except psycopg.errors.UndefinedColumn:
            pass
        try:
            other.execute("SELECT 1")
        except psycopg.errors.InFailedSqlTransaction:
            pass
        else:
            raise AssertionError("a failed transaction goes on")
        other.rollback()
        other.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        other.execute("SELECT 1")
        other.commit()
        other.read_only = True
        equal(other.execute("SHOW transaction_read_only").fetchone(), ("on",))
        other.commit()


def pool(_):
    def reset(conn):
        conn.execute("DISCARD ALL")

    with ConnectionPool(DSN, min_size=2, max_size=2, reset=reset, kwargs={"autocommit": True}) as p:
        for i in range(10):
            with p.connection() as conn:
                conn.execute("SET application_name = 'pooled'")
                equal(conn.execute("SELECT %s::int", (i,), prepare=True).fetchone(), (i,))
        with p.connection() as conn:
            equal(conn.execute("SHOW application_name").fetchone(), ("",))


def notices(conn):
    seen = []
    conn.add_notice_handler(lambda d: seen.append((d.severity, d.message_primary)))
    conn.execute("DROP TABLE IF EXISTS does_not_exist")
    equal(seen, [("NOTICE", 'table "does_not_exist" does not exist, skipping')])


def info(conn):
    equal(conn.info.server_version // 10000, 15)
    equal(conn.info.encoding, "utf-8")
    equal(conn.info.parameter_status("TimeZone"), "UTC")
    cols = conn.execute("SELECT id, name FROM py3").description
    equal([(c.name, c.type_code) for c in cols], [("id", 23), ("name", 25)])
    types = psycopg.types.TypeInfo.fetch(conn, "timestamptz")
    equal((types.oid, types.array_oid), (1184, 1185))


def main():
    c = Checks("psycopg 3")
    conn = connect()
    c.run("DDL, INSERT, UPDATE, DELETE", ddl, conn)
    c.run("executemany and pipelines", executemany, conn)
    c.run("types in text", types, conn, False)
    c.run("types in binary", types, conn, True)
    c.run("prepared statements", prepared, conn)
    c.run("cursors", cursors, conn)
    c.run("SUBSCRIBE", subscribe, conn)
    c.run("COPY", copy_out, conn)
    c.run("errors", errors, conn)
    c.run("cancel", cancel, conn)
    c.run("transactions", transactions, conn)
    c.run("pool", pool, conn)
    c.run("notices", notices, conn)
    c.run("what it knows of the server", info, conn)
    conn.execute("DROP TABLE py3 CASCADE")
    c.finish()


if __name__ == "__main__":
    main()
