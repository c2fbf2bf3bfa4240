"""psycopg 2 and SQLAlchemy on it against a running server."""

import datetime as dt
import threading
import uuid
from decimal import Decimal

import psycopg2
import psycopg2.errors
import psycopg2.extras
import sqlalchemy as sa
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, POLL_OK
from psycopg2.pool import SimpleConnectionPool

from checks import Checks, equal, server

HOST, PORT = server()
VALUES = {
    "boolean": True,
    "smallint": -32768,
    "bigint": -9223372036854775808,
    "double precision": 0.1,
    "numeric": Decimal("-12345.6789"),
    "text": "naïve 'quoted' \\ text",
    "date": dt.date(2026, 2, 28),
    "time": dt.time(23, 59, 59, 999999),
    "timestamp": dt.datetime(1969, 12, 31, 23, 59, 59, 1),
    "timestamptz": dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.timezone.utc),
    "interval": dt.timedelta(days=3, hours=4, microseconds=7),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "integer[]": [1, None, -3],
    "text[]": ["a", 'b "c"', ""],
}


def connect():
    conn = psycopg2.connect(host=HOST, port=PORT, user="laminar", dbname="laminar")
    conn.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return conn


def run(conn, sql, args=None):
    with conn.cursor() as cur:
        cur.execute(sql, args)
        return cur.fetchall() if cur.description else cur.rowcount


def ddl(conn):
    run(conn, "DROP TABLE IF EXISTS py2 CASCADE")
    run(conn, "CREATE TABLE py2 (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, price NUMERIC(10, 2), at TIMESTAMPTZ)")
    run(conn, "CREATE MATERIALIZED VIEW py2_names AS SELECT name, count(*) AS n FROM py2 GROUP BY name")
    with conn.cursor() as cur:
        rows = [(i, f"name {i % 7}", Decimal(i) / 4, None) for i in range(300)]
        psycopg2.extras.execute_values(cur, "INSERT INTO py2 VALUES %s", rows)
    equal(run(conn, "SELECT count(*), sum(price) FROM py2"), [(300, sum(r[2] for r in rows))])
    equal(run(conn, "UPDATE py2 SET price = %s WHERE id < %s", (1, 3)), 3)


def types(conn):
    psycopg2.extras.register_uuid(conn_or_curs=conn)
    for name, value in VALUES.items():
        equal((name, run(conn, f"SELECT CAST(%s AS {name}), NULL::{name}", (value,))), (name, [(value, None)]))
    equal(bytes(run(conn, "SELECT %s", (psycopg2.Binary(b"\x00\xff'"),))[0][0]), b"\x00\xff'")
    equal(run(conn, "SELECT %s::jsonb", (psycopg2.extras.Json({"a": [1]}),)), [({"a": [1]},)])


def cursors(conn):
    other = psycopg2.connect(host=HOST, port=PORT, user="laminar", dbname="laminar")
    with other, other.cursor(name="big") as cur:
        cur.itersize = 50
        cur.execute("SELECT id FROM py2 ORDER BY id")
        equal(sum(1 for _ in cur), 300)
    other.close()
    with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
        cur.execute("SELECT 1 AS a, 'x' AS b")
        equal(dict(cur.fetchone()), {"a": 1, "b": "x"})


def subscribe(conn):
    run(conn, "DECLARE tail CURSOR FOR SUBSCRIBE py2_names WITH (SNAPSHOT = false)")
    run(conn, "INSERT INTO py2 VALUES (1000, 'late', 0, NULL)")
    equal([r[1:] for r in run(conn, "FETCH 1 FROM tail WITH (timeout = '30s')")], [(1, "late", 1)])
    run(conn, "CLOSE tail")


def copy_out(conn):
    class Sink:
        text = b""

        def write(self, chunk):
            self.text += chunk

    sink = Sink()
    with conn.cursor() as cur:
        cur.copy_expert("COPY (SELECT id, name, at FROM py2 WHERE id = 5) TO STDOUT", sink)
        equal(sink.text, b"5\tname 5\t\\N\n")
        cur.copy_to(sink, "py2", columns=("id", "name"))
    equal(sink.text.count(b"\n"), 302)


def errors(conn):
    for sql, want in [
        ("SELECT nope FROM py2", psycopg2.errors.UndefinedColumn),
        ("SELECT 1/0", psycopg2.errors.DivisionByZero),
        ("INSERT INTO py2 VALUES (1, 'again', 0, NULL)", psycopg2.errors.UniqueViolation),
    ]:
        try:
            run(conn, sql)
        except want as e:
            equal(e.pgcode, want.sqlstate if hasattr(want, "sqlstate") else e.pgcode)
        else:
            raise AssertionError(f"{sql}: no error")
    run(conn, "DROP TABLE IF EXISTS does_not_exist")
    equal(conn.notices[-1:], ['NOTICE:  table "does_not_exist" does not exist, skipping\n'])


