//! The pages against a model of the server whose replies and events come late, twice, in any order or never.

mod server;

use production_chat::cache::Weigh;
use production_chat::message::{Message, MessagePage};
use production_chat::pages::Pages;
use proptest::collection::vec;
use proptest::prelude::*;

use server::Server;

fn seqs(pages: &Pages) -> Vec<u64> {
    pages.messages().map(|message| message.seq).collect()
}

const SIZE: usize = 6;

#[test]
fn paging_back_shows_everything_once() {
    let server = Server::with_turns(60);
    let mut pages = Pages::new();
    assert!(!pages.is_loaded() && !pages.has_next());
    pages.merge_latest(server.page(None, 50));
    assert_eq!((pages.len(), pages.next_cursor()), (50, Some(71)));
    let mut requests = 0;
    while let Some(cursor) = pages.next_cursor() {
        assert!(pages.merge_older(server.page(Some(cursor), 50), cursor));
        requests += 1;
    }
    assert_eq!((requests, seqs(&pages)), (2, (1..=120).collect()));
}

#[test]
fn an_exactly_full_page_knows_that_it_is_the_last() {
    let mut pages = Pages::new();
    pages.merge_latest(Server::with_turns(3).page(None, SIZE));
    assert_eq!((pages.len(), pages.has_next()), (6, false));
}

#[test]
fn a_page_that_no_longer_connects_starts_anew() {
    let mut server = Server::with_turns(10);
    let mut pages = Pages::new();
    pages.merge_latest(server.page(None, SIZE));
    let old_cursor = pages.next_cursor().unwrap();
    let old_page = server.page(Some(old_cursor), SIZE);
    for id in 10..20 {
        server.reserve(id);
        server.settle();
    }
    // The newest message came as an event, beyond a gap.
    pages.upsert(server.messages.last().unwrap().clone());
    pages.merge_latest(server.page(None, SIZE));
    assert_eq!(seqs(&pages), [35, 36, 37, 38, 39, 40]);
    assert_eq!(pages.next_cursor(), Some(35));
    assert!(
        !pages.merge_older(old_page, old_cursor),
        "asked before the window moved"
    );
}

#[test]
fn a_message_never_goes_back() {
    let mut server = Server::with_turns(1);
    server.reserve(1);
    let early = server.page(None, SIZE);
    server.stream();
    let streamed = server.messages.last().unwrap().clone();
    let done = server.settle().unwrap();
    let mut pages = Pages::new();
    pages.merge_latest(early.clone());
    pages.upsert(streamed.clone());
    pages.merge_latest(early.clone());
    assert_eq!(pages.get(&streamed.id), Some(&streamed));
    pages.upsert(done.clone());
    pages.upsert(streamed);
    pages.merge_latest(early);
    pages.upsert(Message {
        cost_micro_usd: None,
        ..done.clone()
    });
    assert_eq!(pages.get(&done.id), Some(&done));
}

