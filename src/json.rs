//! Reads and writes JSON, in one way everywhere, and small: a page has to load this code.
//!
//! Text, JavaScript's objects and our shapes meet in one tree, [`Value`]: text is read and written by `text`, objects
//! are made by serde-wasm-bindgen, once for all shapes. What makes shapes of a tree and trees of shapes is serde's
//! derived code, driven by [`Reader`](read::Reader) and [`Builder`](build::Builder) so that little of it is needed for
//! each shape.

mod build;
mod read;
mod text;
mod value;

use std::cell::Cell;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, de, ser};

pub(crate) use value::Value;

/// Reads a shape from JSON text; `None` when it is not that shape.
// Not in the midst of what reads: so it is the same code for all shapes but for a few bytes.
#[inline(never)]
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    from_value(&parse(text)?)
}

/// Parses JSON text; `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Value> {
    text::parse(text)
}

/// Reads a shape from JSON that is parsed already.
pub(crate) fn from_value<T: DeserializeOwned>(value: &Value) -> Option<T> {
    let fits = Cell::new(true);
    let shape = done(T::deserialize(read::Reader::new(value, &fits)));
    fits.get().then_some(shape)
}

/// Of a list that may be left out.
pub(crate) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Writes a shape as JSON text.
pub(crate) fn write<T: Serialize + ?Sized>(shape: &T) -> String {
    let mut text = String::new();
    text::write(&to_value(shape), &mut text);
    text
}

/// A whole number in decimal digits.
pub(crate) fn digits(number: u64) -> String {
    let mut digits = String::new();
    text::write_whole(number, &mut digits);
    digits
}

/// Reads decimal digits and nothing else; what is too great for a number is the greatest.
pub(crate) fn whole(digits: &[u8]) -> Option<u64> {
    let mut number = None::<u64>;
    for letter in digits {
        let digit = letter.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()));
    }
    number
}

/// A shape as a tree.
pub(crate) fn to_value<T: Serialize + ?Sized>(shape: &T) -> Value {
    done(shape.serialize(build::Builder))
}

/// The error of what does not fail. Without errors on the way, derived code is a fraction of what it is with them.
#[derive(Debug)]
enum Never {}

fn done<T>(result: Result<T, Never>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Ends the program: a shape of ours is made of something that [`Reader`](read::Reader) and
/// [`Builder`](build::Builder) do not know. The first test that reads or writes it tells.
fn unknown<T>() -> T {
    std::process::abort()
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl de::Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Never {
        unknown()
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Never {
        unknown()
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Never {
        unknown()
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Never {
        unknown()
    }
}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Never {
        unknown()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{read, write};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shape {
        count: u64,
        offset: i32,
        is: bool,
        name: Option<String>,
        list: Vec<Kind>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        Plain,
        Holding(u64),
    }

    #[test]
    fn reads_what_was_agreed_and_ignores_the_rest() {
        let text = r#"{ "count": 1, "offset": -2, "is": true, "list": ["plain", { "holding": 3 }], "more": [{}] }"#;
        let list = vec![Kind::Plain, Kind::Holding(3)];
        assert_eq!(
            read(text),
            Some(Shape {
                count: 1,
                offset: -2,
                is: true,
                name: None,
                list
            })
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"count":1,"offset":-2,"is":true,"name":"\u0001\"é","list":["plain",{"holding":3}]}"#;
        assert_eq!(read::<Shape>(text).map(|shape| write(&shape)).as_deref(), Some(text));
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_one_counts() {
        let text = r#"{ "count": 1, "offset": 1, "is": true, "list": [], "count": 2 }"#;
        assert_eq!(read::<Shape>(text).map(|shape| shape.count), Some(2));
    }

    #[test]
    fn anything_else_is_nothing() {
        let fits = r#"{ "count": 1, "offset": 1, "is": true, "name": null, "list": [] }"#;
        assert!(read::<Shape>(fits).is_some());
        for (from, to) in [
            ("1,", "-1,"),
            ("1,", "1.5,"),
            ("1,", "\"1\","),
            ("true", "1"),
            ("null", "7"),
            ("[]", "{}"),
            ("[]", "[\"other\"]"),
            ("[]", "[{}]"),
            ("[]", "[7]"),
            ("\"count\"", "\"amount\""),
            ("}", ""),
        ] {
            assert_eq!(read::<Shape>(&fits.replace(from, to)), None, "{from} {to}");
        }
        for text in ["", "[]", "[1, 1, true, null, []]", "null", "{}"] {
            assert_eq!(read::<Shape>(text), None, "{text}");
        }
    }
}
