#!/usr/bin/env python3
"""The control plane with a million rows of each kind, on SQLite and on a PostgreSQL of its own: start, lists, requests a second, revoking; and one
decision of the authorizer with 10,000 policies.

    bench/control/run.py [--rows 1000000] [--small 1000] [--only sqlite,postgres]

Leaves build/bench/control.json for report.py. Fills the database by SQL in one transaction, as nobody waits for a million calls.
"""
import argparse
import contextlib
import hashlib
import json
import pathlib
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "tests")]
import host  # noqa: E402

MIGRATION = host.ROOT / "src" / "store" / "migrations" / "control" / "0025_counted_rows_and_repeats.sql"
POLICIES = 10_000
STARTS, ASKS, CLIENTS, SECONDS, REVOKES, WARM = 5, 100, 16, 3, 50, 2_000


def secret(number):
    return str(uuid.UUID(int=number + (4 << 76) + (8 << 60)))


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.meridian, self.file = host.Meridian(folder / "sqlite", "--loops", "1"), folder / "sqlite" / "control" / "meridian.db"

    def fill(self, tables, counts):
        # Closed at the end, so that its log is written back, as a Meridian does that stops.
        with contextlib.closing(sqlite3.connect(self.file)) as database, database:
            for table, columns, rows in tables:
                database.executemany(f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})", rows)
            for statement in counts:
                database.execute(statement)

    def revoke_elsewhere(self, access_key):
        return None  # one process has the file

    def close(self):
        self.meridian.stop()


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder):
        from support import postgres  # asks for what only this needs
        self.psql_program = str(postgres.BINARIES / "psql")
        self.server = postgres.Postgres()
        self.base = self.server.new_database()
        self.meridian = host.Meridian(folder / "postgres", "--loops", "1", "--database", self.server.url(self.base))

    def psql(self, text):
        subprocess.run([self.psql_program, "-X", "-q", "-v", "ON_ERROR_STOP=1", self.server.url(self.base)], input=text, text=True,
                       check=True, stdout=subprocess.DEVNULL)

    def fill(self, tables, counts):
        psql = subprocess.Popen([self.psql_program, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", self.server.url(self.base)],
                                stdin=subprocess.PIPE, text=True)
        for table, columns, rows in tables:
            psql.stdin.write(f"copy {table} ({', '.join(columns)}) from stdin;\n")
            psql.stdin.writelines("\t".join("\\N" if v is None else str(v) for v in row) + "\n" for row in rows)
            psql.stdin.write("\\.\n")
        psql.stdin.writelines(statement + ";\n" for statement in counts)
        psql.stdin.close()
        if psql.wait() != 0:
            raise RuntimeError("psql failed")
        self.psql("vacuum analyze;")

    def revoke_elsewhere(self, access_key):
        """As another process commits it: the row, the line of the change feed, the notification."""
        self.psql(f"begin; delete from api_keys where access_key = '{access_key}'; "
                  "insert into revisions select max(revision) + 1, 0 from revisions; "
                  f"insert into changes select max(revision), 'api_keys', '{access_key}' from revisions; "
                  "select pg_notify('meridian_revisions', max(revision)::text) from revisions; commit;")
        return time.monotonic()

    def close(self):
        self.meridian.stop()
        self.server.close()


def tables_with(rows, facts):
    """Projects, users and keys, `rows` of each, and 10,000 applications with a policy and a key."""
    org, project, now = facts["organization_id"], facts["project_id"], int(time.time() * 1e6)
    some = min(POLICIES, rows)

    def ident(kind, i):
        return f"{i:08x}-{kind:04x}-4000-8000-000000000000"

    def digest(number):
        return hashlib.sha256(secret(number).encode()).hexdigest()

    times = ["created_at", "updated_at"]
    yield "projects", ["id", "organization_id", "name", "description", *times], ((ident(1, i), org, f"project {i}", "", now + i, now + i) for i in range(rows))
    yield "principals", ["id", "organization_id", "kind", "name", *times], ((ident(2, i), org, "user", f"user{i}", now + i, now + i) for i in range(rows))
    yield "principals", ["id", "organization_id", "kind", "name", *times], ((ident(3, i), org, "application", f"app {i}", now + i, now + i) for i in range(some))
    yield ("users", ["id", "organization_id", "type", "status", "email", "username", *times],
           ((ident(2, i), org, "member", "activated", f"u{i}@example.org", f"user{i}", now + i, now + i) for i in range(rows)))
    yield "applications", ["id", "organization_id", "name", *times], ((ident(3, i), org, f"app {i}", now + i, now + i) for i in range(some))
    keys = ["access_key", "secret_hash", "organization_id", "default_project_id", "principal_id", "role", *times]
    yield "api_keys", keys, ((f"SCW{i:017d}", digest(i), org, project, ident(2, i), "admin", now + i, now + i) for i in range(rows))
    yield ("api_keys", keys, ((f"SCWAPP{i:014d}", digest(rows + i), org, project, ident(3, i), "admin", now + rows + i, now + rows + i) for i in range(some)))
    yield ("policies", ["id", "organization_id", "name", "principal_id", *times],
           ((ident(4, i), org, f"policy {i}", ident(3, i), now + i, now + i) for i in range(some)))
    yield ("policy_rules", ["id", "policy_id", "place", "permission_sets", "projects"],
           ((ident(5, i), ident(4, i), 0, '["InferenceFullAccess","IAMReadOnly"]', None) for i in range(some)))


def counts():
    text = "\n".join(line for line in MIGRATION.read_text().splitlines() if not line.startswith("--"))
    return ["delete from row_counts", *(one.strip() for one in text.split(";") if one.strip().startswith("insert into row_counts"))]


class Asker:
    """One kept connection, as little of a client as there can be."""

    def __init__(self, meridian, with_secret=None):
        self.socket = socket.create_connection(("127.0.0.1", meridian.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.secret, self.buffer = with_secret or meridian.secret, b""

    def send(self, method, path, with_secret=None):
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: m\r\nX-Auth-Token: {with_secret or self.secret}\r\nContent-Length: 0\r\n\r\n".encode())

    def receive(self):
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(1 << 16)
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(rest) < length:
            rest += self.socket.recv(1 << 16)
        self.buffer = rest[length:]
        return int(head.split(b" ", 2)[1]), rest[:length]

    def ask(self, method, path, with_secret=None):
        self.send(method, path, with_secret)
        return self.receive()


def starts(meridian):
    ready, answer = [], []
    for _ in range(STARTS):
        meridian.stop()
        began = time.monotonic()
        ready.append(meridian.start(120))
        status, _ = Asker(meridian, secret(7)).ask("GET", "/iam/v1alpha1/api-keys/SCW00000000000000007")
        assert status in (200, 403), status
        answer.append(time.monotonic() - began)
    return {"ready_ms": 1e3 * statistics.median(ready), "first_answer_ms": 1e3 * statistics.median(answer), "rss_mb": host.rss_mb([meridian.process.pid])}


def lists_of(rows):
    """What is asked, and how many there should be."""
    projects, users, keys = "/account/v3/projects", "/iam/v1alpha1/users", "/iam/v1alpha1/api-keys"
    some = min(POLICIES, rows)
    yield "projects, first page", projects, rows + 1
    yield "projects, newest first", projects + "?order_by=created_at_desc", rows + 1
    yield "projects, by name", projects + "?order_by=name_asc", rows + 1
    yield "users, first page", users, rows + 1
    yield "users, members", users + "?type=member", rows
    yield "keys, first page", keys, rows + some + 1
    yield "keys, of users", keys + "?bearer_type=user", rows + 1
    yield "keys, of one user", keys + "?user_id=00000007-0002-4000-8000-000000000000", 1
    yield "policies, first page", "/iam/v1alpha1/policies", some
    for at in (10_000, 100_000, rows // 2, rows):
        if at <= rows:
            yield f"projects, after {at:,}", f"{projects}?page_size=50&page={at // 50}", rows + 1


def lists(meridian, rows):
    asker, found = Asker(meridian), {}
    for what, path, total in lists_of(rows):
        took = []
        for _ in range(ASKS if "after" not in what else 10):
            began = time.perf_counter()
            status, body = asker.ask("GET", path)
            took.append(1e3 * (time.perf_counter() - began))
        answer = json.loads(body)
        assert status == 200 and answer["total_count"] == total, (what, status, answer.get("total_count"), total)
        found[what] = {"ms": statistics.median(took), "p99_ms": sorted(took)[int(0.99 * (len(took) - 1))]}
    return found


def rates(meridian, rows):
    """Requests that one loop answers in a second of CPU time, by one client process with several connections."""
    found = {}
    for what, path in (("a project", f"/account/v3/projects/{0:08x}-0001-4000-8000-000000000000"), ("first page of 50 projects", "/account/v3/projects"),
                       ("one key, each time another caller", None)):
        askers, answered = [Asker(meridian) for _ in range(CLIENTS)], 0

        def send(asker, number):
            if path:
                return asker.send("GET", path)
            one = number % min(rows, WARM)
            asker.send("GET", f"/iam/v1alpha1/api-keys/SCW{one:017d}", secret(one))

        for number in range(min(rows, WARM) if not path else 0):  # a key is read when it is first sent
            askers[0].ask("GET", f"/iam/v1alpha1/api-keys/SCW{number:017d}", secret(number))
        before, began = host.cpu_us([meridian.process.pid]), time.monotonic()
        for number, asker in enumerate(askers):
            send(asker, number)
        while time.monotonic() < began + SECONDS:
            for asker in askers:
                status, _ = asker.receive()
                assert status == 200, status
                answered += 1
                send(asker, answered)
        for asker in askers:
            asker.receive()
        length = time.monotonic() - began
        used = host.cpu_us([meridian.process.pid]) - before
        found[what] = {"per_second": answered / length, "per_core": 1e6 * answered / used}
    return found


def revoking(base, rows):
    """From the order to delete a key until it is refused, with WARM other keys in use."""
    meridian = base.meridian
    asker, other = Asker(meridian), Asker(meridian)
    for number in range(min(WARM, rows)):
        other.ask("GET", "/iam/v1alpha1/organizations/x", secret(number))
    here, elsewhere = [], []
    for number in range(rows - REVOKES, rows):
        key, path = f"SCW{number:017d}", "/iam/v1alpha1/quota"
        assert other.ask("GET", path, secret(number))[0] in (200, 403)
        began = time.monotonic()
        assert asker.ask("DELETE", f"/iam/v1alpha1/api-keys/{key}")[0] == 204
        while other.ask("GET", path, secret(number))[0] != 401:
            pass
        here.append(1e3 * (time.monotonic() - began))
    for number in range(rows - 2 * REVOKES, rows - REVOKES):
        assert other.ask("GET", path, secret(number))[0] in (200, 403)
        committed = base.revoke_elsewhere(f"SCW{number:017d}")
        if committed is None:
            break
        while other.ask("GET", path, secret(number))[0] != 401:
            pass
        elsewhere.append(1e3 * (time.monotonic() - committed))
    made = {"here_ms": statistics.median(here), "here_most_ms": max(here)}
    if elsewhere:
        made |= {"elsewhere_ms": statistics.median(elsewhere), "elsewhere_most_ms": max(elsewhere)}
    return made


def measured(kind, rows):
    with host.scratch() as folder:
        base = kind(folder)
        try:
            base.meridian.start()
            facts = base.meridian.facts
            base.meridian.stop()
            host.say(f"{kind.name}: filling {rows:,} rows of each kind")
            base.fill(tables_with(rows, facts), counts())
            made = {"start": starts(base.meridian)}
            host.say(f"{kind.name}: lists")
            made["lists"] = lists(base.meridian, rows)
            host.say(f"{kind.name}: rates and revoking")
            made["rates"] = rates(base.meridian, rows)
            made["revoking"] = revoking(base, rows)
            return made
        finally:
            base.close()


def decision():
    """Microseconds, from the benchmark beside the authorizer."""
    done = subprocess.run([host.ROOT / "build" / "release" / "bin" / "identity_bench", "--benchmark_filter=decide", "--benchmark_format=json"],
                          stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)["benchmarks"][0]
    return {name: found[name] for name in ("p50_us", "p99_us", "p999_us")}


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--small", type=int, default=1_000, help="rows of the database that it is compared with")
    words.add_argument("--only", default="sqlite,postgres")
    asked = words.parse_args()
    about, found = host.Circumstances(f"bench/control/run.py --rows {asked.rows} --small {asked.small}"), {}
    decided = decision()
    for name, kind in (("sqlite", Sqlite), ("postgres", Postgres)):
        if name in asked.only.split(","):
            found[name] = {"name": kind.name, "small": measured(kind, asked.small), "large": measured(kind, asked.rows)}
            host.write_result("control", {"about": about.facts(), "rows": asked.rows, "few": asked.small, "decision": decided, "found": found})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
