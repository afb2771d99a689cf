//! Makes shapes of trees.
//!
//! Derived code can take an object's fields by name, in whatever order they come, or one after the other in its own
//! order, and it can stop at the first that is wrong or go on. By name and with stops it is six times the code for every
//! shape. So [`Reader`] looks the names up itself, hands their values over in the shape's order, gives something blank
//! for what is missing or wrong, and notes that the whole does not fit. Variants of an enum likewise go by their place.

use std::cell::Cell;

use serde::de::value::U64Deserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Never, Value, done, unknown};

type Read<T> = Result<T, Never>;

/// Finds what is asked for, or notes that it does not fit.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// `None`: missing.
    value: Option<&'a Value>,
    fits: &'a Cell<bool>,
}

// Apart from derived code, so that there is one of each and not one for every shape.
impl<'a> Reader<'a> {
    pub(super) fn new(value: &'a Value, fits: &'a Cell<bool>) -> Reader<'a> {
        Reader {
            value: Some(value),
            fits,
        }
    }

    fn with(self, value: Option<&'a Value>) -> Reader<'a> {
        Reader { value, ..self }
    }

    #[inline(never)]
    fn unfit(self) {
        self.fits.set(false);
    }

    #[inline(never)]
    fn bool(self) -> bool {
        match self.value {
            Some(Value::Bool(is)) => *is,
            _ => {
                self.unfit();
                false
            }
        }
    }

    /// A whole number up to `max`.
    #[inline(never)]
    fn whole(self, max: u64) -> u64 {
        match self.value {
            Some(Value::Whole(number)) if *number <= max => *number,
            _ => {
                self.unfit();
                0
            }
        }
    }

    #[inline(never)]
    fn i32(self) -> i32 {
        let number = match self.value {
            Some(Value::Whole(number)) => i32::try_from(*number).ok(),
            Some(Value::Negative(number)) => i32::try_from(*number).ok(),
            _ => None,
        };
        number.unwrap_or_else(|| {
            self.unfit();
            0
        })
    }

    #[inline(never)]
    fn f64(self) -> f64 {
        match self.value {
            Some(Value::Whole(number)) => *number as f64,
            Some(Value::Negative(number)) => *number as f64,
            Some(Value::Float(number)) => *number,
            _ => {
                self.unfit();
                0.0
            }
        }
    }

    #[inline(never)]
    fn text(self) -> String {
        match self.value {
            Some(Value::Text(text)) => text.clone(),
            _ => {
                self.unfit();
                String::new()
            }
        }
    }

    #[inline(never)]
    fn is_none(self) -> bool {
        matches!(self.value, None | Some(Value::Null))
    }

    #[inline(never)]
    fn items(self) -> Items<'a> {
        let left = match self.value {
            Some(Value::List(items)) => items.as_slice(),
            _ => {
                self.unfit();
                &[]
            }
        };
        Items { of: self, left }
    }

    #[inline(never)]
    fn fields(self, names: &'static [&'static str]) -> Fields<'a> {
        if !matches!(self.value, Some(Value::Object(_))) {
            self.unfit();
        }
        Fields { of: self, names }
    }

    /// `"name"`, or `{ "name": what it holds }`.
    #[inline(never)]
    fn variant(self, names: &[&str]) -> Variant<'a> {
        let (name, held) = match self.value {
            Some(Value::Text(name)) => (name.as_str(), None),
            Some(Value::Object(fields)) => match fields.first() {
                Some((name, held)) => (name.as_ref(), Some(held)),
                None => ("", None),
            },
            _ => ("", None),
        };
        let place = names.iter().position(|known| *known == name);
        if place.is_none() {
            self.unfit();
        }
        Variant {
            place: place.unwrap_or(0) as u64,
            held: self.with(held),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Never;

    // Shapes of the wire say what they expect; none asks for whatever comes.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Read<V::Value> {
        unknown()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_bool(self.bool())
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_u64(self.whole(u64::MAX))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_u32(self.whole(u32::MAX.into()) as u32)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_u16(self.whole(u16::MAX.into()) as u16)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_i32(self.i32())
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_f64(self.f64())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_string(self.text())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.is_none() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        visitor.visit_seq(self.items())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_seq(self.fields(names))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_enum(self.variant(names))
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct map
        identifier ignored_any
    }
}

struct Items<'a> {
    of: Reader<'a>,
    left: &'a [Value],
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Never;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        let Some((item, left)) = self.left.split_first() else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(self.of.with(Some(item))).map(Some)
    }
}

/// The fields of an object in the order of `names`.
struct Fields<'a> {
    of: Reader<'a>,
    names: &'static [&'static str],
}

impl<'a> Fields<'a> {
    #[inline(never)]
    fn next(&mut self) -> Reader<'a> {
        let value = self.names.split_first().and_then(|(name, rest)| {
            self.names = rest;
            self.of.value?.field(name)
        });
        self.of.with(value)
    }

    #[inline(never)]
    fn take<'de, T: DeserializeSeed<'de>>(&mut self, seed: T) -> T::Value {
        done(seed.deserialize(self.next()))
    }
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Never;

    // Inlined, so that derived code sees that there is always one.
    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        Ok(Some(self.take(seed)))
    }
}

struct Variant<'a> {
    place: u64,
    held: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Never;
    type Variant = Held<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Held<'a>)> {
        let variant = seed.deserialize(U64Deserializer::<Never>::new(self.place))?;
        Ok((variant, Held(self.held)))
    }
}

struct Held<'a>(Reader<'a>);

impl<'de> VariantAccess<'de> for Held<'_> {
    type Error = Never;

    fn unit_variant(self) -> Read<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Read<V::Value> {
        unknown()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Read<V::Value> {
        unknown()
    }
}
