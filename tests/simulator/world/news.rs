//! The newest usage that reached a tab, from the server or from the other tab.

use serde::Deserialize;

use super::World;

/// What tabs tell each other, where it is about usage.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldUsage {
    user_id: String,
    news: News,
}

#[derive(Deserialize)]
struct News {
    usage: Version,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl World {
    pub(super) fn learn_from_tab(&mut self, tab: usize, text: &str) {
        if let Ok(told) = serde_json::from_str::<ToldUsage>(text) {
            self.learn(tab, (told.user_id, told.news.usage.version));
        }
    }

    pub fn learn(&mut self, tab: usize, usage: (String, u64)) {
        let knows = &mut self.tabs[tab].knows;
        match knows {
            Some(known) if known.0 == usage.0 && known.1 >= usage.1 => {}
            _ => *knows = Some(usage),
        }
    }
}
