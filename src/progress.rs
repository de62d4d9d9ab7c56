//! How long work tells of itself: events without any idea of a terminal.

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
