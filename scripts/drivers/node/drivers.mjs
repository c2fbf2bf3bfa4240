// node-postgres against a running server: LAMINAR_HOST, LAMINAR_PORT.
import assert from 'node:assert/strict';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

const options = {host: process.env.LAMINAR_HOST, port: Number(process.env.LAMINAR_PORT), user: 'laminar', database: 'laminar'};
let passed = 0, failed = 0;

async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok    node-postgres: ${name}`);
  } catch (e) {
    failed++;
    console.log(e);
    console.log(`FAIL  node-postgres: ${name}`);
  }
}

async function connect(more) {
  const c = new pg.Client({...options, ...more});
  await c.connect();
  return c;
}

const client = await connect();
const rows = async (sql, values) => (await client.query(sql, values)).rows;

await check('DDL and changes', async () => {
  await client.query('DROP TABLE IF EXISTS node CASCADE');
  await client.query('CREATE TABLE node (id INT PRIMARY KEY, name TEXT NOT NULL, price DOUBLE PRECISION, at TIMESTAMPTZ)');
  await client.query('CREATE MATERIALIZED VIEW node_names AS SELECT name, count(*) AS n FROM node GROUP BY name');
  const r = await client.query('INSERT INTO node VALUES ($1, $2, $3, $4)', [0, 'zero', 0.5, new Date(0)]);
  assert.deepEqual([r.command, r.rowCount], ['INSERT', 1]);
  for (let i = 1; i < 100; i++) {
    await client.query('INSERT INTO node VALUES ($1, $2, $3, $4)', [i, `name ${i % 7}`, i / 2, null]);
  }
  assert.equal((await client.query('UPDATE node SET price = $1 WHERE id < $2', [9, 3])).rowCount, 3);
  assert.deepEqual(await rows('SELECT * FROM node WHERE id = $1', [0]), [{id: 0, name: 'zero', price: 9, at: new Date(0)}]);
});

await check('types', async () => {
  for (const [type, value] of [
    ['boolean', true], ['smallint', -32768], ['integer', 2147483647], ['bigint', '-9223372036854775808'], ['real', 1.5],
    ['double precision', 0.1], ['numeric', '-12345.6789'], ['text', 'naïve \'"\\'], ['bytea', Buffer.from([0, 255])],
    ['timestamptz', new Date('2026-01-05T14:30:00Z')], ['uuid', '12345678-1234-5678-1234-567812345678'],
    ['jsonb', {a: [1, null]}], ['int[]', [1, null, -3]], ['text[]', ['a', 'b "c"', null]], ['time', '23:59:59.999999'],
  ]) {
    assert.deepEqual(await rows(`SELECT $1::${type} AS v, NULL::${type} AS n`, [value]), [{v: value, n: null}], type);
  }
});

await check('types in binary', async () => {
  // The driver reads binary values as UTF-8, so that only bytes below 128 come through.
  const binary = await connect({binary: true});
  const got = await binary.query("SELECT $1::int AS i, $2::text AS t, $3::boolean AS b, 1.5::float8 AS f", [77, 'text', true]);
  assert.deepEqual([got.rows[0].i, got.rows[0].t, got.rows[0].b], [77, 'text', true]);
  assert.equal(got.fields[3].format, 'binary');
  await binary.end();
});

await check('named statements', async () => {
  for (let i = 0; i < 5; i++) {
    const r = await client.query({name: 'by id', text: 'SELECT name FROM node WHERE id = $1', values: [i]});
    assert.equal(r.rows.length, 1);
  }
  assert.deepEqual((await client.query({text: 'SELECT 1, 2', rowMode: 'array'})).rows, [[1, 2]]);
  const several = await client.query('SELECT 1 AS a; SELECT 2 AS b');
  assert.deepEqual(several.map((r) => r.rows), [[{a: 1}], [{b: 2}]]);
});

await check('cursors and streams', async () => {
  const cursor = client.query(new Cursor('SELECT id FROM node ORDER BY id'));
  assert.equal((await cursor.read(30)).length, 30);
  assert.equal((await cursor.read(100)).length, 70);
  await cursor.close();
  let n = 0;
  for await (const _ of client.query(new QueryStream('SELECT id FROM node', [], {batchSize: 16}))) {
    n++;
  }
  assert.equal(n, 100);
});

await check('SUBSCRIBE', async () => {
  const tail = await connect();
  const stream = tail.query(new QueryStream("SUBSCRIBE (SELECT name, n FROM node_names WHERE name = 'late')", [], {batchSize: 1}));
  const first = stream[Symbol.asyncIterator]().next();
  await client.query("INSERT INTO node VALUES (1000, 'late', 0, NULL)");
  const {value} = await first;
  assert.deepEqual([value.laminar_diff, value.name, value.n], ['1', 'late', '1']);
  stream.destroy();
  await tail.end();
});

await check('errors', async () => {
  for (const [sql, code] of [
    ['SELECT nope FROM node', '42703'], ['SELECT * FROM nope', '42P01'], ['SELEC 1', '42601'], ['SELECT 1/0', '22012'],
    ["INSERT INTO node VALUES (1, 'again', 0, NULL)", '23505'],
  ]) {
    await assert.rejects(client.query(sql), (e) => e.code === code && e.severity === 'ERROR', sql);
    await assert.rejects(client.query(sql + ' '.repeat(3), []), {code}, sql);
  }
  await assert.rejects(client.query('SELECT nope FROM node'), {position: '8'});
});

await check('cancel', async () => {
  const tail = await connect();
  const running = tail.query('SUBSCRIBE node_names WITH (SNAPSHOT = false)');
  const ended = assert.rejects(running, {code: '57014'}).then(() => true);
  for (;;) {
    const other = new pg.Client(options);
    other.connection.on('connect', () => other.connection.cancel(tail.processID, tail.secretKey));
    other.connection.connect(options.port, options.host);
    if (await Promise.race([ended, new Promise((r) => setTimeout(r, 50))])) {
      break;
    }
  }
  await tail.query('SELECT 1');
  await tail.end();
});

await check('transactions', async () => {
  await client.query('BEGIN');
  await client.query("INSERT INTO node VALUES (3000, 'gone', 0, NULL)");
  await client.query('ROLLBACK');
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
  await client.query("INSERT INTO node VALUES (3001, 'kept', 0, NULL)");
  await client.query('COMMIT');
  assert.deepEqual(await rows('SELECT id FROM node WHERE id >= 3000'), [{id: 3001}]);
  await client.query('BEGIN');
  await assert.rejects(client.query('SELECT nope'));
  await assert.rejects(client.query('SELECT 1'), {code: '25P02'});
  await client.query('ROLLBACK');
});

await check('pool', async () => {
  const pool = new pg.Pool({...options, max: 3, statement_timeout: 30000, application_name: 'node'});
  const got = await Promise.all([...Array(20).keys()].map((i) => pool.query('SELECT $1::int AS i', [i])));
  assert.deepEqual(got.map((r) => r.rows[0].i), [...Array(20).keys()]);
  const c = await pool.connect();
  await c.query('DISCARD ALL');
  c.release();
  await pool.end();
});

await client.query('DROP TABLE node CASCADE');
await client.end();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
