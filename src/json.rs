//! Reads JSON, in one way everywhere, and small: a page has to load this code.
//!
//! serde_json parses the text; what makes shapes of it is serde's derived code, and how much of that a module carries
//! depends on what its deserializer may call. serde_json's own may find an array where a field list is due, and says
//! in words what is wrong with every field. [`Reader`] finds an object or nothing, and says nothing, which is less than
//! half the code for every shape.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// Reads a shape from JSON text; `None` when it is not that shape.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    parse(text).and_then(from_value)
}

/// Parses JSON text; `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Reads a shape from JSON that is parsed already.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Option<T> {
    T::deserialize(Reader(value)).ok()
}

/// It is not the shape that was asked for.
#[derive(Debug)]
struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the shape that was agreed")
    }
}

impl std::error::Error for Unfit {}

impl de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Unfit {
        Unfit
    }
}

struct Reader(Value);

impl<'de> Deserializer<'de> for Reader {
    type Error = Unfit;

    // Shapes of the wire say what they expect; none asks for whatever comes.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_bool(self.0.as_bool().ok_or(Unfit)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_u64(self.0.as_u64().ok_or(Unfit)?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_i64(self.0.as_i64().ok_or(Unfit)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_f64(self.0.as_f64().ok_or(Unfit)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(Unfit),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_str(self.0.as_str().ok_or(Unfit)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            _ => Err(Unfit),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields(fields.into_iter(), Value::Null)),
            _ => Err(Unfit),
        }
    }

    /// `"name"`, or `{ "name": what it holds }`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant(name, Value::Null)),
            Value::Object(fields) => {
                let (name, held) = fields.into_iter().next().ok_or(Unfit)?;
                visitor.visit_enum(Variant(name, held))
            }
            _ => Err(Unfit),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        self.0.next().map(|item| seed.deserialize(Reader(item))).transpose()
    }
}

struct Fields(<Map<String, Value> as IntoIterator>::IntoIter, Value);

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        let Some((name, value)) = self.0.next() else {
            return Ok(None);
        };
        self.1 = value;
        seed.deserialize(Reader(Value::String(name))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        seed.deserialize(Reader(std::mem::take(&mut self.1)))
    }
}

struct Variant(String, Value);

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Unfit;
    type Variant = Held;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Held), Unfit> {
        Ok((seed.deserialize(Reader(Value::String(self.0)))?, Held(self.1)))
    }
}

struct Held(Value);

impl<'de> de::VariantAccess<'de> for Held {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unfit> {
        seed.deserialize(Reader(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Shape {
        count: u64,
        offset: i32,
        is: bool,
        name: Option<String>,
        list: Vec<Kind>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
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
