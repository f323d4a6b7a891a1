"""Open, edit, diagnostics, hover, action, resolve, apply, files on disk, files on a real server; for several editors."""

import copy
import re

import psycopg
import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import client_capabilities, make_test_lsp_client

from conftest import server_path
from editor import Editor

INIT = """\
CREATE TABLE carriers (
    id bigint PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE shipments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier_id bigint NOT NULL REFERENCES carriers (id),
    co2_kg numeric(10,2),
    note text -- caf\u00e9 \U0001f69a
);
"""


def editors() -> dict[str, types.ClientCapabilities]:
    """What editors announce, and some that can do less than any real one."""
    res = {name: client_capabilities(name) for name in ("visual-studio-code", "neovim", "emacs")}
    for encoding in (types.PositionEncodingKind.Utf8, types.PositionEncodingKind.Utf32):
        wide = copy.deepcopy(res["neovim"])
        wide.general = wide.general or types.GeneralClientCapabilities()
        wide.general.position_encodings = [encoding, types.PositionEncodingKind.Utf16]
        res[f"neovim-{encoding.value}"] = wide
    no_resolve = copy.deepcopy(res["visual-studio-code"])
    no_resolve.text_document.code_action.resolve_support = None
    res["no-resolve"] = no_resolve
    literal = types.ClientCodeActionLiteralOptions(
        code_action_kind=types.ClientCodeActionKindOptions(value_set=[types.CodeActionKind.QuickFix])
    )
    actions = types.CodeActionClientCapabilities(code_action_literal_support=literal)
    res["bare"] = types.ClientCapabilities(text_document=types.TextDocumentClientCapabilities(code_action=actions))
    return res


EDITORS = editors()


@pytest_asyncio.fixture
async def start():
    clients = []

    async def start(root, capabilities: types.ClientCapabilities) -> Editor:
        client = make_test_lsp_client()
        clients.append(client)
        await client.start_io(str(server_path()), "lsp")
        folder = types.WorkspaceFolder(uri=root.as_uri(), name="w")
        params = types.InitializeParams(capabilities=capabilities, workspace_folders=[folder], root_uri=root.as_uri())
        answer = await client.initialize_session(params)
        return Editor(client, root, str(getattr(answer.capabilities.position_encoding, "value", "utf-16")))

    yield start
    for client in clients:
        await client.shutdown_session()
        await client.stop()


@pytest.fixture
def flyway(tmp_path):
    root = tmp_path.resolve()
    (root / "db/migration").mkdir(parents=True)
    (root / "db/migration/V7__init.sql").write_text(INIT)
    (root / "schema.sql").write_text(INIT)
    return root


def statements(text: str) -> list[str]:
    """Cuts our own files: comments to the line's end, dollar quotes, quotes."""
    token = re.compile(r"--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|\"[^\"]*\"|;|[^-$'\";]+|.", re.S)
    res, now = [], ""
    for match in token.finditer(text):
        if match[0] == ";":
            res.append(now.strip())
            now = ""
        elif not match[0].startswith("--"):
            now += match[0]
    return [it for it in [*res, now.strip()] if it]


def run(connection: psycopg.Connection, root, name: str) -> None:
    """As Flyway does: in one transaction, unless the configuration beside the file says otherwise."""
    text = (root / name).read_text()
    config = root / f"{name}.conf"
    alone = config.exists() and "executeInTransaction=false" in config.read_text()
    if alone:
        for statement in statements(text):
            connection.execute(statement)
    else:
        with connection.transaction():
            connection.execute(text)


def migrations(names: list[str]) -> list[str]:
    return [it for it in names if re.fullmatch(r"db/migration/V[\d._]+__\w+\.sql", it)]


