//! The core names nothing of the browser, so that the whole client runs here.

use std::fs;
use std::path::{Path, PathBuf};

const BROWSER: [&str; 5] = ["js_sys", "web_sys", "wasm_bindgen", "gloo_", "tsify"];
/// The one exception: the types that cross the boundary say their TypeScript.
const ALLOWED: &str = "#[cfg_attr(target_arch = \"wasm32\",";

#[test]
fn the_core_names_nothing_of_the_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 10, "the sources are where this test looks");
    let mut found = Vec::new();
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.trim_start();
            let allowed = code.starts_with("//") || code.starts_with(ALLOWED);
            if !allowed && BROWSER.iter().any(|name| code.contains(name)) {
                found.push(format!("{}:{}: {code}", file.display(), number + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "only src/web/ may touch the browser:\n{}",
        found.join("\n")
    );
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "web" {
                rust_files(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
