//! Findings in the editor: what they carry, what can be done about them, and that every way to a rule's page shows the same.

use std::process::Command;

use lockkeeper::lint::{explain, link};
use serde_json::{Value, json};

use crate::lsp::client::{Client, Folder, at, capabilities};

const INIT: &str = "CREATE TABLE shipments (\n    id bigint PRIMARY KEY,\n    note text\n);\n";
const SECOND: &str = "migrations/0002_more.up.sql";

fn project(second: &str) -> Folder {
    Folder::new(&[("schema.sql", INIT), ("migrations/0001_init.up.sql", INIT), (SECOND, second)])
}

/// The client, with the second migration open and judged.
fn open(folder: &Folder, second: &str, rule: &str) -> (Client, Value) {
    let mut able = capabilities();
    able["textDocument"]["publishDiagnostics"]["codeDescriptionSupport"] = json!(true);
    able["textDocument"]["publishDiagnostics"]["tagSupport"] = json!({"valueSet": [1, 2]});
    let (mut client, answer) = Client::start(folder, &able);
    let kinds = answer["capabilities"]["codeActionProvider"]["codeActionKinds"].to_string();
    assert!(kinds.contains("quickfix") && kinds.contains("source.fixAll"), "{kinds}");
    client.open(folder, SECOND, second);
    let found = client.diagnostics_where(folder, SECOND, |it| it.to_string().contains(rule));
    (client, found)
}

fn of<'a>(found: &'a Value, rule: &str) -> &'a Value {
    found.as_array().into_iter().flatten().find(|it| it["code"] == rule).expect("the finding")
}

/// The text of the file with the edits of a resolved action.
fn applied(action: &Value, text: &str) -> String {
    let edits = action["edit"]["documentChanges"][0]["edits"].as_array().expect("edits");
    let mut document = lockkeeper::text::Document::new(text);
    let place = |it: &Value| lockkeeper::text::Position {
        line: u32::try_from(it["line"].as_u64().unwrap()).unwrap(),
        column: u32::try_from(it["character"].as_u64().unwrap()).unwrap(),
    };
    for it in edits.iter().rev() {
        let range = (place(&it["range"]["start"]), place(&it["range"]["end"]));
        let encoding = lockkeeper::text::PositionEncoding::Utf16;
        document.change(Some(range), it["newText"].as_str().unwrap(), encoding);
    }
    document.text()
}

#[test]
fn a_finding_says_where_its_page_is_and_where_its_table_was_made() {
    let sql = "CREATE INDEX i ON shipments (note);\n";
    let folder = project(sql);
    let (mut client, found) = open(&folder, sql, "creating-index");
    let finding = of(&found, "creating-index");
    assert_eq!(finding["codeDescription"]["href"], link("creating-index").unwrap());
    assert_eq!(finding["relatedInformation"][0]["location"]["uri"], folder.uri("migrations/0001_init.up.sql"));
    assert_eq!(finding["relatedInformation"][0]["message"], "shipments was made here");
    // The hover, the command line and the room's own page are one text.
    let page = explain("creating-index").unwrap().text();
    let hover = json!({"textDocument": {"uri": folder.uri(SECOND)}, "position": at(0, 8)});
    let hover = client.request("textDocument/hover", &hover);
    assert!(hover["contents"]["value"].as_str().unwrap().contains(&page), "{hover}");
    let out = Command::new(env!("CARGO_BIN_EXE_lockkeeper")).args(["explain", "creating-index"]).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), page);
    client.stop();
}

#[test]
fn a_fix_is_an_edit_and_all_of_them_one_action() {
    let sql = "CREATE INDEX i ON shipments (note);\n";
    let folder = project(sql);
    let (mut client, _) = open(&folder, sql, "creating-index");
    let actions = client.actions(&folder, SECOND, (0, 8));
    let titled = |title: &str| {
        let found = actions.as_array().unwrap().iter().find(|it| it["title"] == title);
        found.unwrap_or_else(|| panic!("{title} is not among {actions}")).clone()
    };
    let fix = titled("Create the index CONCURRENTLY");
    assert_eq!((&fix["kind"], &fix["isPreferred"], fix.get("edit")), (&"quickfix".into(), &true.into(), None));
    let fix = client.request("codeAction/resolve", &fix);
    assert_eq!(applied(&fix, sql), "CREATE INDEX CONCURRENTLY i ON shipments (note);\n");
    let ignore = client.request("codeAction/resolve", &titled("Ignore creating-index here, with reason"));
    assert_eq!(applied(&ignore, sql), format!("-- lockkeeper: ignore creating-index reason=\"\"\n{sql}"));
    titled("Rewrite as phased migration");
    let params = json!({
        "textDocument": {"uri": folder.uri(SECOND)}, "range": {"start": at(0, 0), "end": at(0, 0)},
        "context": {"diagnostics": [], "only": ["source.fixAll"]}
    });
    let all = client.request("textDocument/codeAction", &params);
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(all[0]["kind"], "source.fixAll");
    let all = client.request("codeAction/resolve", &all[0]);
    assert_eq!(applied(&all, sql), "CREATE INDEX CONCURRENTLY i ON shipments (note);\n");
    client.stop();
}

#[test]
fn a_comment_that_keeps_nothing_quiet_is_faded() {
    let sql = "-- lockkeeper: ignore dropping-index reason=\"x\"\nSELECT 1;\n";
    let folder = project(sql);
    let (client, found) = open(&folder, sql, "ignore-directive");
    assert_eq!(of(&found, "ignore-directive")["tags"], json!([1]));
    client.stop();
}

#[test]
fn the_editor_knows_what_the_main_branch_has() {
    let old = "SELECT 1;\n";
    let folder = Folder::new(&[("schema.sql", INIT), ("migrations/0001_init.up.sql", INIT), (SECOND, old)]);
    folder.git(&["init", "-q", "-b", "main"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "-q", "-m", "main"]);
    let (mut client, _) = Client::start(&folder, &capabilities());
    client.open(&folder, SECOND, old);
    assert_eq!(client.diagnostics(&folder, SECOND, 1), json!([]));
    client.edit(&folder, SECOND, 2, (0, 7), (0, 8), "2");
    let found = client.diagnostics_where(&folder, SECOND, |it| it.to_string().contains("edited-migration"));
    assert!(of(&found, "edited-migration")["message"].as_str().unwrap().contains("on main with another text"));
    client.edit(&folder, SECOND, 3, (0, 7), (0, 8), "1");
    client.diagnostics_where(&folder, SECOND, |it| *it == json!([]));
    client.stop();
}
