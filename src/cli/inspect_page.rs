//! The report as one page for a browser: no script, nothing loaded from elsewhere, readable in the light and in the dark.
//! Whatever comes from a bundle is text to it, never markup.

use std::fmt::Write;

use super::inspect::{grouped, listed, percent, run, summary};
use super::terminal;
use crate::bundle::{Cost, ProgramReport, Report};

const STYLE: &str = include_str!("inspect_page.css");

/// The page of `report`, with `ops` of each program's dearest instructions.
pub fn page(report: &Report, ops: usize) -> String {
    let title = format!("{} on {}", report.model, report.target);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(&title)
    );
    page += &header(report, &title);
    page += "<main>\n";
    for (place, program) in report.programs.iter().enumerate() {
        page += &section(report, program, place, ops);
    }
    page += "</main>\n";
    page += &footer(report);
    page += "</body>\n</html>\n";
    page
}

fn header(report: &Report, title: &str) -> String {
    let mut text = format!("<header>\n<p class=\"kind\">precast bundle</p>\n<h1>{}</h1>\n", escape(title));
    let devices = match report.devices {
        1 => "1 device".to_owned(),
        many => format!("{many} devices"),
    };
    let facts = [
        ("weights", report.weights.clone()),
        ("cache", report.kv.clone()),
        ("context", grouped(report.context as u64)),
        ("batch", grouped(report.batch as u64)),
        ("devices", devices),
    ];
    text += "<ul class=\"facts\">\n";
    for (name, value) in facts {
        let _ = writeln!(text, "<li><span>{name}</span> {}</li>", escape(&value));
    }
    text += "</ul>\n";
    if report.programs.iter().any(|program| program.cost.is_some()) {
        text += "<p class=\"notice\"><strong>Predicted by the compiler, not measured.</strong> Cycles and times are what the \
                 device's own compiler expects of its program; no device was used.</p>\n";
    } else {
        text += "<p class=\"notice\">The compiler of this target predicts no cycles.</p>\n";
    }
    if report.programs.len() > 1 {
        text += "<nav aria-label=\"Programs\"><ul>\n";
        for (place, program) in report.programs.iter().enumerate() {
            let _ = writeln!(text, "<li><a href=\"#program-{place}\">{}</a></li>", escape(&program.name));
        }
        text += "</ul></nav>\n";
    }
    text + "</header>\n"
}

fn section(report: &Report, program: &ProgramReport, place: usize, ops: usize) -> String {
    let mut text = format!(
        "<section id=\"program-{place}\" aria-labelledby=\"title-{place}\">\n<h2 id=\"title-{place}\">{}</h2>\n",
        escape(&program.name)
    );
    text += &figures(report, program);
    text += &memory(report, program);
    if let Some(cost) = &program.cost {
        text += &parts(program, cost);
        text += &instructions(cost, ops);
        text += &collectives(cost);
        text += &uncosted(cost);
        text += &loops(cost);
    }
    text + "</section>\n"
}

/// The few numbers that most come for.
fn figures(report: &Report, program: &ProgramReport) -> String {
    let figures = summary(report, program);
    if figures.is_empty() {
        return String::new();
    }
    let mut text = "<dl class=\"figures\">\n".to_owned();
    for figure in figures {
        let (name, value, note) = (escape(&figure.name), escape(&figure.value), escape(&figure.note));
        let _ = writeln!(text, "<div><dt>{name}</dt><dd><b>{value}</b> {note}</dd></div>");
    }
    text + "</dl>\n"
}

fn memory(report: &Report, program: &ProgramReport) -> String {
    let arguments = program.argument_bytes.saturating_sub(program.alias_bytes);
    let told = program.argument_bytes.saturating_add(program.temp_bytes);
    let rest = program.total_bytes.saturating_sub(told);
    let needed = told.saturating_add(rest);
    let whole = report.hbm_bytes.unwrap_or(needed).max(needed);
    let kinds = [
        ("a", "arguments", arguments),
        ("b", "in place", program.alias_bytes),
        ("c", "temporaries", program.temp_bytes),
        ("d", "results and others", rest),
    ];
    let mut bar = String::new();
    let mut rows = String::new();
    for (class, name, bytes) in kinds {
        if bytes > 0 {
            let _ = write!(bar, "<span class=\"{class}\" style=\"width:{}\"></span>", width(bytes, whole));
        }
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><i class=\"{class}\"></i>{name}</th><td>{}</td></tr>",
            terminal::bytes(bytes)
        );
    }
    let of = match report.hbm_bytes {
        Some(hbm) => {
            let verdict = if needed <= hbm { "fits" } else { "does not fit" };
            format!(
                "{} of {} on each device, {}: {verdict}",
                terminal::bytes(needed),
                terminal::bytes(hbm),
                percent(needed as f64 / hbm.max(1) as f64)
            )
        }
        None => format!("{} on each device", terminal::bytes(needed)),
    };
    format!(
        "<h3>Memory</h3>\n<p>{of}</p>\n<div class=\"stack\" role=\"img\" aria-label=\"{of}\">{bar}</div>\n\
         <table class=\"legend\"><caption>Memory of one device</caption>\n\
         <thead><tr><th scope=\"col\">kind</th><th scope=\"col\" class=\"n\">bytes</th></tr></thead>\n\
         <tbody>\n{rows}<tr><th scope=\"row\">code</th><td>{}</td></tr>\n</tbody></table>\n",
        terminal::bytes(program.code_bytes)
    )
}

