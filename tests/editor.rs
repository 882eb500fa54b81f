//! What an editor shows of a declaration, by rust-analyzer: hover, go to definition, completion and highlighting.
//!
//! Skipped where it is not installed: `rustup component add rust-analyzer rust-src`. One process for all the questions,
//! for it has to read the crates first.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};

const SOURCE: &str = include_str!("../ui-tests/editor/main.rs");

/// It compiles the macro first, on a machine that may be busy.
const LOADING: Duration = Duration::from_secs(300);
const ANSWERING: Duration = Duration::from_secs(60);

struct Editor {
    process: Child,
    messages: Receiver<Value>,
    uri: String,
    text: String,
    version: u64,
    requests: u64,
    /// The kinds of highlighting, as the server numbers them.
    kinds: Vec<String>,
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Editor {
    /// Opens the crate, and waits until all of it is known.
    fn open(directory: &Path) -> Self {
        let mut process = Command::new("rust-analyzer")
            .current_dir(directory)
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", directory.join("target"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rust-analyzer starts");
        let (sender, messages) = channel();
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        thread::spawn(move || while read(&mut output).is_some_and(|message| sender.send(message).is_ok()) {});
        let uri = format!("file://{}/src/main.rs", directory.display());
        let mut editor =
            Self { process, messages, uri, text: SOURCE.to_owned(), version: 1, requests: 0, kinds: Vec::new() };
        let initialized = editor.request(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": format!("file://{}", directory.display()),
                "capabilities": {
                    "experimental": { "serverStatusNotification": true },
                    "textDocument": {
                        "hover": { "contentFormat": ["markdown"] },
                        "semanticTokens": {
                            "requests": { "full": true }, "tokenTypes": [], "tokenModifiers": [], "formats": ["relative"]
                        },
                    },
                },
                "initializationOptions": { "checkOnSave": false, "cachePriming": { "enable": false } },
            }),
        );
        let legend = &initialized["capabilities"]["semanticTokensProvider"]["legend"]["tokenTypes"];
        editor.kinds = serde_json::from_value(legend.clone()).expect("the kinds of highlighting");
        editor.send(json!({ "method": "initialized", "params": {} }));
        let document = json!({ "uri": editor.uri, "languageId": "rust", "version": 1, "text": SOURCE });
        editor.send(json!({ "method": "textDocument/didOpen", "params": { "textDocument": document } }));
        editor.wait(LOADING, |message| {
            let is_ready = message["method"] == "experimental/serverStatus" && message["params"]["quiescent"] == true;
            is_ready.then_some(())
        });
        editor
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let message = message.to_string();
        let input = self.process.stdin.as_mut().expect("it is piped");
        write!(input, "Content-Length: {}\r\n\r\n{message}", message.len()).expect("rust-analyzer listens");
        input.flush().expect("rust-analyzer listens");
    }

    fn wait<T>(&mut self, limit: Duration, of_interest: impl Fn(&Value) -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).expect("rust-analyzer answers in time");
            if let (Some(_), Some(id)) = (message.get("method"), message.get("id")) {
                // It asks for a configuration, or reports progress: nothing that we have.
                let items = message["params"]["items"].as_array().map_or(0, Vec::len);
                self.send(json!({ "id": id, "result": vec![Value::Null; items] }));
            }
            if let Some(found) = of_interest(&message) {
                return found;
            }
        }
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(json!({ "id": id, "method": method, "params": params }));
        self.wait(ANSWERING, |message| {
            (message["id"] == id && message.get("method").is_none()).then(|| message["result"].clone())
        })
    }

    /// The text becomes the source with `typed` in the place of `written`.
    fn type_instead(&mut self, written: &str, typed: &str) {
        assert!(SOURCE.contains(written), "{written}");
        self.version += 1;
        self.text = SOURCE.replacen(written, typed, 1);
        let document = json!({ "uri": self.uri, "version": self.version });
        let change = json!({ "textDocument": document, "contentChanges": [{ "text": self.text }] });
        self.send(json!({ "method": "textDocument/didChange", "params": change }));
    }

    /// Asks about the place of the `|` in `place`.
    fn ask(&mut self, method: &str, place: &str) -> Value {
        let (before, after) = place.split_once('|').expect("a `|` where the cursor is");
        let at = self.text.find(&format!("{before}{after}")).expect(place) + before.len();
        let line = self.text[..at].matches('\n').count();
        let character = at - self.text[..at].rfind('\n').map_or(0, |at| at + 1);
        let position = json!({ "line": line, "character": character });
        self.request(method, json!({ "textDocument": { "uri": self.uri }, "position": position }))
    }

    fn hover(&mut self, place: &str) -> String {
        self.ask("textDocument/hover", place)["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The line to which a name leads.
    fn definition(&mut self, place: &str) -> String {
        let found = self.ask("textDocument/definition", place);
        let line = found[0]["range"]["start"]["line"].as_u64().and_then(|line| usize::try_from(line).ok());
        line.and_then(|line| self.text.lines().nth(line)).unwrap_or_default().trim().to_owned()
    }

    /// What can be completed, after `written` has become `typed` up to the `|`.
    fn completions(&mut self, written: &str, typed: &str) -> Vec<String> {
        self.type_instead(written, &typed.replace('|', ""));
        let found = self.ask("textDocument/completion", typed);
        let items = found.get("items").unwrap_or(&found).as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| Some(item["label"].as_str()?.trim_end_matches("(…)").to_owned())).collect()
    }

    /// The kind of highlighting of each word of the source, as `word: kind`.
    fn highlighting(&mut self) -> Vec<String> {
        let tokens = self.request("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": self.uri } }));
        let data: Vec<usize> = serde_json::from_value(tokens["data"].clone()).expect("five numbers for each token");
        let lines: Vec<&str> = self.text.lines().collect();
        let (mut line, mut column) = (0, 0);
        data.chunks_exact(5)
            .map(|token| {
                (line, column) = (line + token[0], if token[0] == 0 { column + token[1] } else { token[1] });
                format!("{}: {}", &lines[line][column..column + token[2]], self.kinds[token[3]])
            })
            .collect()
    }
}

