//! Makes shapes of trees.
//!
//! Derived code can take an object's fields by name, in whatever order they come, or one after the other in its own
//! order. The first way is three times the code for every shape. So [`Reader`] looks the names up itself and hands their
//! values over in the shape's order; variants of an enum likewise go by their place.

use serde::de::value::U64Deserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Unfit, Value};

type Read<T> = Result<T, Unfit>;

/// Finds what is asked for, or nothing.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a Value);

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Unfit;

    // Shapes of the wire say what they expect; none asks for whatever comes.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        Err(Unfit)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Bool(is) => visitor.visit_bool(*is),
            _ => Err(Unfit),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Whole(number) => visitor.visit_u64(*number),
            _ => Err(Unfit),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Whole(number) => visitor.visit_u64(*number),
            Value::Negative(number) => visitor.visit_i64(*number),
            _ => Err(Unfit),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Whole(number) => visitor.visit_f64(*number as f64),
            Value::Negative(number) => visitor.visit_f64(*number as f64),
            Value::Float(number) => visitor.visit_f64(*number),
            _ => Err(Unfit),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Text(text) => visitor.visit_string(text.clone()),
            _ => Err(Unfit),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.0 {
            Value::List(items) => visitor.visit_seq(Items(items)),
            _ => Err(Unfit),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match self.0 {
            Value::Object(_) => visitor.visit_seq(Fields { of: self.0, names }),
            _ => Err(Unfit),
        }
    }

    /// `"name"`, or `{ "name": what it holds }`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_enum(variant(self.0, names)?)
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map
        identifier ignored_any
    }
}

struct Items<'a>(&'a [Value]);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        let Some((item, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        self.0 = rest;
        seed.deserialize(Reader(item)).map(Some)
    }
}

/// The fields of an object in the order of `names`.
struct Fields<'a> {
    of: &'a Value,
    names: &'static [&'static str],
}

impl<'a> Fields<'a> {
    /// The next field's value, and whether it is there.
    #[inline(never)]
    fn next(&mut self) -> (&'a Value, bool) {
        let next = self.names.split_first().and_then(|(name, rest)| {
            self.names = rest;
            self.of.field(name)
        });
        (next.unwrap_or(&Value::Null), next.is_some())
    }
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Unfit;

    /// `None` is said of a missing field that cannot be `null`: serde then takes its default, or gives up.
    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        let (value, is_there) = self.next();
        match seed.deserialize(Reader(value)) {
            Ok(read) => Ok(Some(read)),
            Err(_) if !is_there => Ok(None),
            Err(unfit) => Err(unfit),
        }
    }
}

/// The place of the variant a value names, and what it holds.
#[inline(never)]
fn variant<'a>(value: &'a Value, names: &[&str]) -> Read<Variant<'a>> {
    let (name, held) = match value {
        Value::Text(name) => (name.as_str(), &Value::Null),
        Value::Object(fields) => match fields.first() {
            Some((name, held)) => (name.as_ref(), held),
            None => return Err(Unfit),
        },
        _ => return Err(Unfit),
    };
    let place = names.iter().position(|known| *known == name).ok_or(Unfit)?;
    Ok(Variant {
        place: place as u64,
        held,
    })
}

struct Variant<'a> {
    place: u64,
    held: &'a Value,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Unfit;
    type Variant = Held<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Held<'a>)> {
        let variant = seed.deserialize(U64Deserializer::<Unfit>::new(self.place))?;
        Ok((variant, Held(self.held)))
    }
}

struct Held<'a>(&'a Value);

impl<'de> VariantAccess<'de> for Held<'_> {
    type Error = Unfit;

    fn unit_variant(self) -> Read<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(Reader(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Read<V::Value> {
        Err(Unfit)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Read<V::Value> {
        Err(Unfit)
    }
}
