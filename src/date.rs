//! The proleptic Gregorian calendar in days since the Unix epoch: as much of it as HTTP dates and months need.
//!
//! After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", for years from 1970 on.

/// Milliseconds of a day.
pub(crate) const DAY: u64 = 86_400_000;

/// Year, month (1 to 12) and day (1 to 31) of a day since the epoch.
pub(crate) fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, so that the leap day is a year's last.
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day since the epoch of a date; dates before 1970 give 0.
pub(crate) fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

/// Reads an HTTP date in any of its three forms (RFC 9110, 5.6.7), in milliseconds since the epoch. `now` decides the
/// century of a two-digit year: one that seems more than 50 years ahead is past.
pub(crate) fn parse_http_date(text: &str, now: u64) -> Option<u64> {
    // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`
    let mut words = [b"".as_slice(); 8];
    let found = text.as_bytes().split(|byte| b" ,-:".contains(byte));
    for (place, word) in found.filter(|word| !word.is_empty()).enumerate() {
        *words.get_mut(place)? = word;
    }
    let (day, month, year, time) = match words {
        [_, day, month, year, hour, minute, second, b"GMT"] => (day, month, year, [hour, minute, second]),
        [_, month, day, hour, minute, second, year, b""] => (day, month, year, [hour, minute, second]),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name.as_bytes() == month)? as u64 + 1;
    let year = match (digits(year)?, year.len()) {
        (year, 4) => year,
        (short, 2) => {
            let (this_year, ..) = civil_from_days(now / DAY);
            let year = this_year - this_year % 100 + short;
            if year > this_year + 50 { year - 100 } else { year }
        }
        _ => return None,
    };
    let day = digits(day).filter(|day| (1..=31).contains(day))?;
    let [hour, minute, second] = time;
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    // 60: a leap second.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // A day the month does not have, such as 30 February, comes back as another date.
    if days > 0 && civil_from_days(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// One to four ASCII digits.
fn digits(text: &[u8]) -> Option<u64> {
    crate::json::whole(text).filter(|_| text.len() <= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
        assert_eq!(civil_from_days(19_723), (2024, 1, 1));
        assert_eq!(days_from_civil(1960, 5, 5), 0);
    }

    #[test]
    fn there_and_back_for_four_centuries() {
        for days in 0..150_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
