//! The language server, driven in process with the JSON that an editor sends.

pub mod client;

use serde_json::{Value, json};

use client::{Client, Folder, at, capabilities};

#[test]
fn the_client_decides_what_columns_count() {
    for (offered, chosen) in [
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (Value::Null, "utf-16"),
    ] {
        let mut capabilities = capabilities();
        capabilities["general"]["positionEncodings"] = offered;
        let folder = Folder::new(&[]);
        let (mut client, answer) = Client::start(&folder, &capabilities);
        assert_eq!(answer["capabilities"]["positionEncoding"], chosen);
        // The error stands behind two emoji: 8 bytes, 4 units of UTF-16, 2 characters.
        client.open(&folder, "a.sql", "select '\u{1f600}\u{1f600}'; create tabel t (a int);\n");
        let found = client.diagnostics(&folder, "a.sql", 1);
        let column = found[0]["range"]["start"]["character"].as_u64().expect("a column");
        let start = match chosen {
            "utf-8" => 19,
            "utf-16" => 15,
            _ => 13,
        };
        assert!((start..start + 8).contains(&column), "{chosen}: {found}");
        client.stop();
    }
}

#[test]
fn a_syntax_error_comes_and_goes_with_edits() {
    let folder = Folder::new(&[]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "a.sql", "select 1;\ncreate table t (a int);\n");
    assert_eq!(client.diagnostics(&folder, "a.sql", 1), json!([]));
    client.edit(&folder, "a.sql", 2, (1, 21), (1, 22), "");
    let found = client.diagnostics(&folder, "a.sql", 2);
    assert_eq!(found[0]["code"], "syntax", "{found}");
    assert_eq!(found[0]["source"], "lockkeeper");
    client.edit(&folder, "a.sql", 3, (1, 21), (1, 21), ")");
    assert_eq!(client.diagnostics(&folder, "a.sql", 3), json!([]));
    client.stop();
}

#[test]
fn a_client_that_asks_is_not_told_twice() {
    let folder = Folder::new(&[]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "a.sql", "create tabel t (a int);\n");
    let report = client.request("textDocument/diagnostic", &json!({"textDocument": {"uri": folder.uri("a.sql")}}));
    assert_eq!(report["kind"], "full");
    assert_eq!(report["items"].as_array().map(Vec::len), Some(1), "{report}");
    // What was pushed before is taken back.
    client.edit(&folder, "a.sql", 2, (0, 0), (0, 0), " ");
    client.request("textDocument/diagnostic", &json!({"textDocument": {"uri": folder.uri("a.sql")}}));
    assert_eq!(client.shown(&folder, "a.sql"), json!([]));
    client.stop();
}

#[test]
fn positions_that_are_not_there_do_no_harm() {
    let folder = Folder::new(&[]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "a.sql", "select 1;\r\nselect 2;\r\n");
    client.edit(&folder, "a.sql", 2, (99, 99), (0, 99), "x");
    client.edit(&folder, "a.sql", 3, (0, 400), (7, 0), "\u{1f600}");
    client.diagnostics(&folder, "a.sql", 3);
    let hover = json!({"textDocument": {"uri": folder.uri("a.sql")}, "position": at(9, 9)});
    assert_eq!(client.request("textDocument/hover", &hover), Value::Null);
    // Messages about files that were never opened are ignored.
    client.edit(&folder, "b.sql", 3, (0, 0), (7, 0), "");
    client.notify("textDocument/didClose", &json!({"textDocument": {"uri": folder.uri("b.sql")}}));
    assert_eq!(client.request("textDocument/hover", &hover), Value::Null);
    client.stop();
}

#[test]
fn broken_messages_get_an_error_and_the_server_goes_on() {
    let folder = Folder::new(&[]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    let error = client.error("textDocument/hover", &json!({"nonsense": true}));
    assert_eq!(error["code"], -32602);
    let error = client.error("no/such/method", &json!({}));
    assert_eq!(error["code"], -32601);
    client.open(&folder, "a.sql", "select 1;\n");
    assert_eq!(client.diagnostics(&folder, "a.sql", 1), json!([]));
    client.stop();
}

const INIT: &str = "\
CREATE TABLE carriers (
    id bigint PRIMARY KEY
);
CREATE TABLE shipments (
    id bigint PRIMARY KEY,
    carrier_id bigint REFERENCES carriers (id),
    note text
);
";