/// One message of the server; none when it has ended.
fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut message = vec![0; length];
    output.read_exact(&mut message).ok()?;
    serde_json::from_slice(&message).ok()
}

fn is_installed() -> bool {
    let version = Command::new("rust-analyzer").arg("--version").output();
    version.is_ok_and(|version| version.status.success())
}

/// The crate, in a workspace of its own.
fn write_crate() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("target/tests/editor");
    let runtime = root.join("supervisor-runtime");
    fs::create_dir_all(directory.join("src")).expect("a directory");
    let manifest = format!(
        "[package]\nname = \"editor\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
        [dependencies]\nsupervisor-runtime = {{ path = {runtime:?} }}\n"
    );
    fs::write(directory.join("Cargo.toml"), manifest).expect("a manifest");
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock")).expect("the lock file");
    fs::write(directory.join("src/main.rs"), SOURCE).expect("the source");
    directory
}

#[test]
fn an_editor_explains_finds_completes_and_highlights_a_declaration() {
    if !is_installed() {
        println!("skipped: rust-analyzer is not installed (`rustup component add rust-analyzer rust-src`)");
        return;
    }
    let mut editor = Editor::open(&write_crate());

    // Each word says what it means, options with their defaults.
    for (place, shown) in [
        ("one_for|_all(", "When a child fails, all are stopped in reverse order"),
        ("rest_for|_one {", "it and everything declared after it"),
        ("max_re|starts", "100 unless said"),
        ("ov|er =", "1 second unless"),
        ("shut|down =", "5 seconds"),
        ("rest|art =", "unless said"),
        ("tran|sient", "After a failure"),
        ("d|b(shutdown", "`db: Db = Db::open().with_cache()`"),
        ("wor|ker*size", "`worker*size: Worker::make_one`"),
        ("po|ol: rest", "The group `pool` of `Tree`"),
        ("= D|b::open", "The database."),
    ] {
        let hover = editor.hover(place);
        assert!(hover.contains(shown), "{place} shows no {shown:?}, but: {hover}");
    }

    // The fields of the running tree lead to where they are declared.
    for (place, line) in [
        ("tree.d|b.status", "db(shutdown = 5s): Db = Db::open().with_cache(),"),
        ("tree.po|ol.worker", "pool: rest_for_one {"),
        ("pool.wor|ker.get", "worker*size(restart = transient): Worker::make_one,"),
    ] {
        assert_eq!(editor.definition(place), line, "{place}");
    }

    // Strategies, options and names differ.
    let highlighting = editor.highlighting();
    for expected in [
        "rest_for_one: function",
        "shutdown: method",
        "restart: method",
        "db: property",
        "worker: property",
        "Db: struct",
        "make_one: function",
    ] {
        assert!(highlighting.iter().any(|found| found == expected), "no {expected:?} in {highlighting:?}");
    }

    // While it is typed, and so wrong.
    for (written, typed, expected) in [
        ("Worker::make_one", "Worker::|,", &["make_one"] as &[&str]),
        ("Worker::make_one", "Worker::ma|", &["make_one"]),
        ("Db::open().with_cache(),", "Db::open().|", &["with_cache"]),
        ("Db::open().with_cache(),", "Db::open().wi|,", &["with_cache"]),
        ("Worker::make_one", "Worker::make_one(si|", &["size"]),
        ("one_for_all(", "one_f|(", &["one_for_all", "one_for_one", "forfeit_one_for_one"]),
        ("pool: rest_for_one {", "pool: rest| {", &["rest_for_one", "dependents_for_one"]),
        ("(max_restarts = 10, ", "(max|, ", &["max_restarts"]),
        (
            "(max_restarts = 10, ",
            "(max_restarts = 10, |, ",
            &["over", "raises", "backoff", "shutdown", "auto_shutdown"],
        ),
        ("(shutdown = 5s)", "(he|)", &["heartbeat", "restart", "start_timeout", "requires", "significant", "replace"]),
        ("(restart = transient)", "(restart = tra|)", &["transient", "permanent", "temporary"]),
    ] {
        let found = editor.completions(written, typed);
        for expected in expected {
            assert!(found.iter().any(|found| found == expected), "{typed} completes to no `{expected}`: {found:?}");
        }
    }
}
