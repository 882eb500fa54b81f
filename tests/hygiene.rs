//! A tree compiles in the crates of others: in each edition, under each name of the runtime, where nothing is allowed.
//!
//! `ui-tests/hygiene/lib.rs` is written into a workspace of its own, a crate for each case, and given to clippy.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The name of a crate, its edition, and its name for the runtime.
const CRATES: [(&str, &str, &str); 4] = [
    ("edition_2018", "2018", "supervisor_runtime"),
    ("edition_2021", "2021", "supervisor_runtime"),
    ("edition_2024", "2024", "supervisor_runtime"),
    ("renamed", "2024", "overseer"),
];

#[test]
fn a_tree_compiles_in_each_edition_and_under_each_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = root.join("target/tests/hygiene");
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    };

    let members = CRATES.map(|(name, ..)| format!("{name:?}")).join(", ");
    write(&workspace.join("Cargo.toml"), &format!("[workspace]\nmembers = [{members}]\nresolver = \"3\"\n"));
    // The versions that are tested, and so at hand.
    fs::copy(root.join("Cargo.lock"), workspace.join("Cargo.lock")).expect("the lock file");
    let source = fs::read_to_string(root.join("ui-tests/hygiene/lib.rs")).expect("the source");
    for (name, edition, runtime) in CRATES {
        let path = root.join("supervisor-runtime");
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = {edition:?}\n\n\
            [dependencies]\n{runtime} = {{ package = \"supervisor-runtime\", path = {path:?} }}\n"
        );
        write(&workspace.join(name).join("Cargo.toml"), &manifest);
        write(&workspace.join(name).join("src/lib.rs"), &source.replace("supervisor_runtime", runtime));
    }

    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let clippy = Command::new(cargo)
        .args(["clippy", "--workspace", "--keep-going", "--offline", "--quiet", "--color=never"])
        .current_dir(&workspace)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(clippy.status.success(), "{}", String::from_utf8_lossy(&clippy.stderr));
}