/// A project with migrations of golang-migrate, and a schema file that is as they make it.
fn project() -> Folder {
    Folder::new(&[
        ("schema.sql", INIT),
        ("migrations/0001_init.up.sql", INIT),
        ("migrations/0001_init.down.sql", "DROP TABLE shipments;\nDROP TABLE carriers;\n"),
        ("lockkeeper.toml", "[tables.shipments]\nrows = 50000000\n"),
    ])
}

fn codes(diagnostics: &Value) -> Vec<&str> {
    diagnostics.as_array().into_iter().flatten().filter_map(|it| it["code"].as_str()).collect()
}

fn titles(actions: &Value) -> Vec<&str> {
    actions.as_array().into_iter().flatten().filter_map(|it| it["title"].as_str()).collect()
}

/// A column is added behind `note`.
fn add_weight(client: &mut Client, folder: &Folder) {
    client.open(folder, "schema.sql", INIT);
    client.edit(folder, "schema.sql", 2, (6, 13), (6, 13), ",\n    weight integer");
    client.diagnostics_where(folder, "schema.sql", |it| codes(it) == ["add_column"]);
}

#[test]
fn a_pending_change_is_shown_planned_and_written() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    add_weight(&mut client, &folder);
    let actions = client.actions(&folder, "schema.sql", (7, 6));
    assert_eq!(
        titles(&actions),
        [
            "Plan the pending change as phased migration",
            "Plan the pending change as phased migration: write all phases",
            "Explain the pending changes here",
        ]
    );
    assert_eq!(actions[0].get("edit"), None, "titles first");
    let action = client.request("codeAction/resolve", &actions[0]);
    let changes = action["edit"]["documentChanges"].as_array().expect("changes");
    assert_eq!(changes[0]["kind"], "create");
    let created: Vec<&str> = changes.iter().filter_map(|it| it["uri"].as_str()).collect();
    assert_eq!(created[0], folder.uri("migrations/0002_expand_add_column_shipments_weight.up.sql"));
    assert!(created.last().is_some_and(|it| it.ends_with(".plan.md")), "{created:?}");
    let text = changes[1]["edits"][0]["newText"].as_str().expect("a text");
    assert!(text.contains("ADD COLUMN IF NOT EXISTS weight integer"), "{text}");
    client.stop();
}

#[test]
fn an_old_title_says_that_the_text_has_changed() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    add_weight(&mut client, &folder);
    let actions = client.actions(&folder, "schema.sql", (7, 6));
    client.edit(&folder, "schema.sql", 3, (0, 0), (0, 0), "\n");
    let error = client.error("codeAction/resolve", &actions[0]);
    assert_eq!(error["code"], -32801, "ContentModified: {error}");
    client.stop();
}

#[test]
fn clients_that_can_do_less_get_what_they_can_use() {
    // No resolve, no file operations, no document changes: plain edits, at once.
    let mut bare = capabilities();
    bare["workspace"]["workspaceEdit"] = json!({});
    bare["textDocument"]["codeAction"]["resolveSupport"] = Value::Null;
    let folder = project();
    let (mut client, _) = Client::start(&folder, &bare);
    add_weight(&mut client, &folder);
    let actions = client.actions(&folder, "schema.sql", (7, 6));
    let changes = actions[0]["edit"]["changes"].as_object().expect("plain changes");
    assert!(changes.keys().any(|it| it.ends_with(".plan.md")), "{changes:?}");
    client.stop();

    // Document changes, but no file can be created (eglot): an edit of the new document.
    let mut eglot = capabilities();
    eglot["workspace"]["workspaceEdit"] = json!({"documentChanges": true});
    let (mut client, _) = Client::start(&folder, &eglot);
    add_weight(&mut client, &folder);
    let actions = client.actions(&folder, "schema.sql", (7, 6));
    let action = client.request("codeAction/resolve", &actions[0]);
    let changes = action["edit"]["documentChanges"].as_array().expect("changes");
    assert!(changes.iter().all(|it| it.get("kind").is_none() && it["textDocument"]["version"].is_null()), "{action}");
    client.stop();

    // Commands only: the server sends the edit itself.
    let mut commands = capabilities();
    commands["textDocument"]["codeAction"] = json!({});
    let (mut client, _) = Client::start(&folder, &commands);
    add_weight(&mut client, &folder);
    let actions = client.actions(&folder, "schema.sql", (7, 6));
    let command = json!({"command": actions[0]["command"], "arguments": actions[0]["arguments"]});
    let answer = client.request("workspace/executeCommand", &command);
    assert_eq!(answer["applied"], true);
    assert!(client.asked.iter().any(|it| it["method"] == "workspace/applyEdit"));
    client.stop();
}

