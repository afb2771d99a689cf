//! JSON as text (RFC 8259): read into a tree, and written from one.
//!
//! What a library carries beside (floats to the last digit, errors with line and column, streams) would be a tenth of
//! what a page loads; a property test compares this with serde_json.

use super::Value;
use super::value::Name;

/// Deeper than this nothing of ours goes, and a hostile text must not use up the stack.
const MAX_DEPTH: u32 = 64;

/// Reads a text; `None` when it is not JSON.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(MAX_DEPTH)?;
    (parser.next_token().is_none()).then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, without taking it.
    fn next_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.peek()
    }

    fn eat(&mut self, token: u8) -> Option<()> {
        (self.next_token() == Some(token)).then(|| self.at += 1)
    }

    fn word<T>(&mut self, word: &str, value: T) -> Option<T> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        match self.next_token()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b'"' => self.string().map(Value::Text),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: u32) -> Option<Value> {
        let mut items = Vec::new();
        self.eat(b'[')?;
        if self.eat(b']').is_some() {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.eat(b',').is_none() {
                self.eat(b']')?;
                return Some(Value::List(items));
            }
        }
    }

    fn object(&mut self, depth: u32) -> Option<Value> {
        let mut fields = Vec::new();
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(Value::Object(fields));
        }
        loop {
            self.next_token();
            let name = self.string()?;
            self.eat(b':')?;
            fields.push((Name::Owned(name), self.value(depth)?));
            if self.eat(b',').is_none() {
                self.eat(b'}')?;
                return Some(Value::Object(fields));
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut read = String::new();
        self.eat(b'"')?;
        loop {
            let from = self.at;
            while !matches!(self.peek()?, b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            // Stops at ASCII, so it never cuts a character.
            read.push_str(self.text.get(from..self.at)?);
            let stop = self.peek()?;
            self.at += 1;
            match stop {
                b'"' => return Some(read),
                b'\\' => read.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.unit()?;
                // Half of a pair alone is no character.
                if (0xd800..0xdc00).contains(&code) {
                    self.word("\\u", ())?;
                    let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    code = 0x1_0000 + ((code - 0xd800) << 10) + low;
                }
                char::from_u32(code)?
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | char::from(self.peek()?).to_digit(16)?;
            self.at += 1;
        }
        Some(unit)
    }

    /// Takes in digits after those of `number`. Returns how many there were; `None`: none at all.
    fn digits(&mut self, number: &mut Decimal) -> Option<u32> {
        let from = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number.push(digit - b'0');
            self.at += 1;
        }
        u32::try_from(self.at - from).ok().filter(|count| *count > 0)
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.word("-", ()).is_some();
        let leading_zero = self.peek() == Some(b'0');
        let mut number = Decimal::default();
        if self.digits(&mut number)? > 1 && leading_zero {
            return None;
        }
        let mut is_whole = true;
        if self.word(".", ()).is_some() {
            is_whole = false;
            let count = self.digits(&mut number)?;
            number.exponent = number.exponent.saturating_sub_unsigned(count);
        }
        if self.word("e", ()).or_else(|| self.word("E", ())).is_some() {
            is_whole = false;
            let below = self.word("-", ()).is_some();
            if !below {
                self.word("+", ());
            }
            let mut power = Decimal::default();
            self.digits(&mut power)?;
            let power = i32::try_from(power.digits).unwrap_or(i32::MAX);
            let power = if below { -power } else { power };
            number.exponent = number.exponent.saturating_add(power);
        }
        if is_whole && number.exponent == 0 {
            if !negative {
                return Some(Value::Whole(number.digits));
            }
            if let Some(below) = 0_i64.checked_sub_unsigned(number.digits) {
                return Some(Value::Negative(below));
            }
        }
        Some(Value::Float(number.float(negative)))
    }
}

/// `digits * 10 ^ exponent`
#[derive(Default)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

impl Decimal {
    fn push(&mut self, digit: u8) {
        let longer = self.digits.checked_mul(10).and_then(|it| it.checked_add(digit.into()));
        match longer {
            Some(longer) if self.exponent == 0 => self.digits = longer,
            // More than fits: its place counts, its value no longer matters.
            _ => self.exponent = self.exponent.saturating_add(1),
        }
    }

    /// Exact to the last bit up to fifteen digits and twenty-two places, which is what people write.
    fn float(&self, negative: bool) -> f64 {
        let mut power = 1.0;
        for _ in 0..self.exponent.unsigned_abs().min(400) {
            power *= 10.0;
        }
        let size = self.digits as f64;
        let size = if self.exponent < 0 { size / power } else { size * power };
        if negative { -size } else { size }
    }
}

/// Writes a tree as text.
pub(super) fn write(value: &Value, to: &mut String) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        Value::Whole(number) => write_whole(*number, to),
        Value::Negative(number) => {
            to.push('-');
            write_whole(number.unsigned_abs(), to);
        }
        // As JavaScript writes what is no number. Only what is shown has fractions, and that is not written as text.
        Value::Float(_) => to.push_str("null"),
        Value::Text(text) => write_string(text, to),
        Value::List(items) => {
            to.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                write(item, to);
            }
            to.push(']');
        }
        Value::Object(fields) => {
            to.push('{');
            for (place, (name, value)) in fields.iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                write_string(name, to);
                to.push(':');
                write(value, to);
            }
            to.push('}');
        }
    }
}

/// Writes a number in decimal digits.
pub(crate) fn write_whole(number: u64, to: &mut String) {
    if number >= 10 {
        write_whole(number / 10, to);
    }
    to.push(char::from(b'0' + (number % 10) as u8));
}

fn write_string(text: &str, to: &mut String) {
    to.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => to.extend(['\\', letter]),
            '\0'..='\u{1f}' => {
                to.push_str("\\u00");
                let code = letter as u32;
                to.extend([code >> 4, code & 15].map(|digit| char::from_digit(digit, 16).unwrap_or('0')));
            }
            _ => to.push(letter),
        }
    }
    to.push('"');
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
