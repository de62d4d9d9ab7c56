//! Tools as the TypeScript that gpt-oss was trained to read. It must not know messages or tokens.
//!
//! The model saw this text to the last blank, so it is openai-harmony's, oddities included: fixtures compare them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::conversation::ToolNamespace;

/// The section `# Tools` of a system or developer message.
pub fn tools_section(namespaces: &BTreeMap<String, ToolNamespace>) -> String {
    let sections = namespaces.values().map(namespace_section);
    std::iter::once("# Tools".to_owned()).chain(sections).collect::<Vec<_>>().join("\n\n")
}

fn namespace_section(namespace: &ToolNamespace) -> String {
    let name = &namespace.name;
    let description = namespace.description.as_deref().unwrap_or_default();
    let mut lines = vec![format!("## {name}\n")];
    if namespace.tools.is_empty() {
        lines.extend(description.lines().map(str::to_owned));
        return lines.join("\n");
    }
    lines.extend(description.lines().map(|line| format!("// {line}")));
    lines.push(format!("namespace {name} {{\n"));
    for tool in &namespace.tools {
        lines.extend(tool.description.lines().map(|line| format!("// {line}")));
        lines.push(match &tool.parameters {
            Some(schema) => format!("type {} = (_: {}) => any;\n", tool.name, type_of(schema, "")),
            None => format!("type {} = () => any;\n", tool.name),
        });
    }
    lines.push(format!("}} // namespace {name}"));
    lines.join("\n")
}

/// The TypeScript type that a JSON schema describes.
pub fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(variants) = list(schema, "oneOf") {
        let lines = variants.iter().map(|variant| {
            let comment = comment([text(variant, "description").map(str::to_owned), variant_default(variant)]);
            format!("\n{indent} | {}{comment}", nullable_type_of(variant, &format!("{indent}   ")))
        });
        return lines.collect();
    }
    if let Some(types) = list(schema, "type") {
        let names = types.iter().filter_map(Value::as_str).map(|name| if name == "integer" { "number" } else { name });
        let union = names.collect::<Vec<_>>().join(" | ");
        if !union.is_empty() {
            return union;
        }
    }
    match text(schema, "type") {
        Some("object") => object_type(schema, indent),
        Some("string") => {
            let values = list(schema, "enum").into_iter().flatten().filter_map(Value::as_str);
            let union = values.map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(" | ");
            if union.is_empty() { "string".to_owned() } else { union }
        }
        Some("number" | "integer") => "number".to_owned(),
        Some("boolean") => "boolean".to_owned(),
        Some("array") => match schema.get("items") {
            Some(items) => format!("{}[]", type_of(items, indent)),
            None => "Array<any>".to_owned(),
        },
        _ => "any".to_owned(),
    }
}

fn nullable_type_of(schema: &Value, indent: &str) -> String {
    let plain = type_of(schema, indent);
    let nullable = schema.get("nullable").and_then(Value::as_bool).unwrap_or(false);
    if nullable && !plain.contains("null") { format!("{plain} | null") } else { plain }
}

fn object_type(schema: &Value, indent: &str) -> String {
    let mut out = String::new();
    if let Some(description) = text(schema, "description") {
        let _ = writeln!(out, "{indent}// {description}");
    }
    out.push_str("{\n");
    let required = list(schema, "required").into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mark = if required.contains(&key.as_str()) { "" } else { "?" };
        push_property(&mut out, &format!("{key}{mark}"), property, indent);
    }
    let _ = write!(out, "{indent}}}");
    out
}

fn push_property(out: &mut String, key: &str, property: &Value, indent: &str) {
    if let Some(title) = text(property, "title") {
        let _ = write!(out, "{indent}// {title}\n{indent}//\n");
    }
    let is_union = property.get("oneOf").is_some();
    if let Some(description) = text(property, "description").filter(|_| !is_union) {
        let _ = writeln!(out, "{indent}// {description}");
    }
    if let Some(examples) = list(property, "examples").filter(|examples| !examples.is_empty()) {
        let _ = writeln!(out, "{indent}// Examples:");
        for example in examples.iter().filter_map(Value::as_str) {
            let _ = writeln!(out, "{indent}// - \"{example}\"");
        }
    }
    if let Some(variants) = list(property, "oneOf") {
        return push_union(out, key, property, variants, indent);
    }
    let _ = write!(out, "{indent}{key}: {},", nullable_type_of(property, &format!("{indent}    ")));
    if let Some(default) = property_default(property).filter(|_| !is_union) {
        let _ = write!(out, " // {default}");
    }
    out.push('\n');
}

/// A property with `oneOf`: its description stands above its name, unless the first variant has the same.
fn push_union(out: &mut String, key: &str, property: &Value, variants: &[Value], indent: &str) {
    let description = text(property, "description");
    let first = variants.first().and_then(|variant| text(variant, "description"));
    let above = description.filter(|_| description != first);
    if let Some(description) = above {
        let _ = writeln!(out, "{indent}// {description}");
    }
    if let Some(default) = property_default(property) {
        let _ = writeln!(out, "{indent}// {default}");
    }
    let _ = writeln!(out, "{indent}{key}:");
    for (index, variant) in variants.iter().enumerate() {
        let own = text(variant, "description").filter(|own| Some(*own) != description);
        let own = own.filter(|_| index > 0 || above.is_none()).map(str::to_owned);
        let comment = comment([own, property_default(variant)]);
        let _ = writeln!(out, "{indent} | {}{comment}", nullable_type_of(variant, &format!("{indent}   ")));
    }
    let _ = writeln!(out, "{indent},");
}

fn comment(parts: [Option<String>; 2]) -> String {
    let parts = parts.into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!(" // {}", parts.join(" ")) }
}

/// `default: …` as a property has it: an enum's value without quotes.
fn property_default(schema: &Value) -> Option<String> {
    Some(match schema.get("default")? {
        Value::String(value) if is_enum(schema) => format!("default: {value}"),
        Value::String(value) => format!("default: \"{value}\""),
        other => format!("default: {}", json(other)),
    })
}

/// `default: …` as a variant outside a property has it: an enum's value as JSON.
fn variant_default(schema: &Value) -> Option<String> {
    Some(match schema.get("default")? {
        Value::String(value) if !is_enum(schema) => format!("default: \"{value}\""),
        other => format!("default: {}", json(other)),
    })
}

/// JSON with exponents as openai-harmony's serde_json has them: `1e20`, which newer ones write `1e+20`.
fn json(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string().replace("e+", "e"),
        Value::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), json(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

fn is_enum(schema: &Value) -> bool {
    list(schema, "enum").is_some_and(|values| !values.is_empty())
}

fn text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}

fn list<'a>(schema: &'a Value, key: &str) -> Option<&'a [Value]> {
    schema.get(key).and_then(Value::as_array).map(Vec::as_slice)
}
