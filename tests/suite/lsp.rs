//! The language server, driven in process with the JSON that an editor sends.

mod client;

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
