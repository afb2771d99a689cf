//! Makes trees of shapes.

use serde::Serialize;
use serde::ser::{Impossible, SerializeSeq, SerializeStruct, Serializer};

use super::value::Name;
use super::{Unfit, Value};

type Built = Result<Value, Unfit>;

/// Builds what our shapes are made of: numbers, texts, options, lists, objects, and enums as the wire has them. Nothing
/// else is built.
pub(super) struct Builder;

impl Serializer for Builder {
    type Ok = Value;
    type Error = Unfit;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Value, Unfit>;
    type SerializeTupleStruct = Impossible<Value, Unfit>;
    type SerializeTupleVariant = Impossible<Value, Unfit>;
    type SerializeMap = Impossible<Value, Unfit>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Value, Unfit>;

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
        Err(Unfit)
    }

    fn serialize_str(self, text: &str) -> Built {
        Ok(Value::Text(text.to_owned()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Built {
        Err(Unfit)
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
        Err(Unfit)
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

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Unfit> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unfit> {
        Err(Unfit)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unfit> {
        Err(Unfit)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unfit> {
        Err(Unfit)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unfit> {
        Err(Unfit)
    }

    fn serialize_struct(self, _: &'static str, count: usize) -> Result<Fields, Unfit> {
        Ok(Fields(Vec::with_capacity(count)))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unfit> {
        Err(Unfit)
    }
}

pub(super) struct Items(Vec<Value>);

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unfit> {
        self.0.push(item.serialize(Builder)?);
        Ok(())
    }

    fn end(self) -> Built {
        Ok(Value::List(self.0))
    }
}

pub(super) struct Fields(Vec<(Name, Value)>);

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Unfit;

    // One call per field and type is less code than its body in every shape.
    #[inline(never)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
        self.0.push((Name::Borrowed(name), value.serialize(Builder)?));
        Ok(())
    }

    fn end(self) -> Built {
        Ok(Value::Object(self.0))
    }
}
