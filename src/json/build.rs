//! Makes trees of shapes.

use serde::Serialize;
use serde::ser::{Impossible, SerializeSeq, SerializeStruct, Serializer};

use super::value::Name;
use super::{Never, Value, done, unknown};

type Built = Result<Value, Never>;

/// Builds what our shapes are made of: numbers, texts, options, lists, objects, and enums as the wire has them. Nothing
/// else is built.
pub(super) struct Builder;

impl Serializer for Builder {
    type Ok = Value;
    type Error = Never;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Value, Never>;
    type SerializeTupleStruct = Impossible<Value, Never>;
    type SerializeTupleVariant = Impossible<Value, Never>;
    type SerializeMap = Impossible<Value, Never>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Value, Never>;

    fn serialize_bool(self, is: bool) -> Built {
        Ok(Value::Bool(is))
    }

    fn serialize_i8(self, number: i8) -> Built {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Built {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Built {
        self.serialize_i64(number.into())
    }

    fn serialize_i64(self, number: i64) -> Built {
        Ok(u64::try_from(number).map_or(Value::Negative(number), Value::Whole))
    }

    fn serialize_u8(self, number: u8) -> Built {
        self.serialize_u64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Built {
        self.serialize_u64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Built {
        self.serialize_u64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Built {
        Ok(Value::Whole(number))
    }

    fn serialize_f32(self, number: f32) -> Built {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Built {
        Ok(Value::Float(number))
    }

    fn serialize_char(self, _: char) -> Built {
        unknown()
    }

    fn serialize_str(self, text: &str) -> Built {
        Ok(of_text(text))
    }

    fn serialize_bytes(self, _: &[u8]) -> Built {
        unknown()
    }

    fn serialize_none(self) -> Built {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Built {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Built {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Built {
        unknown()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Built {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Built {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Built {
        let held = value.serialize(self)?;
        Ok(Value::Object(vec![(Name::Borrowed(name), held)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Never> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Never> {
        unknown()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Never> {
        unknown()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Never> {
        unknown()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Never> {
        unknown()
    }

    fn serialize_struct(self, _: &'static str, count: usize) -> Result<Fields, Never> {
        Ok(Fields(Vec::with_capacity(count)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Never> {
        unknown()
    }
}

#[inline(never)]
fn of_text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(super) struct Items(Vec<Value>);

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Never;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Never> {
        self.0.push(done(item.serialize(Builder)));
        Ok(())
    }

    fn end(self) -> Built {
        Ok(Value::List(self.0))
    }
}

pub(super) struct Fields(Vec<(Name, Value)>);

impl Fields {
    #[inline(never)]
    fn push(&mut self, name: &'static str, value: Value) {
        self.0.push((Name::Borrowed(name), value));
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Never;

    // One call per field and type is less code than its body in every shape.
    #[inline(never)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Never> {
        self.push(name, done(value.serialize(Builder)));
        Ok(())
    }

    fn end(self) -> Built {
        Ok(Value::Object(self.0))
    }
}