@pytest.mark.parametrize("editor", EDITORS)
async def test_an_edit_becomes_files_that_a_server_runs(editor, start, flyway, postgres):
    ed = await start(flyway, EDITORS[editor])
    ed.open("schema.sql")
    assert await ed.diagnostics("schema.sql") == []
    ed.change("schema.sql", "co2_kg numeric(10,2)", "co2_kg numeric(10,2) NOT NULL DEFAULT 0")
    shown = await ed.diagnostics("schema.sql", {"set_not_null"})
    assert {it.source for it in shown} == {"lockkeeper"}
    assert all(it.range.start.line == 7 for it in shown), shown

    assert "referenced by `shipments`" in await ed.hover("schema.sql", "carriers (\n    id")

    connection = postgres()
    run(connection, flyway, "db/migration/V7__init.sql")
    connection.execute("INSERT INTO carriers VALUES (1, 'a')")
    connection.execute("INSERT INTO shipments (carrier_id, co2_kg) VALUES (1, NULL), (1, 2.5)")

    new = await ed.choose("schema.sql", "co2_kg", "Plan (all \\d+|the) pending changes? as phased migration")
    document = [it for it in new if it.endswith(".plan.md")]
    assert len(document) == 1, new
    files = migrations(new)
    assert files and all(it.startswith("db/migration/V8") for it in files), new
    for name in files:
        run(connection, flyway, name)
    for _ in range(4):
        ed.open(document[0])
        offered = [it.title for it in await ed.actions(document[0], "#")]
        titles = [it for it in offered if it.startswith("Advance plan")]
        if not titles:
            break
        for name in migrations(await ed.choose(document[0], "#", re.escape(titles[0]))):
            run(connection, flyway, name)
    row = connection.execute(
        "SELECT is_nullable, column_default FROM information_schema.columns WHERE column_name = 'co2_kg'"
    ).fetchone()
    assert row == ("NO", "0")
    assert connection.execute("SELECT count(*), sum(co2_kg) FROM shipments").fetchone() == (2, 2.5)
    # Nothing is pending any more.
    assert await ed.diagnostics("schema.sql") == []


async def test_a_rename_is_asked_for_and_written_down(start, flyway):
    ed = await start(flyway, EDITORS["visual-studio-code"])
    ed.open("schema.sql")
    ed.change("schema.sql", "co2_kg", "carbon_kg")
    await ed.diagnostics("schema.sql", {"question", "rename_column"})
    new = await ed.choose("schema.sql", "carbon_kg", "Treat as rename.*")
    assert new == []
    assert "    -- @renamed from=co2_kg\n    carbon_kg" in ed.text("schema.sql")
    await ed.until(
        lambda: {str(it.code) for it in ed.client.diagnostics[ed.uri("schema.sql")]} == {"rename_column"} or None,
        lambda: str(ed.client.diagnostics),
    )


async def test_an_unsafe_statement_is_rewritten(start, flyway, postgres):
    (flyway / "db/migration/V8__tighten.sql").write_text(
        "ALTER TABLE shipments ALTER COLUMN co2_kg SET NOT NULL;\n"
    )
    ed = await start(flyway, EDITORS["visual-studio-code"])
    ed.open("db/migration/V8__tighten.sql")
    await ed.diagnostics("db/migration/V8__tighten.sql", {"set-not-null-scan"})
    assert "AccessExclusive" in await ed.hover("db/migration/V8__tighten.sql", "ALTER TABLE")
    new = await ed.choose("db/migration/V8__tighten.sql", "SET NOT NULL", "Rewrite as phased migration: write all phases")
    connection = postgres()
    for name in ["db/migration/V7__init.sql", "db/migration/V8__tighten.sql", *migrations(new)]:
        run(connection, flyway, name)
    row = connection.execute("SELECT is_nullable FROM information_schema.columns WHERE column_name = 'co2_kg'")
    assert row.fetchone() == ("NO",)


async def test_destructive_edits_ask_first(start, flyway):
    ed = await start(flyway, EDITORS["visual-studio-code"])
    ed.open("schema.sql")
    ed.change("schema.sql", ",\n    note text", "")
    await ed.diagnostics("schema.sql", {"drop_column"})
    offered = await ed.actions("schema.sql", "shipments")
    action = next(it for it in offered if it.title.endswith("write all phases"))
    action = await ed.client.code_action_resolve_async(action)
    annotations = action.edit.change_annotations or {}
    assert any(it.needs_confirmation for it in annotations.values()), action.edit


async def test_files_that_others_change_are_seen(start, flyway):
    ed = await start(flyway, EDITORS["neovim"])
    ed.open("schema.sql")
    ed.change("schema.sql", "note text", "note text,\n    weight integer")
    await ed.diagnostics("schema.sql", {"add_column"})
    name = "db/migration/V8__weight.sql"
    (flyway / name).write_text("ALTER TABLE shipments ADD COLUMN weight integer;\n")
    event = types.FileEvent(uri=ed.uri(name), type=types.FileChangeType.Created)
    ed.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    assert await ed.diagnostics("schema.sql") == []


async def test_a_stale_action_is_refused(start, flyway):
    ed = await start(flyway, EDITORS["visual-studio-code"])
    ed.open("schema.sql")
    ed.change("schema.sql", "note text", "note text,\n    weight integer")
    await ed.diagnostics("schema.sql", {"add_column"})
    action = next(it for it in await ed.actions("schema.sql", "weight") if it.title.startswith("Plan"))
    ed.change("schema.sql", "weight integer", "weight bigint")
    with pytest.raises(Exception, match="(?i)content modified"):
        await ed.client.code_action_resolve_async(action)
