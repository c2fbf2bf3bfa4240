import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postgresql.PGConnection;
import org.postgresql.util.PGInterval;

/** pgjdbc, and HikariCP on it, against a running server: LAMINAR_HOST, LAMINAR_PORT. */
public final class Drivers {
  private static int passed, failed;

  private interface Check {
    void run() throws Exception;
  }

  private static void check(String name, Check c) {
    try {
      c.run();
      passed++;
      System.out.println("ok    pgjdbc: " + name);
    } catch (Exception | AssertionError e) {
      failed++;
      e.printStackTrace(System.out);
      System.out.println("FAIL  pgjdbc: " + name);
    }
  }

  private static void equal(Object got, Object want) {
    if (!Objects.deepEquals(got, want)) {
      throw new AssertionError("got " + show(got) + ", want " + show(want));
    }
  }

  private static String show(Object v) {
    return v instanceof byte[] b ? Arrays.toString(b) : v instanceof Object[] a ? Arrays.deepToString(a) : String.valueOf(v);
  }

  private static final String URL =
      "jdbc:postgresql://" + System.getenv("LAMINAR_HOST") + ":" + System.getenv("LAMINAR_PORT") + "/laminar";

  private static Connection connect(String... options) throws SQLException {
    Properties p = new Properties();
    p.setProperty("user", "laminar");
    for (int i = 0; i < options.length; i += 2) {
      p.setProperty(options[i], options[i + 1]);
    }
    return DriverManager.getConnection(URL, p);
  }

  /** The rows of a result, columns joined by a bar. */
  private static List<String> rows(ResultSet rs, String... columns) throws SQLException {
    List<String> out = new ArrayList<>();
    try (rs) {
      while (rs.next()) {
        List<String> row = new ArrayList<>();
        for (int i = 1; columns.length == 0 && i <= rs.getMetaData().getColumnCount(); i++) {
          row.add(rs.getString(i));
        }
        for (String c : columns) {
          row.add(rs.getString(c));
        }
        out.add(String.join("|", row));
      }
    }
    return out;
  }

  private static List<String> query(Connection c, String sql) throws SQLException {
    try (Statement st = c.createStatement()) {
      return rows(st.executeQuery(sql));
    }
  }

  private static void execute(Connection c, String sql) throws SQLException {
    try (Statement st = c.createStatement()) {
      st.execute(sql);
    }
  }

  private static String state(Check c) throws Exception {
    try {
      c.run();
    } catch (SQLException e) {
      return e.getSQLState();
    }
    return "no error";
  }

