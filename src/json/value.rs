//! JSON as a tree.

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

/// A name in an object: ours are known, the server's are read.
pub(crate) type Name = Cow<'static, str>;

/// Any JSON.
#[derive(Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A whole number from 0 on.
    Whole(u64),
    /// A whole number below 0.
    Negative(i64),
    /// Any other number.
    Float(f64),
    Text(String),
    List(Vec<Value>),
    /// In the order in which they were written.
    Object(Vec<(Name, Value)>),
}

impl Value {
    /// The version of what is stored or told: its field `v`.
    pub(crate) fn version(&self) -> Option<u64> {
        match self.field("v")? {
            Value::Whole(version) => Some(*version),
            _ => None,
        }
    }

    /// A field of an object. Of a name that is there twice the last one counts, as in JavaScript.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        let Value::Object(fields) = self else { return None };
        fields
            .iter()
            .rev()
            .find(|(held, _)| held == name)
            .map(|(_, value)| value)
    }
}

/// For what makes JavaScript's objects of it.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => to.serialize_unit(),
            Value::Bool(is) => to.serialize_bool(*is),
            // JavaScript has one kind of number.
            Value::Whole(number) => to.serialize_f64(*number as f64),
            Value::Negative(number) => to.serialize_f64(*number as f64),
            Value::Float(number) => to.serialize_f64(*number),
            Value::Text(text) => to.serialize_str(text),
            Value::List(items) => to.collect_seq(items),
            Value::Object(fields) => to.collect_map(fields.iter().map(|(name, value)| (name, value))),
        }
    }
}