#[test]
fn what_was_sent_while_a_page_was_on_its_way_stays() {
    let mut server = Server::with_turns(2);
    let on_its_way = server.page(None, SIZE);
    let sent = server.reserve(2);
    let mut pages = Pages::new();
    sent.into_iter().for_each(|message| pages.upsert(message));
    pages.merge_latest(on_its_way);
    assert_eq!(seqs(&pages), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_live_answer_without_a_row_stays() {
    let mut server = Server::with_turns(1);
    let sent = server.reserve(1);
    server.messages.pop();
    let mut pages = Pages::new();
    sent.into_iter().for_each(|message| pages.upsert(message));
    pages.merge_latest(server.page(None, SIZE));
    assert_eq!(seqs(&pages), [1, 2, 3, 4]);
}

#[test]
fn a_released_turn_leaves_and_its_retry_has_a_new_place() {
    let mut server = Server::with_turns(1);
    let sent = server.reserve(1);
    let stale = server.page(None, SIZE);
    let mut pages = Pages::new();
    pages.merge_latest(stale.clone());
    for message in server.release() {
        assert!(pages.remove(&message.id).is_some());
    }
    pages.merge_latest(stale.clone());
    sent.into_iter().for_each(|message| pages.upsert(message));
    assert_eq!(seqs(&pages), [1, 2], "late news does not bring it back");
    server.reserve(1);
    pages.merge_latest(server.page(None, SIZE));
    pages.merge_latest(stale);
    assert_eq!(seqs(&pages), [1, 2, 5, 6]);
}

#[test]
fn late_news_of_a_first_attempt_does_not_move_the_second() {
    let mut server = Server::default();
    server.reserve(1);
    let stale = server.page(None, SIZE);
    server.release();
    let mut pages = Pages::new();
    server.reserve(1).into_iter().for_each(|message| pages.upsert(message));
    pages.merge_latest(stale);
    assert_eq!(pages.get("turn-1").unwrap().seq, 3);
}

#[test]
fn a_regenerated_answer_takes_the_place_and_gives_it_back_when_it_fails() {
    let mut server = Server::with_turns(2);
    let mut pages = Pages::new();
    pages.merge_latest(server.page(None, SIZE));
    let (answer, replaces_seq) = server.regenerate().unwrap();
    pages.supersede(answer.clone(), replaces_seq);
    pages.supersede(answer, replaces_seq);
    assert_eq!(seqs(&pages), [1, 2, 3, 5]);
    for message in server.release() {
        pages.remove(&message.id);
    }
    pages.merge_latest(server.page(None, SIZE));
    assert_eq!(seqs(&pages), [1, 2, 3, 4]);
}

#[test]
fn a_regenerated_answer_replaces_nothing_else_across_a_gap() {
    let mut server = Server::default();
    let mut pages = Pages::new();
    server.reserve(0);
    pages.upsert(server.settle().unwrap());
    server.reserve(1);
    server.settle();
    // Of the second turn nothing was heard: what stands before the new answer here is not what it replaces.
    let (answer, replaces_seq) = server.regenerate().unwrap();
    pages.supersede(answer, replaces_seq);
    assert_eq!(seqs(&pages), [2, 5]);
    pages.merge_latest(server.page(None, SIZE));
    assert_eq!(seqs(&pages), [1, 2, 3, 5]);
}

#[test]
fn growth_in_place_is_weighed() {
    let mut server = Server::with_turns(2);
    let mut pages = Pages::new();
    pages.merge_latest(server.page(None, SIZE));
    let before = pages.weigh();
    assert!(pages.change("turn-1", |message| message.content += "12345"));
    assert!(!pages.change("turn-9", |_| ()));
    assert_eq!(pages.weigh(), before + 5);
    server.messages.clear();
    server.now += 1;
    pages.merge_latest(server.page(None, SIZE));
    assert!(pages.is_empty() && pages.weigh() < before);
}

#[test]
fn a_page_that_promises_more_and_holds_nothing_is_not_believed() {
    let mut pages = Pages::new();
    let empty = MessagePage {
        has_more: true,
        ..Server::default().page(None, SIZE)
    };
    pages.merge_latest(empty.clone());
    assert!(!pages.has_next());
    pages.merge_latest(Server::with_turns(5).page(None, SIZE));
    let cursor = pages.next_cursor().unwrap();
    assert!(pages.merge_older(empty, cursor));
    assert!(!pages.has_next());
}

#[derive(Debug, Clone)]
enum Step {
    Reserve(u64),
    Regenerate,
    Stream,
    Settle,
    Release,
    /// Asks for the newest page; it arrives after so many further steps.
    FetchLatest(usize),
    FetchOlder(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..12).prop_map(Step::Reserve),
        2 => Just(Step::Regenerate),
        2 => Just(Step::Stream),
        5 => Just(Step::Settle),
        2 => Just(Step::Release),
        3 => (0_usize..6).prop_map(Step::FetchLatest),
        2 => (0_usize..6).prop_map(Step::FetchOlder),
    ]
}

enum Reply {
    Latest(MessagePage),
    Older(MessagePage, u64),
    Put(Message),
    Superseded(Message, u64),
    Gone(Message),
}

impl Reply {
    fn apply(self, pages: &mut Pages) {
        match self {
            Reply::Latest(page) => pages.merge_latest(page),
            Reply::Older(page, cursor) => drop(pages.merge_older(page, cursor)),
            Reply::Put(message) => pages.upsert(message),
            Reply::Superseded(answer, replaces_seq) => pages.supersede(answer, replaces_seq),
            // A client takes out what an attempt left before it tries again: late news is of an attempt long over.
            Reply::Gone(message) if pages.get(&message.id).is_some_and(|held| held.seq != message.seq) => {}
            Reply::Gone(message) => drop(pages.remove(&message.id)),
        }
    }
}

fn assert_sound(pages: &Pages) {
    assert!(seqs(pages).is_sorted_by(|a, b| a < b));
    let mut ids: Vec<&str> = pages.messages().map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "each message once");
    assert!(
        pages
            .next_cursor()
            .is_none_or(|cursor| seqs(pages).iter().all(|seq| *seq >= cursor))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Events (kept or lost) and pages arrive in any order. After one page read last, what is held is exactly what the
    /// server has from the cursor on; after paging back, it is everything.
    #[test]
    fn any_order_converges(steps in vec((any_step(), prop::bool::weighted(0.8), 0_usize..4), 0..60)) {
        let mut server = Server::default();
        let mut pages = Pages::new();
        let mut on_its_way: Vec<(usize, Reply)> = Vec::new();
        for (number, (step, heard, delay)) in steps.into_iter().enumerate() {
            let mut events = Vec::new();
            match step {
                Step::Reserve(id) => events.extend(server.reserve(id).into_iter().map(Reply::Put)),
                Step::Regenerate => events.extend(server.regenerate().map(|(answer, seq)| Reply::Superseded(answer, seq))),
                Step::Stream => {
                    server.stream();
                    events.extend(server.messages.last().cloned().map(Reply::Put));
                }
                Step::Settle => events.extend(server.settle().map(Reply::Put)),
                Step::Release => events.extend(server.release().into_iter().map(Reply::Gone)),
                Step::FetchLatest(delay) => on_its_way.push((number + delay, Reply::Latest(server.page(None, SIZE)))),
                Step::FetchOlder(delay) => {
                    if let Some(cursor) = pages.next_cursor() {
                        let page = server.page(Some(cursor), SIZE);
                        on_its_way.push((number + delay, Reply::Older(page, cursor)));
                    }
                }
            }
            if heard {
                on_its_way.extend(events.into_iter().map(|event| (number + delay, event)));
            }
            let (arrived, later) = on_its_way.into_iter().partition(|(at, _)| *at <= number);
            on_its_way = later;
            for (_, reply) in arrived {
                reply.apply(&mut pages);
                assert_sound(&pages);
            }
        }
        on_its_way.into_iter().for_each(|(_, reply)| reply.apply(&mut pages));

        pages.merge_latest(server.page(None, SIZE));
        assert_sound(&pages);
        let from = pages.next_cursor().unwrap_or(0);
        let expected: Vec<&Message> = server.messages.iter().filter(|message| message.seq >= from).collect();
        prop_assert_eq!(pages.messages().collect::<Vec<_>>(), expected);
        while let Some(cursor) = pages.next_cursor() {
            prop_assert!(pages.merge_older(server.page(Some(cursor), SIZE), cursor));
        }
        prop_assert_eq!(pages.messages().collect::<Vec<_>>(), server.messages.iter().collect::<Vec<_>>());
    }
}
