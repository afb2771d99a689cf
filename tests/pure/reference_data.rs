//! What the browser assumes before the server has answered is what the migrations seed.

use production_chat::license::{Quotas, Tier};
use std::path::Path;

#[test]
fn the_default_quotas_are_the_seeded_ones() {
    let migration = "supabase/migrations/20250115000002_reference_data.sql";
    let sql = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(migration)).unwrap();
    let insert = sql
        .split("insert into public.license_tiers")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let (columns, rows) = insert.split_once(") values").unwrap();
    let columns: Vec<&str> = columns
        .trim_start_matches([' ', '('])
        .split(',')
        .map(str::trim)
        .collect();
    for tier in [Tier::Free, Tier::Pro, Tier::Enterprise] {
        let row = rows
            .lines()
            .find(|line| line.contains(&format!("('{}'", tier.name())))
            .unwrap();
        let row = row
            .trim()
            .trim_end_matches(',')
            .strip_prefix('(')
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let json: Vec<serde_json::Value> = row.split(',').map(|value| json_of(value.trim())).collect();
        assert_eq!(columns.len(), json.len());
        let seeded = columns.iter().map(|column| (*column).to_owned()).zip(json).collect();
        let seeded: Quotas = serde_json::from_value(serde_json::Value::Object(seeded)).unwrap();
        assert_eq!(Quotas::of(tier), seeded);
    }
}

fn json_of(sql: &str) -> serde_json::Value {
    let json = sql.strip_prefix("array").unwrap_or(sql).replace('\'', "\"");
    serde_json::from_str(&json).unwrap()
}