#[test]
fn commands_plan_explain_and_advance() {
    let folder = project();
    let (mut client, answer) = Client::start(&folder, &capabilities());
    let commands = answer["capabilities"]["executeCommandProvider"]["commands"].to_string();
    for it in ["lockkeeper.plan", "lockkeeper.explain", "lockkeeper.advance"] {
        assert!(commands.contains(it), "{commands}");
    }
    add_weight(&mut client, &folder);
    let uri = folder.uri("schema.sql");
    let place = json!({"command": "lockkeeper.explain", "arguments": [{"uri": uri, "position": at(7, 6)}]});
    let markdown = client.request("workspace/executeCommand", &place);
    assert!(markdown.as_str().is_some_and(|it| it.contains("ADD COLUMN weight integer")), "{markdown}");
    assert!(client.asked.iter().any(|it| it["method"] == "window/showDocument"));
    let plan = json!({"command": "lockkeeper.plan", "arguments": [{"uri": uri, "all": true}]});
    let answer = client.request("workspace/executeCommand", &plan);
    assert!(answer["files"].as_array().is_some_and(|it| it.len() >= 2), "{answer}");
    let advance = json!({"command": "lockkeeper.advance", "arguments": [{"uri": uri}]});
    let error = client.error("workspace/executeCommand", &advance);
    assert!(error["message"].as_str().is_some_and(|it| it.contains("no plan document")), "{error}");
    client.stop();
}

#[test]
fn a_hazard_of_a_migration_is_flagged_explained_and_rewritten() {
    let folder = project();
    folder
        .write("migrations/0002_index.up.sql", "SET lock_timeout = '2s';\nCREATE INDEX by_note ON shipments (note);\n");
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(
        &folder,
        "migrations/0002_index.up.sql",
        "SET lock_timeout = '2s';\nCREATE INDEX by_note ON shipments (note);\n",
    );
    let found = client.diagnostics_where(&folder, "migrations/0002_index.up.sql", |it| !codes(it).is_empty());
    assert_eq!(codes(&found), ["missing-rollback", "creating-index"]);
    assert_eq!(found[1]["severity"], 1, "50 million rows make it an error");
    let hover = json!({
        "textDocument": {"uri": folder.uri("migrations/0002_index.up.sql")}, "position": at(1, 3),
    });
    let hover = client.request("textDocument/hover", &hover)["contents"]["value"].to_string();
    assert!(hover.contains("`shipments` in mode Share: all writes wait"), "{hover}");
    let actions = client.actions(&folder, "migrations/0002_index.up.sql", (1, 3));
    assert!(titles(&actions).contains(&"Write rollback"), "{actions}");
    let rewrite = actions.as_array().and_then(|it| it.iter().find(|it| it["title"] == "Rewrite as phased migration"));
    let action = client.request("codeAction/resolve", rewrite.expect("a rewrite"));
    let edit = action["edit"].to_string();
    assert!(edit.contains("CREATE INDEX CONCURRENTLY"), "{edit}");
    let rollback = actions.as_array().and_then(|it| it.iter().find(|it| it["title"] == "Write rollback"));
    let action = client.request("codeAction/resolve", rollback.expect("a rollback"));
    let changes = &action["edit"]["documentChanges"];
    assert_eq!(changes[0]["uri"], folder.uri("migrations/0002_index.down.sql"));
    assert!(changes[1]["edits"][0]["newText"].as_str().is_some_and(|it| it.contains("DROP INDEX")), "{changes}");
    client.stop();
}

