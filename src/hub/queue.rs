//! Which pieces of which files are to be fetched, taken by many threads, in the order in which they are checked afterwards.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Pieces that one thread fetches together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub file: usize,
    pub pieces: Vec<usize>,
}

/// What is known of how a file can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nobody has asked yet: one piece is fetched, to find out.
    Unknown,
    Ranged,
    /// Only as a whole: whoever fetches it fetches everything that is left.
    Single,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Waiting,
    Taken,
    Done,
}

#[derive(Debug)]
struct File {
    pieces: Vec<Piece>,
    mode: Mode,
}

impl File {
    fn waiting(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().enumerate().filter(|(_, piece)| **piece == Piece::Waiting).map(|(number, _)| number)
    }

    fn is_busy(&self) -> bool {
        self.pieces.contains(&Piece::Taken)
    }

    fn take(&mut self, pieces: Vec<usize>) -> Vec<usize> {
        pieces.iter().for_each(|&piece| self.pieces[piece] = Piece::Taken);
        pieces
    }
}

#[derive(Debug)]
struct State {
    files: Vec<File>,
    stopped: bool,
}

/// The work of several threads.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    /// Of files with so many pieces each.
    pub fn new(pieces: impl IntoIterator<Item = usize>) -> Queue {
        let file = |count| File { pieces: vec![Piece::Waiting; count], mode: Mode::Unknown };
        let files = pieces.into_iter().map(file).collect();
        Queue { state: Mutex::new(State { files, stopped: false }), changed: Condvar::new() }
    }

    /// The next job, waiting for one if need be; none when there will be no more.
    pub fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.files.iter().all(|file| file.waiting().next().is_none()) {
                return None;
            }
            for (number, file) in state.files.iter_mut().enumerate() {
                let wanted = match file.mode {
                    Mode::Unknown | Mode::Single if file.is_busy() => continue,
                    Mode::Unknown | Mode::Ranged => file.waiting().take(1).collect::<Vec<_>>(),
                    Mode::Single => file.waiting().collect(),
                };
                if !wanted.is_empty() {
                    return Some(Job { file: number, pieces: file.take(wanted) });
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Everything of a file that nobody has taken yet.
    pub fn take_rest(&self, file: usize) -> Vec<usize> {
        let file = &mut self.lock().files[file];
        let rest = file.waiting().collect();
        file.take(rest)
    }

    pub fn mode(&self, file: usize) -> Mode {
        self.lock().files[file].mode
    }

    /// Says how a file can be had, and whether that is new. A file that can only be had as a whole stays so.
    pub fn learn(&self, file: usize, mode: Mode) -> bool {
        let known = &mut self.lock().files[file].mode;
        let new = *known != mode && *known != Mode::Single;
        if new {
            *known = mode;
            self.changed.notify_all();
        }
        new
    }

    /// A piece is written.
    pub fn done(&self, file: usize, piece: usize) {
        self.lock().files[file].pieces[piece] = Piece::Done;
        self.changed.notify_all();
    }

    /// Waits until a piece is written; false if it never will be.
    pub fn wait(&self, file: usize, piece: usize) -> bool {
        let mut state = self.lock();
        while !state.stopped {
            if state.files[file].pieces[piece] == Piece::Done {
                return true;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// Ends all waiting: no more will be done.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(file: usize, pieces: &[usize]) -> Option<Job> {
        Some(Job { file, pieces: pieces.to_vec() })
    }

    #[test]
    fn one_thread_finds_out_how_a_file_can_be_had() {
        let queue = Queue::new([3, 2]);
        assert_eq!(queue.take(), job(0, &[0]));
        assert_eq!(queue.take(), job(1, &[0]), "nobody knows yet of the first file");
        assert!(queue.learn(0, Mode::Ranged) && !queue.learn(0, Mode::Ranged));
        assert_eq!(queue.take(), job(0, &[1]));
        assert!(queue.learn(1, Mode::Single) && !queue.learn(1, Mode::Ranged));
        assert_eq!(queue.take(), job(0, &[2]));
        queue.done(1, 0);
        assert_eq!(queue.take(), job(1, &[1]));
        assert_eq!(queue.take(), None);
        assert!(queue.wait(1, 0));
        queue.stop();
        assert!(!queue.wait(0, 0));
    }

    #[test]
    fn what_is_left_goes_to_who_reads_the_whole() {
        let queue = Queue::new([4]);
        assert_eq!(queue.take(), job(0, &[0]));
        assert_eq!(queue.take_rest(0), [1, 2, 3]);
        assert_eq!(queue.take(), None);
    }
}
