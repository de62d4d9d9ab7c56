//! A few rows at once: the one way from a slice of them to a function that is compiled for their number.

/// Writes into `sums` `[rows, outputs]` what `function` makes of one to four `rows`, as an array, and each output's part of a matrix. An
/// unsafe function: that its conditions hold is for the caller to see to.
macro_rules! each_output {
    ($rows:ident, $sums:ident, $outputs:ident, $part:pat in $parts:expr => $function:ident($($argument:expr),+)) => {
        for (output, $part) in $parts.enumerate() {
            // SAFETY: the caller's word.
            let found = unsafe {
                match $rows {
                    [a] => $function([a], $($argument),+),
                    [a, b] => $function([a, b], $($argument),+),
                    [a, b, c] => $function([a, b, c], $($argument),+),
                    [a, b, c, d] => $function([a, b, c, d], $($argument),+),
                    _ => [0.0; AT_ONCE],
                }
            };
            $sums.chunks_exact_mut($outputs).zip(found).for_each(|(sums, found)| sums[output] = found);
        }
    };
}
