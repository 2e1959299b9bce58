"""The rows in PostgreSQL: `up --database`, a server that goes and comes, and the way there from SQLite."""
import json
import os
import subprocess

import pytest

from support.meridian import BINARY, Meridian, until
from support.postgres import PASSWORD, Postgres


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.close()


@pytest.fixture
def database(postgres, fresh):
    name = postgres.new_database()
    fresh.environment["MERIDIAN_DATABASE"] = postgres.url(name)
    return name


def without_database():
    return {k: v for k, v in os.environ.items() if k != "MERIDIAN_DATABASE"}


def test_a_life_on_postgres(fresh, postgres, database):
    fresh.start()
    fresh.add_tiny("answer", "tiny")
    assert fresh.chat()[0] == 200
    key = fresh.json("keys", "create", "--description", "of PostgreSQL")
    assert postgres.sql("select count(*) from api_keys", database) == "2"
    assert not (fresh.data / "control" / "meridian.db").exists()

    second = subprocess.run([BINARY, "up", "--data", str(fresh.data.parent / "second"), "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                            env=os.environ | fresh.environment)
    assert second.returncode == 1 and "Another Meridian works with the database" in second.stderr, second.stderr
    fresh.kill()
    fresh.start()
    until(lambda: fresh.chat()[0] == 200, "the deployment answers after a crash of Meridian")

    postgres.end()
    assert fresh.chat()[0] == 200, "answers need no rows"
    status, _, body = fresh.call("POST", "/iam/v1alpha1/api-keys", {"description": "lost"})
    assert status == 503 and b"atabase" in body and PASSWORD.encode() not in body, body
    postgres.start()
    until(lambda: fresh.call("POST", "/iam/v1alpha1/api-keys", {"description": "after"})[0] in (200, 201), "keys are made again")
    assert postgres.sql("select string_agg(description, ',' order by description) from api_keys where description in ('lost', 'after')", database) == "after"

    made = fresh.cli("backup", str(fresh.data.parent / "backup"))
    assert "PostgreSQL's own means" in made.stdout
    manifest = json.loads((fresh.data.parent / "backup" / "manifest.json").read_text())
    assert manifest["database"].endswith(f"/{database}") and "began_at" in manifest
    fresh.stop()
    assert fresh.json("doctor")[1]["said"] == "ok"
    assert fresh.cli("keys", "create").returncode == 0, "without a running server, too"

    refused = subprocess.run([BINARY, "up", "--data", str(fresh.data), "--listen", "127.0.0.1:0"], capture_output=True, text=True, env=without_database())
    assert refused.returncode == 1 and "--database" in refused.stderr and database in refused.stderr, refused.stderr
    restored = fresh.data.parent / "restored"
    done = subprocess.run([BINARY, "restore", str(fresh.data.parent / "backup"), "--data", str(restored)], capture_output=True, text=True)
    assert done.returncode == 0 and "began_at" in done.stdout, done.stderr
    for text in (refused.stderr, made.stdout, done.stdout, fresh.log_text(), (fresh.data / "control" / "database").read_text(), json.dumps(manifest)):
        assert PASSWORD not in text
    assert key["access_key"] in fresh.start().cli("keys", "list").stdout


def test_rows_move_from_sqlite_once(fresh, postgres):
    other = Meridian(fresh.data.parent / "other")
    for one in (fresh, other):
        one.environment.pop("MERIDIAN_DATABASE", None)
    fresh.start()
    fresh.add_tiny("answer", "tiny")
    key = fresh.json("keys", "create", "--description", "of before")
    secrets = "/secret-manager/v1beta1/regions/fr-par/secrets"
    secret = json.loads(fresh.call("POST", secrets, {"name": "of before"})[2])["id"]
    assert fresh.call("POST", f"{secrets}/{secret}/versions", {"data": "b2YgYmVmb3Jl"})[0] == 200
    fresh.stop()
    database = postgres.new_database()
    moved = fresh.json("migrate", "--to", postgres.url(database))
    rows = {table["name"]: table["rows"] for table in moved["tables"]}
    assert rows["deployments"] == 1 and rows["api_keys"] == 2 and moved["rows"] == sum(rows.values())
    for table, count in rows.items():
        assert postgres.sql(f"select count(*) from {table}", database) == str(count), table
    assert PASSWORD not in json.dumps(moved)

    again = fresh.cli("migrate", "--to", postgres.url(database), check=False)
    assert again.returncode == 1 and "--database" in again.stderr, again.stderr
    wrong = subprocess.run([BINARY, "up", "--data", str(fresh.data), "--listen", "127.0.0.1:0", "--database", postgres.url(postgres.new_database())],
                           capture_output=True, text=True)
    assert wrong.returncode == 1 and "is empty" in wrong.stderr and PASSWORD not in wrong.stderr, wrong.stderr
    other.start()
    other.stop()
    refused = subprocess.run([BINARY, "up", "--data", str(other.data), "--listen", "127.0.0.1:0", "--database", postgres.url(database)], capture_output=True, text=True)
    assert refused.returncode == 1 and "meridian migrate --to" in refused.stderr, refused.stderr

    fresh.arguments = ["--database", postgres.url(database)]
    fresh.start()
    until(lambda: fresh.chat()[0] == 200, "the deployment of before answers")
    assert key["access_key"] in fresh.cli("keys", "list").stdout
    assert fresh.get(f"{secrets}/{secret}/versions/1/access")["data"] == "b2YgYmVmb3Jl", "sealed bytes arrive as they were"


def test_a_url_that_is_none_is_refused_without_repeating_it(fresh):
    for url in ("mysql://a:pa55@b/c", "postgres://a:pa55%zz@b/c"):
        done = subprocess.run([BINARY, "up", "--data", str(fresh.data), "--database", url], capture_output=True, text=True)
        assert done.returncode == 1 and "postgres://user@host:5432/meridian" in done.stderr and "pa55" not in done.stderr, done.stderr