#[test]
fn hover_tells_what_is_known_of_a_table() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "schema.sql", INIT);
    let hover = |line, column| json!({"textDocument": {"uri": folder.uri("schema.sql")}, "position": at(line, column)});
    let table = client.request("textDocument/hover", &hover(3, 15))["contents"]["value"].to_string();
    assert!(table.contains("50,000,000 rows"), "{table}");
    assert!(table.contains("references `carriers` (id) by (carrier_id)"), "{table}");
    assert!(table.contains("Created in [schema.sql:4]"), "{table}");
    let column = client.request("textDocument/hover", &hover(1, 5))["contents"]["value"].to_string();
    assert!(column.contains("carriers.id bigint NOT NULL"), "{column}");
    assert!(column.contains("referenced by `shipments` (carrier_id)"), "{column}");
    client.stop();
}

#[test]
fn changes_on_disk_are_seen() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    add_weight(&mut client, &folder);
    folder.write("migrations/0002_weight.up.sql", "ALTER TABLE shipments ADD COLUMN weight integer;\n");
    client.touched(&folder, "migrations/0002_weight.up.sql");
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it).is_empty());
    // A mistake in the settings is shown in the settings, and mended.
    folder.write("lockkeeper.toml", "dialect = 'postgres'\nnonsense = 1\n");
    client.touched(&folder, "lockkeeper.toml");
    let found = client.diagnostics_where(&folder, "lockkeeper.toml", |it| !codes(it).is_empty());
    assert!(found[0]["message"].as_str().is_some_and(|it| it.contains("nonsense")), "{found}");
    folder.write("lockkeeper.toml", "dialect = 'postgres'\n");
    client.touched(&folder, "lockkeeper.toml");
    client.diagnostics_where(&folder, "lockkeeper.toml", |it| codes(it).is_empty());
    client.stop();
}

#[test]
fn a_request_can_be_taken_back() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    // Enough work that the answer cannot be there before the cancellation.
    let mut big = String::new();
    for i in 0..3000 {
        big.push_str(&format!("CREATE TABLE t{i} (id bigint PRIMARY KEY, a text, b text, c text, d text);\n"));
    }
    client.open(&folder, "schema.sql", &big);
    let hover = json!({"textDocument": {"uri": folder.uri("schema.sql")}, "position": at(0, 14)});
    let id = client.ask("textDocument/hover", &hover);
    client.notify("$/cancelRequest", &json!({"id": id}));
    let answer = client.answer(id);
    assert_eq!(answer["error"]["code"], -32800, "RequestCancelled: {answer}");
    assert_ne!(client.request("textDocument/hover", &hover), Value::Null, "the server goes on");
    client.stop();
}

#[test]
fn a_plan_that_was_begun_is_not_pending_again() {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "schema.sql", INIT);
    client.edit(&folder, "schema.sql", 2, (6, 4), (6, 13), "weight bigint");
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it).contains(&"drop_column"));
    let actions = client.actions(&folder, "schema.sql", (6, 6));
    let all = actions
        .as_array()
        .and_then(|it| it.iter().find(|it| it["title"] == "Plan all 2 pending changes as phased migration"));
    let action = client.request("codeAction/resolve", all.unwrap_or_else(|| panic!("{actions}")));
    let edits = action["edit"]["documentChanges"].as_array().expect("changes").iter();
    let written: Vec<(String, String)> = edits
        .filter_map(|it| Some((it["textDocument"]["uri"].as_str()?, it["edits"][0]["newText"].as_str()?)))
        .map(|(uri, text)| (uri.replacen(&folder.uri(""), "", 1), text.to_owned()))
        .collect();
    let phases = written.iter().filter(|(name, _)| name.ends_with(".up.sql")).count();
    assert_eq!(phases, 1, "the first phase alone: {written:?}");
    for (name, text) in &written {
        folder.write(name, text);
    }
    written.iter().for_each(|(name, _)| client.touched(&folder, name));
    // The schema is ahead of the migrations, but what is to come of the plan leads there.
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it).is_empty());
    let plan = written.iter().find(|(name, _)| name.ends_with(".plan.md")).expect("a plan document");
    client.open(&folder, &plan.0, &plan.1);
    let actions = client.actions(&folder, &plan.0, (0, 0));
    assert!(titles(&actions).iter().any(|it| it.starts_with("Advance plan")), "{actions}");
    client.stop();
}

