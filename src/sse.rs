//! A push parser for event streams: the WHATWG algorithm (HTML standard, 9.2.6), with bounds.

use crate::{Millis, json};
use std::fmt;

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` when the stream names none.
    pub event: String,
    /// Its data; several lines are joined by line feeds.
    pub data: String,
    /// The last id the stream gave; empty when none.
    pub id: String,
}

/// The stream is not one this parser takes. Nothing more is read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SseError {
    /// A line is longer than the bound (bytes).
    LineTooLong(usize),
    /// An event's data is larger than the bound (bytes).
    EventTooLarge(usize),
}

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SseError::LineTooLong(max) => write!(f, "a line of the event stream is longer than {max} bytes"),
            SseError::EventTooLarge(max) => write!(f, "an event of the stream is larger than {max} bytes"),
        }
    }
}

impl std::error::Error for SseError {}

/// Takes bytes as they come, in pieces of any size, and gives events as they end.
#[derive(Debug, Clone)]
pub struct Parser {
    max_line: usize,
    max_event: usize,
    /// The line under way, as bytes: a character may be split between two pieces.
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_cr: bool,
    /// No line has ended yet: a byte order mark may stand here.
    at_start: bool,
    event: String,
    data: String,
    last_id: String,
    retry: Option<Millis>,
    failed: Option<SseError>,
}

impl Default for Parser {
    fn default() -> Self {
        Parser::new()
    }
}

impl Parser {
    /// Bounds of 1 MiB a line and 2 MiB an event.
    pub fn new() -> Parser {
        Parser::with_bounds(1 << 20, 2 << 20)
    }

    /// Bounds in bytes: of a line without its end, and of an event's data.
    pub fn with_bounds(max_line: usize, max_event: usize) -> Parser {
        Parser {
            max_line,
            max_event,
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            event: String::new(),
            data: String::new(),
            last_id: String::new(),
            retry: None,
            failed: None,
        }
    }

    /// Takes the next piece and returns the events that end in it.
    ///
    /// # Errors
    /// [`SseError`] when a bound is exceeded. Events that ended before it in the same piece are returned first; the
    /// error follows with the next call, so that what comes out does not depend on where the stream was split.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut events = Vec::new();
        match self.read(piece, &mut events) {
            Ok(()) => Ok(events),
            Err(error) => {
                self.failed = Some(error);
                self.line = Vec::new();
                self.data = String::new();
                if events.is_empty() { Err(error) } else { Ok(events) }
            }
        }
    }

    /// The stream has ended. An event without its empty line is dropped, as the standard says.
    ///
    /// # Errors
    /// The error [`Parser::feed`] had still to tell.
    pub fn finish(self) -> Result<(), SseError> {
        self.failed.map_or(Ok(()), Err)
    }

    /// How long the stream asks to wait before connecting again (milliseconds), if it did.
    pub fn retry(&self) -> Option<Millis> {
        self.retry
    }

    fn read(&mut self, piece: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        let mut rest = piece;
        while let Some(first) = rest.first() {
            let after_cr = std::mem::take(&mut self.after_cr);
            if after_cr && *first == b'\n' {
                rest = rest.split_at(1).1;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + line.len() > self.max_line {
                return Err(SseError::LineTooLong(self.max_line));
            }
            self.line.extend_from_slice(line);
            let Some((end, behind)) = behind.split_first() else {
                break;
            };
            self.after_cr = *end == b'\r';
            self.end_line(events)?;
            rest = behind;
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), SseError> {
        let bytes = std::mem::take(&mut self.line);
        let bytes = bytes.as_slice();
        let bytes = match std::mem::take(&mut self.at_start) {
            true => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            false => bytes,
        };
        // No character contains the bytes of a line's end, so decoding line by line equals decoding the whole.
        let line = String::from_utf8_lossy(bytes);
        if line.is_empty() {
            self.dispatch(events);
            return Ok(());
        }
        let (field, value) = match line.split_once(':') {
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (line.as_ref(), ""),
        };
        match field {
            "event" => self.event = value.to_owned(),
            "data" => {
                if self.data.len() + value.len() >= self.max_event {
                    return Err(SseError::EventTooLarge(self.max_event));
                }
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.last_id = value.to_owned(),
            "retry" => self.retry = json::whole(value.as_bytes()).or(self.retry),
            // A comment has no name; what is unknown is ignored.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return;
        }
        data.pop();
        let event = if event.is_empty() { "message".to_owned() } else { event };
        events.push(Event {
            event,
            data,
            id: self.last_id.clone(),
        });
    }
}
