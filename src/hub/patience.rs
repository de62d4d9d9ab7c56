//! Trying again: how often, and how long to wait in between. A new byte renews it.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::address::Address;
use super::client::Limits;
use super::error::{HubError, Tries};
use crate::progress::{Event, Progress};

/// No wait of ours is longer.
const LONGEST_OWN: Duration = Duration::from_secs(30);
/// Nobody is asked to sit through a longer one.
const LONGEST_ASKED: Duration = Duration::from_secs(900);
/// A wait that is worth a sentence.
const WORTH_TELLING: Duration = Duration::from_secs(5);
/// How soon a wait notices that it is in vain.
const GLANCE: Duration = Duration::from_millis(50);

/// What several requests share: how often anything was tried again, and whether all should stop.
#[derive(Debug, Default)]
pub struct Shared {
    pub retries: AtomicU64,
    pub stop: AtomicBool,
}

/// The patience of one piece of work.
pub struct Patience<'a> {
    limits: &'a Limits,
    shared: &'a Shared,
    progress: &'a dyn Progress,
    /// In a row, without a new byte.
    failed: u32,
}

impl<'a> Patience<'a> {
    pub fn new(limits: &'a Limits, shared: &'a Shared, progress: &'a dyn Progress) -> Patience<'a> {
        Patience { limits, shared, progress, failed: 0 }
    }

    /// There was a new byte.
    pub fn renew(&mut self) {
        self.failed = 0;
    }

    /// Waits before the next try, at least as long as the server asks. Fails when there were enough.
    pub fn again(&mut self, address: &Address, cause: &str, asked: Option<Duration>) -> Result<(), HubError> {
        self.failed += 1;
        let too_long = asked.filter(|asked| *asked > LONGEST_ASKED);
        if self.failed > self.limits.retries || too_long.is_some() {
            let cause = match too_long {
                Some(asked) => format!("{cause}, and asks to wait {} s", asked.as_secs()),
                None => cause.to_owned(),
            };
            return Err(HubError::GaveUp { address: address.to_string(), cause, tries: Tries(self.failed) });
        }
        self.shared.retries.fetch_add(1, Ordering::Relaxed);
        let wait = self.own_wait().max(asked.unwrap_or_default());
        let sentence = format!("`{address}`: {cause}; again in {:.1} s", wait.as_secs_f64());
        if wait >= WORTH_TELLING {
            self.progress.report(Event::Note(&sentence));
        } else {
            log::info!("{sentence}");
        }
        let began = Instant::now();
        while began.elapsed() < wait && !self.shared.stop.load(Ordering::Relaxed) {
            std::thread::sleep(GLANCE.min(wait.saturating_sub(began.elapsed())));
        }
        Ok(())
    }

    /// Twice as long every time, and never quite the same, so that many do not come back at once.
    fn own_wait(&self) -> Duration {
        let longest = self.limits.first_wait.saturating_mul(1 << (self.failed - 1).min(16)).min(LONGEST_OWN);
        let share = (RandomState::new().hash_one(self.failed) % 512 + 512) as f64 / 1024.0;
        longest.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_and_a_byte_renews_it() {
        let limits = Limits { retries: 2, first_wait: Duration::from_millis(1), ..Limits::default() };
        let (shared, address) = (Shared::default(), Address::parse("http://hub.test/a?sig=1").expect("an address"));
        let mut patience = Patience::new(&limits, &shared, &());
        for _ in 0..3 {
            patience.again(&address, "cut", None).expect("the first");
            patience.again(&address, "cut", None).expect("the second");
            patience.renew();
        }
        patience.again(&address, "cut", None).expect("the first");
        patience.again(&address, "cut", None).expect("the second");
        let error = patience.again(&address, "cut", None).expect_err("enough").to_string();
        assert_eq!(error, "`http://hub.test/a` cannot be had: cut\n  tried 3 times without a new byte");
        assert_eq!(shared.retries.load(Ordering::Relaxed), 8);
        patience.renew();
        let error = patience.again(&address, "it answers 429", Some(Duration::from_secs(3600))).expect_err("too long");
        assert!(error.to_string().contains("asks to wait 3600 s\n  tried once"), "{error}");
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let limits = Limits { first_wait: Duration::from_secs(1), ..Limits::default() };
        let shared = Shared::default();
        let mut patience = Patience::new(&limits, &shared, &());
        for (failed, longest) in [(1, 1.0), (2, 2.0), (4, 8.0), (6, 30.0), (60, 30.0)] {
            patience.failed = failed;
            let wait = patience.own_wait().as_secs_f64();
            assert!(wait >= longest / 2.0 && wait <= longest, "{failed}: {wait}");
        }
    }
}
