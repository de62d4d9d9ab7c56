//! Ctrl-C: during a generation it asks to stop, at a prompt it leaves, anywhere else it ends the program.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use super::failure::INTERRUPTED;

const WORKING: u8 = 0;
const AT_PROMPT: u8 = 1;
const GENERATING: u8 = 2;
const ASKED_TO_STOP: u8 = 3;

/// What becomes of the work that Ctrl-C ends, if it is more than nothing.
static KEPT: Mutex<&str> = Mutex::new("");

static STATE: AtomicU8 = AtomicU8::new(WORKING);

/// Takes over Ctrl-C for the whole program; a termination signal ends it as it always does.
pub fn install() {
    // A second handler cannot appear in this program, and without one Ctrl-C simply ends it.
    let _ = ctrlc::set_handler(|| match STATE.load(Ordering::SeqCst) {
        GENERATING => STATE.store(ASKED_TO_STOP, Ordering::SeqCst),
        AT_PROMPT => {
            let _ = writeln!(std::io::stderr());
            std::process::exit(0);
        }
        _ => {
            let kept = KEPT.lock().map_or("", |kept| *kept);
            let _ = writeln!(std::io::stderr(), "interrupted{kept}");
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
}

/// Says what Ctrl-C leaves from now on, such as `; what is done is kept`.
pub fn keeps(what: &'static str) {
    if let Ok(mut kept) = KEPT.lock() {
        *kept = what;
    }
}

/// Takes no notice of Ctrl-C: whoever started this process gets it too, and decides.
pub fn leave_to_parent() {
    let _ = ctrlc::set_handler(|| {});
}

/// Whether the generation that runs has been asked to stop.
pub fn asked() -> bool {
    STATE.load(Ordering::SeqCst) == ASKED_TO_STOP
}

/// While it lives, the first Ctrl-C is a wish to stop, and the second ends the program.
pub struct Generating(());

pub fn generating() -> Generating {
    STATE.store(GENERATING, Ordering::SeqCst);
    Generating(())
}

impl Drop for Generating {
    fn drop(&mut self) {
        STATE.store(WORKING, Ordering::SeqCst);
    }
}

/// While it lives, Ctrl-C leaves the program with nothing lost.
pub struct Prompting(());

pub fn prompting() -> Prompting {
    STATE.store(AT_PROMPT, Ordering::SeqCst);
    Prompting(())
}

impl Drop for Prompting {
    fn drop(&mut self) {
        STATE.store(WORKING, Ordering::SeqCst);
    }
}
