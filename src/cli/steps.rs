//! The steps from a name to a session, each told in a line of standard error as it is done. It knows what none of them does.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::terminal;
use crate::progress::{Event, Progress};

/// When the first step began; none where nobody is told of steps.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// From now on the steps of this process are told.
pub fn begin() {
    BEGAN.get_or_init(Instant::now);
}

/// Tells what became of a step.
pub fn tell(step: &str, how: &str) {
    if BEGAN.get().is_some() {
        terminal::BAR.report(Event::Note(&format!("{step:<8} {how}")));
    }
}

/// Tells that the session is ready.
pub fn end() {
    if let Some(began) = BEGAN.get() {
        tell("ready", &format!("{:.1} s after the start", began.elapsed().as_secs_f64()));
    }
}

/// Passes on what a session that is being opened tells of itself, and tells of its programs as one step.
#[derive(Default)]
pub struct Opening(Mutex<Programs>);

#[derive(Default)]
struct Programs {
    began: Option<Instant>,
    is_compiling: bool,
    compiled: usize,
    cached: usize,
}

impl Opening {
    fn note(&self, event: Event<'_>) {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Begin { what, .. } if what.starts_with("compile ") => {
                programs.began.get_or_insert_with(Instant::now);
                programs.is_compiling = true;
            }
            Event::Begin { .. } => programs.tell(),
            Event::End(how) if programs.is_compiling => {
                programs.is_compiling = false;
                let count = if how == "cached" { &mut programs.cached } else { &mut programs.compiled };
                *count += 1;
            }
            _ => {}
        }
    }
}

impl Programs {
    /// Once, when something else begins.
    fn tell(&mut self) {
        let Some(began) = self.began.take() else { return };
        let all = self.compiled + self.cached;
        let programs = if all == 1 { "1 program".to_owned() } else { format!("{all} programs") };
        let seconds = began.elapsed().as_secs_f64();
        match (self.compiled, self.cached) {
            (0, _) => tell("compile", &format!("here: {programs}, loaded in {seconds:.1} s")),
            (_, 0) => tell("compile", &format!("{programs} in {seconds:.1} s")),
            (compiled, _) => tell("compile", &format!("{compiled} of {programs} in {seconds:.1} s, the rest was here")),
        }
    }
}

impl Progress for Opening {
    fn report(&self, event: Event<'_>) {
        self.note(event);
        terminal::BAR.report(event);
    }
}
