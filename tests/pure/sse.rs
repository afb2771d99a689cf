//! The examples of the HTML standard, 9.2, and a parser that sees the whole stream at once as the oracle.

use production_chat::sse::{Event, Parser, SseError};
use proptest::collection::vec;
use proptest::prelude::*;

fn event(event: &str, data: &str, id: &str) -> Event {
    Event {
        event: event.to_owned(),
        data: data.to_owned(),
        id: id.to_owned(),
    }
}

fn message(data: &str) -> Event {
    event("message", data, "")
}

fn parse(stream: &str) -> Vec<Event> {
    Parser::new().feed(stream.as_bytes()).unwrap()
}

#[test]
fn the_standard_s_examples() {
    assert_eq!(
        parse(
            "data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\ndata: This is the third message.\n\n"
        ),
        [
            message("This is the first message."),
            message("This is the second message, it\nhas two lines."),
            message("This is the third message."),
        ]
    );
    assert_eq!(
        parse("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n"),
        [
            event("add", "73857293", ""),
            event("remove", "2153", ""),
            event("add", "113411", "")
        ]
    );
    assert_eq!(parse("data: YHOO\ndata: +2\ndata: 10\n\n"), [message("YHOO\n+2\n10")]);
    // A comment; an id that stays; an id taken back; a space that belongs to the data; an event without its end.
    assert_eq!(
        parse(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\ndata: lost"),
        [
            event("message", "first event", "1"),
            message("second event"),
            message(" third event")
        ]
    );
    assert_eq!(parse("data\n\ndata\ndata\n\ndata:"), [message(""), message("\n")]);
    assert_eq!(parse("data:test\n\ndata: test\n\n"), [message("test"), message("test")]);
}

#[test]
fn lines_end_in_three_ways() {
    assert_eq!(parse("data: a\r\ndata: b\rdata: c\n\r\n"), [message("a\nb\nc")]);
    let mut parser = Parser::new();
    assert_eq!(
        parser.feed(b"data: a\r\n\r").unwrap(),
        [message("a")],
        "a carriage return alone ends a line at once"
    );
    assert_eq!(parser.feed(b"\ndata: b\n\n").unwrap(), [message("b")]);
}

#[test]
fn one_byte_order_mark_is_not_text() {
    assert_eq!(parse("\u{feff}data: a\n\n"), [message("a")]);
    assert_eq!(parse("\u{feff}\u{feff}data: a\n\n"), []);
    assert_eq!(parse("\n\u{feff}data: a\n\n"), []);
}

#[test]
fn ids_and_retries() {
    assert_eq!(
        parse("id: 7\n\ndata: a\n\nid: \u{0}8\ndata: b\n\n"),
        [event("message", "a", "7"), event("message", "b", "7")]
    );
    let mut parser = Parser::new();
    parser.feed(b"retry: 3000\nretry: soon\nretry:\n").unwrap();
    assert_eq!(parser.retry(), Some(3_000));
}

#[test]
fn an_event_without_data_is_none_and_its_name_is_forgotten() {
    assert_eq!(parse("event: a\n\ndata: b\n\n"), [message("b")]);
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced() {
    let events = Parser::new().feed(b"data: a\xe2\x82\n\ndata: \xff\n\n").unwrap();
    assert_eq!(events, [message("a\u{fffd}"), message("\u{fffd}")]);
}

#[test]
fn what_is_too_long_is_an_error_and_stays_one() {
    let mut parser = Parser::with_bounds(10, 20);
    assert_eq!(
        parser.feed(b"data: a\n\ndata: 7890123"),
        Ok(vec![message("a")]),
        "first what ended before"
    );
    assert_eq!(parser.feed(b"\n\ndata: b\n\n"), Err(SseError::LineTooLong(10)));
    assert_eq!(parser.finish(), Err(SseError::LineTooLong(10)));
    let mut parser = Parser::with_bounds(10, 5);
    assert_eq!(
        parser.feed(b"data: a\ndata: b\ndata: c\n"),
        Err(SseError::EventTooLarge(5))
    );
    assert!(SseError::EventTooLarge(5).to_string().contains("5 bytes"));
}

#[test]
fn memory_stays_bounded_on_an_endless_line() {
    let mut parser = Parser::with_bounds(1_000, 1_000);
    let failed = (0..1_000).find(|_| parser.feed(&[b'x'; 100]).is_err());
    assert_eq!(failed, Some(10));
}

/// The standard's steps on the whole stream at once, without bounds.
fn oracle(stream: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(stream);
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let (mut events, mut name, mut data, mut id) = (Vec::new(), "", String::new(), "");
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                let name = if name.is_empty() { "message" } else { name };
                events.push(event(name, &data[..data.len() - 1], id));
            }
            (name, data) = ("", String::new());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value,
            "data" => data += &format!("{value}\n"),
            "id" if !value.contains('\0') => id = value,
            _ => {}
        }
    }
    events
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&'static [u8]> = vec![
        b"data",
        b"event",
        b"id",
        b"retry",
        b":",
        b": ",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"a",
        b"12",
        b"\0",
        "\u{feff}".as_bytes(),
        "é".as_bytes(),
        "🦀".as_bytes(),
        b"\xf0\x9f",
        b"\x80",
        b"data: x\n\n",
    ];
    vec(prop::sample::select(parts), 0..40).prop_map(|parts| parts.concat())
}

/// Everything a parser says of a stream cut at `cuts`: its events, then its error.
fn in_pieces(mut parser: Parser, stream: &[u8], cuts: &[usize]) -> (Vec<Event>, Option<SseError>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    let mut events = Vec::new();
    for pair in cuts.windows(2) {
        match parser.feed(&stream[pair[0]..pair[1]]) {
            Ok(more) => events.extend(more),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, parser.finish().err())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn equal_events_for_every_split(stream in any_stream(), cuts in vec(any::<usize>(), 0..8)) {
        let expected = (oracle(&stream), None);
        prop_assert_eq!(&in_pieces(Parser::new(), &stream, &cuts), &expected);
        let each_byte: Vec<usize> = (0..stream.len()).collect();
        prop_assert_eq!(&in_pieces(Parser::new(), &stream, &each_byte), &expected);
    }

    #[test]
    fn equal_errors_for_every_split(stream in any_stream(), cuts in vec(any::<usize>(), 0..8)) {
        let bounded = || Parser::with_bounds(12, 6);
        prop_assert_eq!(in_pieces(bounded(), &stream, &cuts), in_pieces(bounded(), &stream, &[]));
    }

    #[test]
    fn no_bytes_are_too_much(stream: Vec<u8>) {
        let _ = Parser::with_bounds(16, 16).feed(&stream);
    }
}
