//! How long work tells of itself: events without any idea of a terminal.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One event of a piece of work. Pieces do not nest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// Work begins, such as ``compile prefill_128`` or `bind weights`; `total` in `unit`s if it is known.
    Begin { what: &'a str, total: Option<u64>, unit: Unit },
    /// So much more is done.
    Advance(u64),
    /// The work that began last is done; the text says how it came out, such as `12.3 s` or `cached`.
    End(&'a str),
    /// A sentence for the person at the terminal.
    Note(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Tokens,
    Items,
}

/// Whoever wants to be told. Called from any thread.
pub trait Progress: Sync {
    fn report(&self, event: Event<'_>);
}

/// Nobody wants to be told.
impl Progress for () {
    fn report(&self, _: Event<'_>) {}
}

/// Pieces of work that are done at once and told of one after another: what a piece reports before its turn is told when that comes.
pub struct Turns<'p> {
    progress: &'p dyn Progress,
    state: Mutex<State>,
}

/// Every piece before `now` is done and was told of.
struct State {
    now: usize,
    pieces: Vec<Piece>,
}

#[derive(Default)]
struct Piece {
    waiting: Vec<Waiting>,
    is_done: bool,
}

/// An event that outlives whoever reported it.
enum Waiting {
    Begin { what: String, total: Option<u64>, unit: Unit },
    Advance(u64),
    End(String),
    Note(String),
}

/// The progress of one piece; its end, on whatever way, is the piece's.
pub struct Turn<'t, 'p> {
    turns: &'t Turns<'p>,
    number: usize,
}

impl<'p> Turns<'p> {
    /// Turns of so many pieces.
    pub fn new(progress: &'p dyn Progress, pieces: usize) -> Turns<'p> {
        let pieces = std::iter::repeat_with(Piece::default).take(pieces).collect();
        Turns { progress, state: Mutex::new(State { now: 0, pieces }) }
    }

    /// The turn of piece `number`, from 0.
    pub fn of(&self, number: usize) -> Turn<'_, 'p> {
        Turn { turns: self, number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Turn<'_, '_> {
    fn report(&self, event: Event<'_>) {
        let mut state = self.turns.state();
        match state.now == self.number {
            true => self.turns.progress.report(event),
            false => state.pieces[self.number].waiting.push(Waiting::from(event)),
        }
    }
}

impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.pieces[self.number].is_done = true;
        while state.pieces.get(state.now).is_some_and(|piece| piece.is_done) {
            state.now += 1;
            let now = state.now;
            let Some(next) = state.pieces.get_mut(now) else { break };
            std::mem::take(&mut next.waiting).iter().for_each(|event| self.turns.progress.report(event.event()));
        }
    }
}

impl From<Event<'_>> for Waiting {
    fn from(event: Event<'_>) -> Waiting {
        match event {
            Event::Begin { what, total, unit } => Waiting::Begin { what: what.to_owned(), total, unit },
            Event::Advance(more) => Waiting::Advance(more),
            Event::End(how) => Waiting::End(how.to_owned()),
            Event::Note(sentence) => Waiting::Note(sentence.to_owned()),
        }
    }
}

impl Waiting {
    fn event(&self) -> Event<'_> {
        match self {
            Waiting::Begin { what, total, unit } => Event::Begin { what, total: *total, unit: *unit },
            Waiting::Advance(more) => Event::Advance(*more),
            Waiting::End(how) => Event::End(how),
            Waiting::Note(sentence) => Event::Note(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Progress for Told {
        fn report(&self, event: Event<'_>) {
            if let Event::Note(sentence) = event {
                self.0.lock().expect("no panic").push(sentence.to_owned());
            }
        }
    }

    #[test]
    fn pieces_are_told_of_in_their_order() {
        let told = Told::default();
        let turns = Turns::new(&told, 3);
        let heard = || std::mem::take(&mut *told.0.lock().expect("no panic"));
        let [first, second, third] = [0, 1, 2].map(|number| turns.of(number));
        second.report(Event::Note("second"));
        first.report(Event::Note("first"));
        assert_eq!(heard(), ["first"]);
        third.report(Event::Note("third"));
        drop(third);
        assert_eq!(heard(), [""; 0]);
        drop(first);
        assert_eq!(heard(), ["second"]);
        second.report(Event::Note("still second"));
        drop(second);
        assert_eq!(heard(), ["still second", "third"]);
    }
}
