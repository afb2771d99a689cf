//! Any bytes, in any pieces: the same events as in one piece, the same end, and never more kept than the bounds allow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use production_chat::sse::{Event, Parser, SseError};

const MAX_LINE: usize = 64;
const MAX_EVENT: usize = 256;

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Result<(), SseError>) {
    let mut parser = Parser::with_bounds(MAX_LINE, MAX_EVENT);
    let mut events = Vec::new();
    for piece in pieces {
        match parser.feed(piece) {
            Ok(more) => events.extend(more),
            Err(error) => return (events, Err(error)),
        }
    }
    (events, parser.finish())
}

// The first byte says how many follow that say where the stream is cut; the stream is the rest.
fuzz_target!(|input: &[u8]| {
    let Some((count, rest)) = input.split_first() else { return };
    let Some((cuts, stream)) = rest.split_at_checked(usize::from(*count)) else { return };
    let mut rest = stream;
    let pieces = cuts.iter().map_while(|cut| {
        let (piece, after) = rest.split_at_checked(usize::from(*cut) % 16)?;
        rest = after;
        Some(piece)
    });
    let pieces: Vec<&[u8]> = pieces.collect();
    let in_pieces = parse(pieces.into_iter().chain([rest]));
    let bytewise = parse(stream.chunks(1));
    assert_eq!(in_pieces.1.is_ok(), bytewise.1.is_ok());
    if bytewise.1.is_ok() {
        assert_eq!(in_pieces.0, bytewise.0);
    }
    for event in bytewise.0 {
        assert!(event.data.len() + event.event.len() <= 2 * MAX_EVENT, "beyond its bounds");
    }
});