fn parts(program: &ProgramReport, cost: &Cost) -> String {
    let largest = cost.parts.iter().map(|part| part.cycles).max().unwrap_or(0);
    let rows = cost.parts.iter().map(|part| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"track\"><div class=\"bar\" style=\"width:{}\"></div></td>\
             <td>{}</td><td>{}</td></tr>\n",
            escape(&part.part),
            width(part.cycles, largest),
            percent(part.cycles as f64 / cost.cycles.max(1) as f64),
            grouped(part.cycles / program.steps)
        )
    });
    let cycles = format!("cycles a {}", run(program));
    let head = [("part of the model", false), ("", false), ("share", true), (cycles.as_str(), true)];
    table("Where the cycles go", "predicted by the compiler", &head, &rows.collect::<String>(), "parts")
}

fn instructions(cost: &Cost, ops: usize) -> String {
    let rows = cost.instructions.iter().take(ops).map(|row| {
        format!(
            "<tr><th scope=\"row\">{}<small>{}</small></th><td class=\"t\">{}</td><td class=\"t\"><code>{}</code></td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&row.opcode),
            escape(&row.name),
            escape(&row.scope),
            escape(&row.shape),
            grouped(row.trips),
            row.bytes.map_or("-".into(), terminal::bytes),
            grouped(row.cycles),
            percent(row.cycles as f64 / cost.cycles.max(1) as f64)
        )
    });
    let head = [
        ("instruction", false),
        ("scope", false),
        ("result", false),
        ("runs", true),
        ("memory read and written", true),
        ("cycles of all runs", true),
        ("share", true),
    ];
    table("Dearest instructions", "predicted by the compiler", &head, &rows.collect::<String>(), "wide")
}

fn collectives(cost: &Cost) -> String {
    let rows = cost.collectives.iter().map(|row| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"t\">{}</td><td class=\"t\"><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
            escape(&row.opcode),
            escape(&row.scope),
            escape(&row.shape),
            terminal::bytes(row.bytes),
            grouped(row.trips)
        )
    });
    let head =
        [("operation", false), ("scope", false), ("result", false), ("bytes on each device", true), ("runs", true)];
    table("Exchanges between devices", "in one launch", &head, &rows.collect::<String>(), "wide")
}

fn uncosted(cost: &Cost) -> String {
    let (listed, scalars) = listed(cost);
    let rows = listed.into_iter().map(|row| {
        let target = row.custom_call_target.as_deref().map_or(String::new(), |target| format!(" {target}"));
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"t\"><code>{}</code></td><td>{}</td></tr>\n",
            escape(&format!("{}{target}", row.opcode)),
            grouped(row.count),
            escape(&row.shape),
            terminal::bytes(row.bytes)
        )
    });
    let head = [("operation", false), ("instructions", true), ("largest result", false), ("written by all runs", true)];
    let why =
        "the compiler gives them none, so they are in no sum above; copies that begin here go on beside other work";
    let mut text = table("Without a figure", why, &head, &rows.collect::<String>(), "wide");
    if let Some(scalars) = scalars {
        let _ = writeln!(text, "<p class=\"rest\">Also without a figure: {}.</p>", escape(&scalars));
    }
    text
}

fn loops(cost: &Cost) -> String {
    let rows = cost.loops.iter().map(|row| {
        let scope = if row.scope.is_empty() { &row.name } else { &row.scope };
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"t\">{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(scope),
            grouped(row.trips),
            row.known,
            grouped(row.entered),
            grouped(row.cycles)
        )
    });
    let head = [("loop", false), ("trips", true), ("known", false), ("entered", true), ("cycles of all trips", true)];
    table("Loops", "bound: at most so often", &head, &rows.collect::<String>(), "wide")
}

/// A table with a heading; nothing without rows. A column is a name and whether it holds numbers.
fn table(title: &str, note: &str, head: &[(&str, bool)], rows: &str, class: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: String = head
        .iter()
        .map(|(name, number)| match (name.is_empty(), number) {
            (true, _) => "<td></td>".to_owned(),
            (false, true) => format!("<th scope=\"col\" class=\"n\">{name}</th>"),
            (false, false) => format!("<th scope=\"col\">{name}</th>"),
        })
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\">\n<table class=\"{class}\">\
         <caption><b>{title}</b> {note}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn footer(report: &Report) -> String {
    let version = report.plugin.version.lines().next().unwrap_or_default();
    let clock = match (report.clock_hz, report.hbm_bytes_per_second) {
        (Some(hz), Some(rate)) => format!(
            " Times at {:.2} GHz, roofline at {:.0} GB/s: published figures of the device.",
            hz as f64 / 1e9,
            rate as f64 / 1e9
        ),
        _ => String::new(),
    };
    format!(
        "<footer><p>Compiled by {} {}, PJRT API {}.{clock}</p><p>key <code>{}</code></p></footer>\n",
        escape(&report.plugin.name),
        escape(version),
        escape(&report.plugin.api),
        escape(&report.key)
    )
}

/// A share as a width; what is there at all is seen.
fn width(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    format!("{:.3}%", if part > 0 { share.clamp(0.15, 100.0) } else { 0.0 })
}

/// Text that no browser takes for markup, inside of an element or of a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_bundle_becomes_markup() {
        assert_eq!(escape("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
    }

    #[test]
    fn a_width_is_seen_and_ends_at_the_whole() {
        assert_eq!(
            [width(0, 8), width(1, 1 << 40), width(2, 8), width(9, 8)],
            ["0.000%", "0.150%", "25.000%", "100.000%"]
        );
        assert_eq!(width(0, 0), "0.000%");
    }
}
