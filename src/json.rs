//! Reads JSON, in one way everywhere.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a shape from JSON text; `None` when it is not that shape.
///
/// By way of a [`Value`]: the code that reads a shape straight from text is more than twice as large, for every shape,
/// and a page has to load it.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok().and_then(from_value)
}

/// Reads a shape from JSON that is parsed already.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}
