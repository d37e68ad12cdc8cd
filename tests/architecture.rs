//! Holds ARCHITECTURE.md's tables against the sources: which room imports which, and which room uses which crate.

#![expect(clippy::unwrap_used, reason = "a test ends where its repository can't be read")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ANY: &str = "any";

/// Cells of the table below `heading`, without its two header rows.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split(", ").map(str::to_owned).collect()
}

/// Rooms in order, each with the rooms that it may import.
fn rooms() -> Vec<(String, BTreeSet<String>)> {
    let mut above = BTreeSet::new();
    let mut rooms = Vec::new();
    for row in table("Rooms") {
        let may = match row[2].as_str() {
            "nothing" => BTreeSet::new(),
            "any room above" => above.clone(),
            list => names(list),
        };
        above.insert(row[0].clone());
        rooms.push((row[0].clone(), may));
    }
    rooms
}

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
        found.push(path.to_owned());
    }
}

/// The code of every file of a room, without its unit tests (`tests.rs`, or behind `#[cfg(test)]`) and comments.
fn code(room: &str) -> BTreeMap<PathBuf, String> {
    let mut files = Vec::new();
    sources(&Path::new("src").join(room), &mut files);
    files.extend(Some(Path::new("src").join(format!("{room}.rs"))).filter(|path| path.exists()));
    assert!(!files.is_empty(), "room `{room}` has no sources");
    files.into_iter().map(|path| (path.clone(), strip(&fs::read_to_string(&path).unwrap()))).collect()
}

fn strip(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// First names after `crate::`, also inside a braced list.
fn imported_rooms(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| rest.strip_prefix('{').map_or(vec![identifier(rest)], list_heads))
        .collect()
}

/// First names of the items of a braced list that has just been opened; nested lists are passed over.
fn list_heads(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in list.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            _ if depth < 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => items.last_mut().unwrap().push(c),
        }
    }
    items.iter().map(|item| identifier(item.trim())).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let rooms = rooms();
    let names: BTreeSet<String> = rooms.iter().map(|(room, _)| room.clone()).collect();
    for (room, may) in &rooms {
        for (path, code) in code(room) {
            for import in imported_rooms(&code).intersection(&names) {
                assert!(
                    import == room || may.contains(import),
                    "{}: `{room}` may not import `{import}`",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_table_lists_the_rooms_in_the_order_of_lib_rs() {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let modules: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|rest| rest.trim_end_matches(';').to_owned())
        .collect();
    let rooms: Vec<String> = rooms().into_iter().map(|(room, _)| room).collect();
    assert_eq!(modules, rooms);
}

/// Whether `code` has a path that begins with the name of a crate, and not with a longer word that ends in it.
fn uses_crate(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.match_indices(&format!("{name}::")).any(|(at, _)| !code[..at].ends_with(is_word))
}

#[test]
fn each_dependency_is_used_only_in_its_room() {
    let uses: BTreeMap<String, BTreeSet<String>> =
        table("Dependencies").iter().map(|row| (row[0].clone(), names(&row[1]))).collect();
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let dependencies: BTreeSet<String> = section.lines().map(identifier).filter(|name| !name.is_empty()).collect();
    assert_eq!(dependencies, uses.keys().cloned().collect());
    for (room, _) in rooms() {
        for (path, code) in code(&room) {
            for (dependency, allowed) in &uses {
                let imported = uses_crate(&code, dependency);
                let fine = !imported || allowed.contains(ANY) || allowed.contains(&room);
                assert!(fine, "{}: `{dependency}` belongs to {allowed:?}", path.display());
            }
        }
    }
}

#[test]
fn z3_stays_in_its_file() {
    for (path, code) in code("schedule") {
        let name = path.to_string_lossy();
        assert!(!code.contains("use z3::") || name.contains("schedule/z3"), "{name} imports z3");
    }
}

#[test]
fn core_rooms_do_no_input_or_output() {
    for (room, _) in rooms().into_iter().filter(|(room, _)| !["artifact", "cli"].contains(&room.as_str())) {
        for (path, code) in code(&room) {
            for forbidden in
                ["std::fs", "std::env", "std::net", "std::process", "println!", "eprintln!", "stdout()", "stdin()"]
            {
                assert!(!code.contains(forbidden), "{}: `{forbidden}`", path.display());
            }
        }
    }
}

#[test]
fn a_crate_is_told_from_a_word_that_ends_in_its_name() {
    assert!(uses_crate("use ort::session;", "ort") && uses_crate("x(ort::init())", "ort"));
    assert!(!uses_crate("pub use export::export;", "ort") && !uses_crate("crate::ort::x()", "ort"));
}

#[test]
fn the_judge_of_the_imports_sees_braced_lists_and_paths() {
    let code = "use crate::{network::{Layer, Shape}, units};\nlet x = crate::cli::main();";
    assert_eq!(imported_rooms(code), ["cli", "network", "units"].map(str::to_owned).into());
}