/// Opens the schema with `note` replaced, resolves the action of this title at a line, and gives back the new texts.
#[track_caller]
fn answered(columns: &str, line: u32, title: &str) -> Vec<String> {
    let folder = project();
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "schema.sql", INIT);
    client.edit(&folder, "schema.sql", 2, (5, 46), (6, 13), columns);
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it).contains(&"question"));
    let actions = client.actions(&folder, "schema.sql", (line, 6));
    let action = actions.as_array().and_then(|it| it.iter().find(|it| it["title"] == title));
    let action = action.unwrap_or_else(|| panic!("no {title} in {:?}", titles(&actions)));
    let resolved = client.request("codeAction/resolve", action);
    client.stop();
    let edits = resolved["edit"]["documentChanges"][0]["edits"].as_array().expect("edits");
    edits.iter().filter_map(|it| Some(it["newText"].as_str()?.trim().to_owned())).collect()
}

#[test]
fn what_was_meant_is_written_beside_the_columns() {
    let split = ",\n    note_title text,\n    note_body text";
    assert_eq!(answered(split, 6, "Treat as split of note into note_title, note_body"), ["-- @split from=note"; 2]);
    assert_eq!(
        answered(split, 7, "Treat as drop and add: note_title, note_body has nothing to do with note"),
        ["-- @new"; 2]
    );
    assert_eq!(answered(split, 6, "Treat as rename: note is now note_title"), ["-- @renamed from=note", "-- @new"]);
    let moved = "\n);\nCREATE TABLE notes (\n    id bigint PRIMARY KEY,\n    note text";
    assert_eq!(answered(moved, 9, "Treat as moved from shipments.note"), ["-- @moved from=shipments.note"]);
    assert_eq!(answered(moved, 9, "Treat as drop and add: note has nothing to do with note"), ["-- @new"]);
    let required = ",\n    note text,\n    weight integer NOT NULL";
    assert_eq!(answered(required, 7, "Give rows without a value 0"), ["-- @backfill 0"]);
    let retyped = ",\n    note integer";
    assert_eq!(answered(retyped, 6, "Convert by note::text::integer"), ["-- @using note::text::integer"]);
}

#[test]
fn a_merge_is_offered_and_annotations_are_explained() {
    let before = INIT.replace("note text", "note_title text,\n    note_body text");
    let after = INIT.to_owned();
    let folder = Folder::new(&[("schema.sql", &after), ("migrations/0001_init.up.sql", &before)]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, "schema.sql", &after);
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it).contains(&"question"));
    let actions = client.actions(&folder, "schema.sql", (6, 6));
    let merge = "Treat as merge of note_title, note_body into note";
    let action = actions.as_array().and_then(|it| it.iter().find(|it| it["title"] == merge)).expect("a merge");
    let edit = client.request("codeAction/resolve", action)["edit"].to_string();
    assert!(edit.contains("-- @merge from=note_title,note_body"), "{edit}");
    // Written, the question is settled; misspelt, it is said.
    client.edit(&folder, "schema.sql", 2, (6, 13), (6, 13), " -- @mreg from=note_title,note_body");
    let found = client.diagnostics_where(&folder, "schema.sql", |it| codes(it).contains(&"syntax"));
    assert!(found.to_string().contains("did you mean @merge?"), "{found}");
    client.edit(&folder, "schema.sql", 3, (6, 18), (6, 22), "merge");
    client.diagnostics_where(&folder, "schema.sql", |it| codes(it) == ["merge_columns"]);
    let hover = json!({"textDocument": {"uri": folder.uri("schema.sql")}, "position": at(6, 20)});
    let hover = client.request("textDocument/hover", &hover)["contents"]["value"].to_string();
    assert!(hover.contains("-- @merge from=OLD,OLD") && hover.contains("made of several"), "{hover}");
    client.stop();
}
