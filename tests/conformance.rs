//! `docs/conformance.md` has each rule once, under its section, and the tests
//! that it names exist.

use std::collections::HashSet;
use std::fs;

/// A line of a table.
struct Row<'a> {
    /// The number of the section whose heading it stands under.
    section: &'a str,
    id: &'a str,
    rule: &'a str,
    status: &'a str,
    /// `file::test_name`s.
    tests: Vec<&'a str>,
}

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rows(document: &str) -> Vec<Row<'_>> {
    let mut section = "";
    let mut rows = Vec::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.split(' ').next().unwrap();
        }
        let Some(line) = line.strip_prefix('|') else { continue };
        let cells: Vec<&str> = line.trim_end_matches('|').split('|').map(str::trim).collect();
        let [id, rule, _, status, tests] = cells[..] else { panic!("not five cells: {line}") };
        if id != "id" && id != "---" {
            // All that stands between backticks is a test.
            let tests = tests.split('`').skip(1).step_by(2).collect();
            rows.push(Row { section, id, rule, status, tests });
        }
    }
    assert!(!rows.is_empty(), "there are tables");
    rows
}

/// Whether this source has a function of this name under `#[test]`.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let start = format!("fn {name}(");
    let mut places = (0..lines.len()).filter(|&at| lines[at].starts_with(&start));
    places.any(|at| {
        let above = lines[..at].iter().rev();
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        above.any(|&line| line == "#[test]")
    })
}

#[test]
fn each_rule_stands_once_under_its_section() {
    let document = read("docs/conformance.md");
    let (mut ids, mut rules) = (HashSet::new(), HashSet::new());
    for Row { section, id, rule, .. } in rows(&document) {
        assert!(ids.insert(id), "two rules have the id {id}");
        assert!(!rule.is_empty() && rules.insert(rule), "{id}: the rule is empty or was listed");
        let (prefix, number) = id.rsplit_once('-').unwrap_or_else(|| panic!("{id} is no id"));
        assert_eq!(prefix, section, "{id} stands under another section");
        assert!(number.parse::<u32>().is_ok(), "{id} does not end in a number");
    }
}

#[test]
fn each_rule_has_a_status_and_what_goes_with_it() {
    let document = read("docs/conformance.md");
    for Row { id, status, tests, .. } in rows(&document) {
        match status {
            "kept" => assert!(!tests.is_empty(), "{id} is kept, but no test would tell"),
            "deviates" => {
                assert!(document.contains(&format!("\n- {id}: ")), "{id} is not argued for");
            }
            _ => {
                let who = status.strip_prefix("caller (").and_then(|rest| rest.strip_suffix(')'));
                assert!(who.is_some_and(|who| !who.is_empty()), "{id}: {status} is no status");
            }
        }
    }
}

#[test]
fn each_test_that_is_named_exists() {
    let document = read("docs/conformance.md");
    for Row { id, tests, .. } in rows(&document) {
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{id}: {test}"));
            let source = read(&format!("tests/{file}.rs"));
            assert!(has_test(&source, name), "{id}: tests/{file}.rs has no test {name}");
        }
    }
}
