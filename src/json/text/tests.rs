//! Our JSON against that of serde_json.

use super::*;

fn written(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// As serde_json sees it.
fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::Text(ours), serde_json::Value::String(theirs)) => ours == theirs,
        (Value::Whole(ours), theirs) => theirs.as_u64() == Some(*ours),
        (Value::Negative(ours), theirs) => {
            theirs.as_i64() == Some(*ours) || (*ours == 0 && theirs.as_f64() == Some(0.0))
        }
        (Value::Float(ours), theirs) => theirs.as_f64().is_some_and(|theirs| {
            let near = (ours - theirs).abs() <= theirs.abs() * 1e-12;
            near || ours == &theirs || (ours.abs() < 1e-280 && theirs.abs() < 1e-280)
        }),
        (Value::List(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(_), serde_json::Value::Object(theirs)) => theirs
            .iter()
            .all(|(name, theirs)| ours.field(name).is_some_and(|ours| same(ours, theirs))),
        _ => false,
    }
}

fn agrees(text: &str) {
    match (parse(text), serde_json::from_str::<serde_json::Value>(text)) {
        (Some(ours), Ok(theirs)) => assert!(same(&ours, &theirs), "{text}: {ours:?}"),
        // Beyond the greatest float: theirs refuses, ours is a number that is infinite and fits nowhere.
        (Some(Value::Float(number)), Err(_)) if number.is_infinite() => {}
        (ours, theirs) => assert_eq!(ours.is_some(), theirs.is_ok(), "{text}: {ours:?} {theirs:?}"),
    }
}

#[test]
fn prices_are_read_to_the_last_bit() {
    for text in [
        "0.002",
        "0.0000001",
        "1.5e3",
        "2E-3",
        "123456.789012345",
        "-0.1",
        "1000000",
        "1e22",
        "5e-22",
    ] {
        let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
        let ours = match parse(text) {
            Some(Value::Float(number)) => number,
            Some(Value::Whole(number)) => number as f64,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(Some(ours), theirs.as_f64(), "{text}");
    }
}

#[test]
fn deep_texts_end() {
    assert!(parse(&"[".repeat(100_000)).is_none());
    assert!(parse(&["[".repeat(64), "]".repeat(64)].concat()).is_some());
    assert!(parse(&["[".repeat(65), "]".repeat(65)].concat()).is_none());
}

#[test]
fn odd_texts_are_read_as_by_serde_json() {
    for text in [
        "",
        " ",
        "nul",
        "nullx",
        "truefalse",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "-",
        "-0",
        "-01",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "1e+5",
        "1.5E-3",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890.5",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\x\"",
        "\"a\tb\"",
        "\"a",
        "\"\\",
        "\"\\u12",
        "\u{feff}1",
        "{\"a\":1,\"a\":2}",
        "\n{ \"a\" : [ ] , \"b\" : { } }\r",
        "[[],[[]]]",
        "1 2",
        "\u{a0}1",
        "\"\u{7f}\u{2028}\"",
    ] {
        agrees(text);
    }
}

proptest::proptest! {
    #[test]
    fn what_serde_json_writes_is_read(text in "\\PC*", number: i64, float: f64, whole: u64, is: bool) {
        agrees(&serde_json::json!({ "text": text, "list": [number, float, whole, is, null], &text: {} }).to_string());
    }

    #[test]
    fn what_is_written_is_read_by_serde_json(text in ".*", number: i64, whole: u64) {
        let value = Value::List(vec![Value::Text(text), Value::Negative(number.min(-1)), Value::Whole(whole)]);
        let read: serde_json::Value = serde_json::from_str(&written(&value)).unwrap();
        proptest::prop_assert!(same(&value, &read));
    }

    #[test]
    fn any_text_is_read_as_by_serde_json(text in "[\\[\\]{}:,\"\\\\0-9eE.+u\\-a-f ntrl]{0,12}") {
        agrees(&text);
    }
}