def cancel(_):
    other, box = connect(), []

    def tail():
        try:
            run(other, "SUBSCRIBE py2_names WITH (SNAPSHOT = false)")
        except psycopg2.errors.QueryCanceled as e:
            box.append(e.pgcode)

    thread = threading.Thread(target=tail)
    thread.start()
    while thread.is_alive():
        other.cancel()
        thread.join(0.05)
    equal(box, ["57014"])
    equal(run(other, "SELECT 1"), [(1,)])
    other.close()


def transactions(conn):
    other = psycopg2.connect(host=HOST, port=PORT, user="laminar", dbname="laminar")
    with other:
        run(other, "INSERT INTO py2 VALUES (3000, 'kept', 0, NULL)")
    try:
        with other:
            run(other, "INSERT INTO py2 VALUES (3001, 'gone', 0, NULL)")
            raise KeyError
    except KeyError:
        pass
    equal(run(conn, "SELECT id FROM py2 WHERE id >= 3000"), [(3000,)])
    other.rollback()
    other.set_session(isolation_level="READ COMMITTED", readonly=True)
    equal(run(other, "SHOW transaction_read_only"), [("on",)])
    other.rollback()
    other.close()


def pool(_):
    p = SimpleConnectionPool(1, 2, host=HOST, port=PORT, user="laminar", dbname="laminar")
    for _ in range(5):
        conn = p.getconn()
        equal(run(conn, "SELECT 1"), [(1,)])
        p.putconn(conn)  # rolls back
    conn = p.getconn()
    conn.reset()
    p.putconn(conn)
    p.closeall()


def asynchronous(_):
    conn = psycopg2.connect(host=HOST, port=PORT, user="laminar", dbname="laminar", async_=True)
    psycopg2.extras.wait_select(conn)
    cur = conn.cursor()
    cur.execute("SELECT 42")
    psycopg2.extras.wait_select(conn)
    equal((cur.fetchone(), conn.poll()), ((42,), POLL_OK))
    conn.close()


def alchemy(engine):
    meta = sa.MetaData()
    table = sa.Table(
        "alchemy", meta,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("name", sa.String(20), nullable=False),
        sa.Column("price", sa.Float), sa.Column("at", sa.DateTime(timezone=True)),
    )
    at = dt.datetime(2026, 1, 5, tzinfo=dt.timezone.utc)
    meta.drop_all(engine)
    meta.create_all(engine)
    with engine.begin() as conn:
        conn.execute(table.insert(), [{"id": i, "name": f"n{i}", "price": i / 2, "at": at} for i in range(10)])
    with engine.begin() as conn:
        got = conn.execute(sa.select(table.c.name, table.c.at).where(table.c.id == 3)).one()
        equal(tuple(got), ("n3", at))
        equal(conn.execute(table.update().where(table.c.id > 7).values(price=0)).rowcount, 2)
    with engine.begin() as conn:
        equal(conn.execute(table.delete().where(table.c.id == 0)).rowcount, 1)
    with engine.connect() as conn:
        equal(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar(), 9)


def reflection(engine):
    seen = sa.inspect(engine)
    for name in ("alchemy", "py2"):
        if name not in seen.get_table_names():
            raise AssertionError(f"{name} is not in {seen.get_table_names()}")
    equal("py2_names" in seen.get_materialized_view_names(), True)
    equal([c["name"] for c in seen.get_columns("alchemy")], ["id", "name", "price", "at"])
    equal([str(c["type"]) for c in seen.get_columns("py2")], ["INTEGER", "VARCHAR(20)", "NUMERIC(10, 2)", "TIMESTAMP"])
    equal(seen.get_pk_constraint("alchemy")["constrained_columns"], ["id"])
    equal((seen.get_foreign_keys("alchemy"), seen.get_indexes("alchemy"), seen.get_unique_constraints("alchemy")), ([], [], []))
    equal(seen.get_check_constraints("alchemy"), [])
    equal(seen.has_table("alchemy") and not seen.has_table("nothing"), True)
    again = sa.Table("alchemy", sa.MetaData(), autoload_with=engine)
    equal([c.name for c in again.primary_key], ["id"])
    equal("py2_names" in sa.inspect(engine).get_materialized_view_names() and bool(seen.get_view_definition("py2_names")), True)


def main():
    c = Checks("psycopg 2")
    conn = connect()
    c.run("DDL, INSERT, UPDATE", ddl, conn)
    for name, check in [
        ("types", types), ("cursors", cursors), ("SUBSCRIBE", subscribe), ("COPY", copy_out), ("errors", errors),
        ("cancel", cancel), ("transactions", transactions), ("pool", pool), ("asynchronous", asynchronous),
    ]:
        c.run(name, check, conn)
    for driver in ("psycopg2", "psycopg"):
        engine = sa.create_engine(f"postgresql+{driver}://laminar@{HOST}:{PORT}/laminar")
        c.run(f"SQLAlchemy over {driver}", alchemy, engine)
        c.run(f"SQLAlchemy over {driver}: reflection", reflection, engine)
        engine.dispose()
    for sql in ("DROP TABLE py2 CASCADE", "DROP TABLE IF EXISTS alchemy"):
        run(conn, sql)
    c.finish()


if __name__ == "__main__":
    main()
