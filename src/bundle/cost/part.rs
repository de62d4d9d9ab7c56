//! The parts of a model: which one a scope of the graph belongs to.

/// Names of scopes, as `src/graph` gives them, and the part that each begins. The innermost known name decides.
const SCOPES: [(&str, &str); 14] = [
    ("attention", "attention"),
    ("rope", "attention"),
    ("moe", "experts"),
    ("experts", "experts"),
    ("router", "router"),
    ("head", "head"),
    ("sample", "sampling"),
    ("sampler", "sampling"),
    ("top_k", "sampling"),
    ("top_p", "sampling"),
    ("embedding", "embedding"),
    ("norm", "norms"),
    ("attention_norm", "norms"),
    ("moe_norm", "norms"),
];

/// Copies and changes of layout, whatever they are for.
pub(super) const COPIES: &str = "copies";
pub(super) const COLLECTIVES: &str = "collectives";
pub(super) const OTHER: &str = "other";

/// The part that `scope`, such as `layers.3.moe`, belongs to.
pub(super) fn of_scope(scope: &str) -> &'static str {
    let known = |name: &str| SCOPES.iter().find(|(known, _)| *known == name).map(|(_, part)| *part);
    scope.rsplit(['.', '/']).find_map(known).unwrap_or(OTHER)
}
