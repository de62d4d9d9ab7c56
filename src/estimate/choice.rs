//! Which of several candidates is the one to take, and why the others are not.

use std::cmp::Ordering;

use crate::estimate::candidate::Candidate;

/// Why a candidate is not the one to take; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    DoesNotFit,
    /// It fits, and leaves less than a sixteenth of the memory.
    Tight,
    Inexact,
    /// Its step takes as long or longer, or nobody knows.
    Slower,
}

/// The place of the one to take: of those that fit, rather one with room to spare, then rather one that is exact, then the one
/// whose step takes least time, then the earliest. `None` if none fits.
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let rank = |candidate: &Candidate| {
        let seconds = candidate.step_seconds().unwrap_or(f64::INFINITY);
        (!candidate.has_room(), !candidate.plan.strategy.is_exact(), seconds)
    };
    let fitting = candidates.iter().enumerate().filter(|(_, candidate)| candidate.fits());
    let best = fitting.min_by(|(_, a), (_, b)| rank(a).partial_cmp(&rank(b)).unwrap_or(Ordering::Equal));
    best.map(|(place, _)| place)
}

/// Why `chosen`, a place that [`choose`] gave, was taken and not the others: a clause such as
/// `mxfp4 is exact and moves least; bf16 does not fit, fp8 and int8 are not exact`.
pub fn reason(candidates: &[Candidate], chosen: usize) -> String {
    let one_target = candidates.iter().all(|candidate| candidate.target == candidates[chosen].target);
    let own = &candidates[chosen];
    let mut praise = Vec::new();
    if own.plan.strategy.is_exact() {
        praise.push("is exact");
    }
    let others = || candidates.iter().enumerate().filter(|(place, _)| *place != chosen).map(|(_, other)| other);
    let rivals = || others().filter(|other| loss(other, own) == Loss::Slower);
    // One that is exact may be chosen before a faster one that is not.
    let faster = |other: &Candidate| other.fits() && other.step_seconds() < own.step_seconds();
    match (own.decode_cycles(), others().any(faster)) {
        _ if rivals().next().is_none() || own.step_seconds().is_none() => {}
        (Some(_), false) => praise.push("is predicted to take least time a step"),
        (Some(_), true) => praise.push("is predicted to take least time a step of the exact ones"),
        (None, false) => praise.push("moves what a step needs in least time"),
        (None, true) => praise.push("moves what a step needs in least time of the exact ones"),
    }
    if !own.has_room() {
        praise.push("fits, though with less than a sixteenth of the memory to spare");
    } else if praise.len() < 2 && others().any(|other| !other.fits()) {
        praise.push("fits with room to spare");
    } else if praise.is_empty() {
        praise.push("is the first that fits");
    }
    let name = if one_target { own.plan.strategy.experts.to_string() } else { own.name() };
    let mut text = format!("{name} {}", listed(&praise));
    let mut clauses = Vec::new();
    for (reason, one, many) in [
        (Loss::DoesNotFit, "does not fit", "do not fit"),
        (Loss::Tight, "leaves little room", "leave little room"),
        (Loss::Inexact, "is not exact", "are not exact"),
        (Loss::Slower, "takes no less", "take no less"),
    ] {
        let losers: Vec<String> = others()
            .filter(|other| loss(other, own) == reason)
            .map(|other| if one_target { other.plan.strategy.experts.to_string() } else { other.name() })
            .collect();
        match losers.as_slice() {
            [] => {}
            // Where no time is known the order decides, which is no reason to tell.
            _ if reason == Loss::Slower && own.step_seconds().is_none() => {}
            [loser] => clauses.push(format!("{loser} {one}")),
            losers if one_target => clauses.push(format!("{} {many}", listed(losers))),
            losers => clauses.push(format!("{} others {many}", losers.len())),
        }
    }
    if !clauses.is_empty() {
        text += &format!("; {}", clauses.join(", "));
    }
    text
}

/// Why `other` lost to `chosen`.
fn loss(other: &Candidate, chosen: &Candidate) -> Loss {
    if !other.fits() {
        Loss::DoesNotFit
    } else if chosen.has_room() && !other.has_room() {
        Loss::Tight
    } else if chosen.plan.strategy.is_exact() && !other.plan.strategy.is_exact() {
        Loss::Inexact
    } else {
        Loss::Slower
    }
}

/// `a`, `a and b`, `a, b and c`
fn listed(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