  public static void main(String[] args) throws Exception {
    Connection c = connect();
    check("DDL and changes", () -> changes(c));
    check("types in text", () -> types("disable"));
    check("types in binary", () -> types("extendedCacheEverything"));
    check("batches", () -> batches(c));
    check("prepared statements", () -> prepared(c));
    check("fetch size", () -> fetchSize(c));
    check("SUBSCRIBE", () -> subscribe(c));
    check("COPY", () -> copy(c));
    check("errors", () -> errors(c));
    check("cancel", () -> cancel());
    check("transactions", () -> transactions(c));
    check("savepoints", () -> savepoints());
    check("read only", () -> readOnly());
    check("each query mode", () -> modes());
    check("pool", () -> pool());
    check("metadata: tables", () -> tables(c.getMetaData()));
    check("metadata: columns", () -> columns(c.getMetaData()));
    check("metadata: keys", () -> keys(c.getMetaData()));
    check("metadata: the rest", () -> metadata(c.getMetaData()));
    check("metadata of results", () -> resultMetadata(c));
    execute(c, "DROP TABLE jdbc CASCADE");
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed > 0 ? 1 : 0);
  }

  private static void changes(Connection c) throws SQLException {
    execute(c, "DROP TABLE IF EXISTS jdbc CASCADE");
    execute(c, "CREATE TABLE jdbc (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, price NUMERIC(10, 2), at TIMESTAMPTZ)");
    execute(c, "CREATE MATERIALIZED VIEW jdbc_names AS SELECT name, count(*) AS n FROM jdbc GROUP BY name");
    execute(c, "CREATE SOURCE jdbc_pushed (id BIGINT, note TEXT)");
    execute(c, "CREATE STREAM jdbc_stream AS SELECT id, note FROM jdbc_pushed");
    try (PreparedStatement st = c.prepareStatement("INSERT INTO jdbc VALUES (?, ?, ?, ?)")) {
      st.setInt(1, 0);
      st.setString(2, "zero");
      st.setBigDecimal(3, new BigDecimal("0.50"));
      st.setObject(4, OffsetDateTime.parse("2026-01-05T14:30:00Z"));
      equal(st.executeUpdate(), 1);
    }
    try (PreparedStatement st = c.prepareStatement("UPDATE jdbc SET price = price + ? WHERE id = ?")) {
      st.setBigDecimal(1, BigDecimal.ONE);
      st.setLong(2, 0);
      equal(st.executeUpdate(), 1);
    }
    equal(query(c, "SELECT name, price FROM jdbc"), List.of("zero|1.50"));
  }

  private static void types(String mode) throws SQLException {
    String[] options = mode.equals("disable")
        ? new String[] {"binaryTransfer", "false"}
        : new String[] {"prepareThreshold", "-1", "binaryTransfer", "true"};
    try (Connection c = connect(options)) {
      UUID uuid = UUID.fromString("12345678-1234-5678-1234-567812345678");
      Object[][] values = {
        {"boolean", true}, {"smallint", -32768}, {"integer", Integer.MAX_VALUE}, {"bigint", Long.MIN_VALUE}, {"real", 1.5f},
        {"double precision", 0.1}, {"numeric", new BigDecimal("-12345.6789")}, {"text", "naïve 'quoted' \\ text"},
        {"bytea", new byte[] {0, -1, 39}}, {"uuid", uuid}, {"date", Date.valueOf("2026-02-28")},
      };
      for (Object[] v : values) {
        for (int round = 0; round < 2; round++) {
          try (PreparedStatement st = c.prepareStatement("SELECT ?::" + v[0] + ", NULL::" + v[0])) {
            st.setObject(1, v[1]);
            ResultSet rs = st.executeQuery();
            rs.next();
            equal(rs.getObject(1), v[1]);
            equal(rs.getObject(2), null);
          }
        }
      }
      equal(time(c, "time", LocalTime.parse("23:59:59.999999"), LocalTime.class), true);
      equal(time(c, "date", LocalDate.parse("0001-01-01"), LocalDate.class), true);
      equal(time(c, "timestamp", LocalDateTime.parse("1969-12-31T23:59:59.000001"), LocalDateTime.class), true);
      equal(time(c, "timestamptz", OffsetDateTime.parse("2026-01-05T14:30:00.123456Z"), OffsetDateTime.class), true);
      arrays(c);
    }
  }

  private static <T> boolean time(Connection c, String type, T value, Class<T> as) throws SQLException {
    try (PreparedStatement st = c.prepareStatement("SELECT ?::" + type)) {
      st.setObject(1, value);
      ResultSet rs = st.executeQuery();
      rs.next();
      equal(rs.getObject(1, as), value);
    }
    return true;
  }

  private static void arrays(Connection c) throws SQLException {
    try (PreparedStatement st = c.prepareStatement("SELECT ?::int[], ?::text[], ?::interval, '{\"a\": 1}'::jsonb")) {
      st.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, -3}));
      st.setArray(2, c.createArrayOf("text", new String[] {"a", "b \"c\"", null}));
      st.setObject(3, new PGInterval("3 days 4 hours"));
      ResultSet rs = st.executeQuery();
      rs.next();
      Array ints = rs.getArray(1);
      equal(ints.getArray(), new Integer[] {1, null, -3});
      equal(rs.getArray(2).getArray(), new String[] {"a", "b \"c\"", null});
      equal(((PGInterval) rs.getObject(3)).getDays(), 3);
      equal(rs.getString(4), "{\"a\": 1}");
    }
  }

  private static void batches(Connection c) throws SQLException {
    try (PreparedStatement st = c.prepareStatement("INSERT INTO jdbc VALUES (?, ?, ?, ?)")) {
      for (int i = 1; i < 500; i++) {
        st.setInt(1, i);
        st.setString(2, "name " + i % 7);
        st.setBigDecimal(3, BigDecimal.valueOf(i));
        st.setNull(4, Types.TIMESTAMP_WITH_TIMEZONE);
        st.addBatch();
      }
      equal(Arrays.stream(st.executeBatch()).sum(), 499);
    }
    equal(query(c, "SELECT count(*) FROM jdbc"), List.of("500"));
  }

  private static void prepared(Connection c) throws SQLException {
    try (PreparedStatement st = c.prepareStatement("SELECT name, price FROM jdbc WHERE id = ? AND price >= ?")) {
      for (int i = 1; i < 20; i++) { // a server-side statement, and binary, from the fifth on
        st.setInt(1, i);
        st.setBigDecimal(2, BigDecimal.ZERO);
        ResultSet rs = st.executeQuery();
        equal(rs.next(), true);
        equal(rs.getString(1), "name " + i % 7);
        equal(rs.getBigDecimal("price").intValueExact(), i);
      }
      equal(st.getParameterMetaData().getParameterCount(), 2);
      equal(st.getMetaData().getColumnLabel(2), "price");
    }
  }

  private static void fetchSize(Connection c) throws SQLException {
    c.setAutoCommit(false);
    try (Statement st = c.createStatement()) {
      st.setFetchSize(33);
      ResultSet rs = st.executeQuery("SELECT id FROM jdbc ORDER BY id");
      int n = 0;
      while (rs.next()) {
        equal(rs.getInt(1), n++);
      }
      equal(n, 500);
      st.setMaxRows(7);
      equal(rows(st.executeQuery("SELECT id FROM jdbc")).size(), 7);
    } finally {
      c.commit();
      c.setAutoCommit(true);
    }
  }

  private static void subscribe(Connection c) throws SQLException {
    try (Connection tail = connect()) {
      tail.setAutoCommit(false);
      try (Statement st = tail.createStatement()) {
        st.setFetchSize(1); // a row at a time, as it comes
        ResultSet rs = st.executeQuery("SUBSCRIBE jdbc_names WHERE name = 'zero'");
        equal(rs.next(), true);
        equal(rs.getString("name") + rs.getLong("n"), "zero1");
        execute(c, "INSERT INTO jdbc VALUES (1000, 'zero', 0, NULL)");
        equal(rs.next(), true);
        equal(rs.getInt("laminar_diff") < 0 ? 1L : 2L, rs.getLong("n"));
      }
      tail.rollback();
      execute(tail, "DECLARE tail CURSOR FOR SUBSCRIBE jdbc_names WITH (SNAPSHOT = false)");
      execute(c, "INSERT INTO jdbc VALUES (1001, 'late', 0, NULL)");
      try (Statement st = tail.createStatement()) {
        equal(rows(st.executeQuery("FETCH 1 FROM tail WITH (timeout = '30s')"), "name", "n"), List.of("late|1"));
      }
      tail.rollback();
    }
  }

  private static void copy(Connection c) throws Exception {
    StringWriter out = new StringWriter();
    long n = c.unwrap(PGConnection.class).getCopyAPI()
        .copyOut("COPY (SELECT id, name, at FROM jdbc WHERE id BETWEEN 5 AND 6 ORDER BY id) TO STDOUT", out);
    equal(n, 2L);
    equal(out.toString(), "5\tname 5\t\\N\n6\tname 6\t\\N\n");
  }

  private static void errors(Connection c) throws Exception {
    equal(state(() -> query(c, "SELECT nope FROM jdbc")), "42703");
    equal(state(() -> query(c, "SELECT * FROM nope")), "42P01");
    equal(state(() -> query(c, "SELEC 1")), "42601");
    equal(state(() -> query(c, "SELECT 1/0")), "22012");
    equal(state(() -> execute(c, "INSERT INTO jdbc VALUES (1, 'again', 0, NULL)")), "23505");
    equal(state(() -> execute(c, "INSERT INTO jdbc (id) VALUES (2000)")), "23502");
    try (Statement st = c.createStatement()) {
      st.execute("DROP TABLE IF EXISTS does_not_exist");
      equal(st.getWarnings().getMessage(), "table \"does_not_exist\" does not exist, skipping");
    }
  }

  private static void cancel() throws Exception {
    try (Connection c = connect(); Statement st = c.createStatement()) {
      CompletableFuture<String> running = CompletableFuture.supplyAsync(() -> {
        try {
          return state(() -> st.executeQuery("SUBSCRIBE jdbc_names WITH (SNAPSHOT = false)"));
        } catch (Exception e) {
          return e.toString();
        }
      });
      for (;;) {
        st.cancel();
        try {
          equal(running.get(50, TimeUnit.MILLISECONDS), "57014");
          break;
        } catch (TimeoutException again) {
          continue; // the statement may not have begun
        }
      }
      equal(query(c, "SELECT 1"), List.of("1"));
      st.setQueryTimeout(1);
      equal(state(() -> st.executeQuery("SUBSCRIBE jdbc_names WITH (SNAPSHOT = false)")), "57014");
    }
  }

  private static void transactions(Connection c) throws Exception {
    try (Connection t = connect()) {
      t.setAutoCommit(false);
      execute(t, "INSERT INTO jdbc VALUES (3000, 'gone', 0, NULL)");
      t.rollback();
      execute(t, "INSERT INTO jdbc VALUES (3001, 'kept', 0, NULL)");
      t.commit();
      equal(query(c, "SELECT id FROM jdbc WHERE id >= 3000"), List.of("3001"));
      equal(state(() -> query(t, "SELECT nope")), "42703");
      equal(state(() -> query(t, "SELECT 1")), "25P02");
      t.rollback();
      equal(t.getTransactionIsolation(), Connection.TRANSACTION_READ_COMMITTED);
    }
  }

  private static void savepoints() throws Exception {
    try (Connection t = connect("autosave", "always")) {
      t.setAutoCommit(false);
      execute(t, "INSERT INTO jdbc VALUES (4000, 'kept', 0, NULL)");
      Savepoint here = t.setSavepoint("here");
      execute(t, "INSERT INTO jdbc VALUES (4001, 'gone', 0, NULL)");
      t.rollback(here);
      t.releaseSavepoint(t.setSavepoint());
      equal(state(() -> query(t, "SELECT nope")), "42703");
      execute(t, "INSERT INTO jdbc VALUES (4002, 'kept', 0, NULL)"); // autosave took it back to before the error
      t.commit();
      equal(query(t, "SELECT id FROM jdbc WHERE id >= 4000 ORDER BY id"), List.of("4000", "4002"));
      t.rollback();
    }
  }

  private static void readOnly() throws Exception {
    try (Connection t = connect()) {
      t.setReadOnly(true);
      equal(t.isReadOnly(), true);
      equal(query(t, "SELECT count(*) FROM jdbc WHERE id = 1"), List.of("1"));
      t.setAutoCommit(false);
      equal(state(() -> execute(t, "INSERT INTO jdbc VALUES (5000, 'no', 0, NULL)")), "25006");
      t.rollback();
      t.setReadOnly(false);
      execute(t, "INSERT INTO jdbc VALUES (5001, 'yes', 0, NULL)");
      t.commit();
    }
  }

  private static void modes() throws Exception {
    for (String mode : List.of("simple", "extended", "extendedForPrepared", "extendedCacheEverything")) {
      try (Connection c = connect("preferQueryMode", mode);
          PreparedStatement st = c.prepareStatement("SELECT id, name FROM jdbc WHERE id > ? AND id < ? ORDER BY id")) {
        st.setInt(1, 2);
        st.setInt(2, 5);
        equal(rows(st.executeQuery()), List.of("3|name 3", "4|name 4"));
        equal(query(c, "SELECT 1; "), List.of("1"));
      }
    }
  }

  private static void pool() throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(URL);
    config.setUsername("laminar");
    config.setMaximumPoolSize(3);
    config.setConnectionInitSql("SET application_name = 'pooled'");
    config.setConnectionTestQuery("SELECT 1");
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    try (HikariDataSource pool = new HikariDataSource(config)) {
      for (int i = 0; i < 10; i++) {
        try (Connection c = pool.getConnection()) {
          equal(query(c, "SHOW application_name"), List.of("pooled"));
          equal(c.isValid(5), true);
          c.setAutoCommit(i % 2 == 0);
          c.setReadOnly(i % 3 == 0);
        }
      }
    }
    try (Connection c = connect()) {
      execute(c, "DISCARD ALL");
      c.setClientInfo("ApplicationName", "named");
      equal(c.getSchema(), "public");
      c.setSchema("public");
    }
  }

  private static void tables(DatabaseMetaData m) throws SQLException {
    equal(rows(m.getTables(null, "public", "jdbc%", null), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"), List.of(
        "public|jdbc_pushed|FOREIGN TABLE", "public|jdbc_pkey|INDEX", "public|jdbc_names|MATERIALIZED VIEW", "public|jdbc|TABLE",
        "public|jdbc_stream|VIEW"));
    equal(rows(m.getTables(null, null, "jdbc", new String[] {"TABLE", "VIEW"}), "TABLE_NAME"), List.of("jdbc"));
    equal(rows(m.getSchemas(), "TABLE_SCHEM").contains("public"), true);
    equal(rows(m.getCatalogs(), "TABLE_CAT"), List.of("laminar"));
    equal(rows(m.getTableTypes()).contains("MATERIALIZED VIEW"), true);
  }

  private static void columns(DatabaseMetaData m) throws SQLException {
    equal(rows(m.getColumns(null, "public", "jdbc", null), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "ORDINAL_POSITION"),
        List.of("id|int4|10|0|1", "name|varchar|40|0|2", "price|numeric|10|1|3", "at|timestamptz|35|1|4"));
    equal(rows(m.getColumns(null, null, "jdbc_names", "n%"), "COLUMN_NAME", "TYPE_NAME"), List.of("name|varchar", "n|int8"));
  }

  private static void keys(DatabaseMetaData m) throws SQLException {
    equal(rows(m.getPrimaryKeys(null, null, "jdbc"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"), List.of("id|1|jdbc_pkey"));
    equal(rows(m.getIndexInfo(null, null, "jdbc", false, true), "INDEX_NAME", "COLUMN_NAME", "NON_UNIQUE"), List.of("jdbc_pkey|id|f"));
    equal(rows(m.getImportedKeys(null, null, "jdbc")), List.of());
    equal(rows(m.getExportedKeys(null, null, "jdbc")), List.of());
    equal(rows(m.getBestRowIdentifier(null, null, "jdbc", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"), List.of("id"));
  }

  private static void metadata(DatabaseMetaData m) throws SQLException {
    equal(m.getDatabaseProductName(), "PostgreSQL");
    equal(m.getDatabaseMajorVersion(), 15);
    equal(rows(m.getTypeInfo(), "TYPE_NAME").containsAll(List.of("int8", "text", "timestamptz", "_int4")), true);
    equal(rows(m.getProcedures(null, null, "%")), List.of());
    rows(m.getFunctions(null, null, "%"));
    rows(m.getFunctionColumns(null, null, "%", "%"));
    equal(rows(m.getTablePrivileges(null, null, "jdbc"), "PRIVILEGE").contains("SELECT"), true);
    rows(m.getColumnPrivileges(null, null, "jdbc", "%"));
    equal(rows(m.getUDTs(null, null, "%", null)), List.of());
    equal(rows(m.getVersionColumns(null, null, "jdbc")).size(), 1);
    rows(m.getCrossReference(null, null, "jdbc", null, null, "jdbc"));
    equal(m.getMaxColumnNameLength() > 0, true);
    equal(m.getNumericFunctions() != null, true);
    rows(m.getClientInfoProperties());
  }

  private static void resultMetadata(Connection c) throws SQLException {
    try (Statement st = c.createStatement()) {
      ResultSet rs = st.executeQuery("SELECT id, name, price FROM jdbc LIMIT 1");
      equal(rs.getMetaData().getColumnTypeName(1), "int4");
      equal(rs.getMetaData().getColumnType(3), Types.NUMERIC);
      rs.getMetaData().isNullable(1);
      rs.getMetaData().getTableName(1);
      rs.getMetaData().isAutoIncrement(1);
    }
    equal(new String("é".getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8), query(c, "SELECT 'é'").get(0));
  }
}
