use production_chat::uuid::{UuidGenerator, is_uuid};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn the_example_of_the_rfc_s_layout() {
    // RFC 9562, A.6: 2022-02-22T14:22:22-05:00. Its random bits have the top one set, which stays free here.
    let random = 0x0cc3_u128 << 62 | 0x18c4_dc0c_0c07_398f;
    let bytes: [u8; 10] = random.to_be_bytes()[6..].try_into().unwrap();
    let id = UuidGenerator::new().next(0x017f_22e2_79b0, bytes);
    assert_eq!(id, "017f22e2-79b0-74c3-98c4-dc0c0c07398f");
}

#[test]
fn counting_on_works_at_both_ends_of_randomness() {
    for random in [[0; 10], [0xff; 10]] {
        let mut generator = UuidGenerator::new();
        let ids: Vec<String> = (0..50).map(|_| generator.next(7, random)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            ids.iter().all(|id| id.starts_with("00000000-0007-7")),
            "still within the millisecond"
        );
    }
}

#[test]
fn uuids_are_told_from_other_texts() {
    assert!(is_uuid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
    assert!(is_uuid("00000000-0000-0000-0000-000000000000"));
    for wrong in [
        "",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f ",
        "017f22e2-79b0-7cc3-98c4-dc0c0c0739é",
        "------------------------------------",
    ] {
        assert!(!is_uuid(wrong), "{wrong}");
    }
}

#[test]
fn ids_of_before_are_followed_as_long_as_there_is_room_behind_them() {
    let followed = |id: &str| {
        let mut generator = UuidGenerator::new();
        generator.follow(id);
        generator.next(7, [0xff; 10])
    };
    for id in [
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "00000000-0007-7fff-bfff-ffffffffffff",
        "ffffffff-fffe-7fff-bfff-ffffffffffff",
    ] {
        let next = followed(id);
        assert!(is_uuid(&next) && *next > *id, "{next} after {id}");
        assert_eq!(&next[14..15], "7");
        // No further ahead than it must be.
        let time = |id: &str| u64::from_str_radix(&id[..13].replace('-', ""), 16).unwrap();
        assert_eq!(time(&next), time(id) + 1);
    }
    let unled = UuidGenerator::new().next(7, [0xff; 10]);
    for id in [
        "00000000-0006-7fff-bfff-ffffffffffff",
        "00000000-0000-7000-8000-000000000000",
        "ffffffff-ffff-7000-8000-000000000000",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "00017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "nonsense",
        "",
    ] {
        assert_eq!(followed(id), unled, "{id}");
    }
}

proptest! {
    #[test]
    fn what_follows_any_id_is_greater(then in 0_u64..1 << 40, now in 0_u64..1 << 40, random: [u8; 10]) {
        let id = UuidGenerator::new().next(then, random);
        let mut generator = UuidGenerator::new();
        generator.follow(&id);
        prop_assert!(generator.next(now, random) > id);
    }

    #[test]
    fn each_is_greater_than_the_one_before(calls in vec((0_u64..4, any::<[u8; 10]>()), 2..200)) {
        let mut generator = UuidGenerator::new();
        let mut last = String::new();
        for (step, random) in calls {
            // A clock that stands still, goes on and goes back.
            let id = generator.next(1_736_942_400_000 + step, random);
            prop_assert!(is_uuid(&id) && id > last, "{last} then {id}");
            prop_assert_eq!(&id[14..15], "7");
            prop_assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
            last = id;
        }
    }

    #[test]
    fn a_fresh_one_tells_its_time(now in 0_u64..1 << 48, random: [u8; 10]) {
        let id = UuidGenerator::new().next(now, random);
        prop_assert_eq!(format!("{}{}", &id[..8], &id[9..13]), format!("{now:012x}"));
    }
}
