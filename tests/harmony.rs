//! Harmony against openai-harmony and tiktoken, through the fixtures that tests/oracle/harmony.py makes, and against
//! what models really emit. It knows no device.

use std::fmt::Write;
use std::time::{Duration, Instant};

use precast::chat::tokenizer::{SPECIAL, VOCABULARY};
use precast::chat::{
    Conversation, Dialogue, Event, Message, Parsed, ReasoningEffort, StreamParser, SystemContent, Tokenizer, parse,
    render_for_completion, tokens,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Fixture<Case> {
    cases: Vec<Case>,
}

fn cases<Case: DeserializeOwned>(json: &str) -> Vec<Case> {
    serde_json::from_str::<Fixture<Case>>(json).unwrap().cases
}

#[derive(Deserialize)]
struct Rendered {
    name: String,
    conversation: Value,
    ids: Option<Vec<u32>>,
    ids_without_finished_thoughts: Option<Vec<u32>>,
}

fn conversations() -> Vec<Rendered> {
    cases(include_str!("fixtures/harmony/conversations.json"))
}

#[test]
fn conversations_render_as_in_openai_harmony() {
    for case in conversations() {
        let found = tokens::of_conversation(&case.conversation.to_string()).ok().map(|ids| ids.ids);
        assert_eq!(text(&found), text(&case.ids), "{}", case.name);
        assert_eq!(found, case.ids, "{}", case.name);
    }
}

#[test]
fn thoughts_of_finished_turns_are_forgotten() {
    let mut differences = Vec::new();
    for case in conversations().into_iter().filter(|case| case.ids.is_some()) {
        let conversation = Conversation::deserialize(&case.conversation).unwrap().without_finished_thoughts();
        let found = render_for_completion(&conversation).ok();
        assert_eq!(text(&found), text(&case.ids_without_finished_thoughts), "{}", case.name);
        if case.ids != case.ids_without_finished_thoughts {
            differences.push(case.name);
        }
    }
    // openai-harmony forgets the thoughts before the first `final` alone, and none at all while a call is open.
    assert_eq!(
        differences,
        ["two finished turns", "finished turn, then an open tool call"],
        "where a dialogue's rule differs from openai-harmony's default"
    );
}

#[test]
fn conversations_keep_their_json() {
    for case in conversations() {
        let conversation = Conversation::deserialize(&case.conversation).unwrap();
        assert_eq!(serde_json::to_value(conversation).unwrap(), case.conversation, "{}", case.name);
    }
    let terse = r#"{"messages": [{"role": "user", "content": "Hi"}]}"#;
    let whole = r#"{"messages": [{"role": "user", "name": null, "content": [{"type": "text", "text": "Hi"}]}]}"#;
    assert_eq!(tokens::of_conversation(terse).unwrap(), tokens::of_conversation(whole).unwrap());
}

#[test]
fn a_bad_conversation_is_named() {
    let rows = [
        (r#"{"messages": [{"role": "tool", "content": "x"}]}"#, "message 0 has role `tool` and no name"),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "system_content"}]}]}"#,
            "message 0 has role `user` and a part of type `system_content`",
        ),
        (r#"{"messages": [{"role": "king", "content": "x"}]}"#, "unknown variant `king`"),
        (r#"{"messages": [{"role": "user"}]}"#, "missing field `content`"),
        (r#"{"messages": [{"role": "user", "content": 7}]}"#, "expected a string or a list of content parts"),
        ("[", "EOF while parsing"),
    ];
    for (json, expected) in rows {
        let error = tokens::of_conversation(json).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }
}

#[derive(Deserialize)]
struct ParsedCase {
    text: String,
    ids: Vec<u32>,
    messages: Value,
}

#[test]
fn completions_parse_as_in_openai_harmony() {
    for case in cases::<ParsedCase>(include_str!("fixtures/harmony/parses.json")) {
        let parsed = stream(&case.ids);
        assert_eq!(serde_json::to_value(&parsed.messages).unwrap(), case.messages, "{}", case.text);
        assert!(parsed.warnings.is_empty(), "{}: {:?}", case.text, parsed.warnings);
    }
}

/// Each row: what came after `<|start|>assistant`, the messages as `role/name/channel/recipient/type: text`, with the
/// empty parts left out, and the warnings.
#[test]
fn malformed_turns_come_out_as_well_as_they_can() {
    #[rustfmt::skip]
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("", &[], &[]),
        ("<|return|>", &[], &["message header ended by `<|return|>`"]),
        ("<|channel|>final<|message|>Par", &["assistant/channel=final: Par"], &["truncated in a message"]),
        ("<|channel|>fin", &["assistant/channel=fin: "], &["truncated in a message header", "unknown channel `fin`"]),
        ("<|channel|>", &[], &["truncated in a message header", "`<|channel|>` without a channel"]),
        ("Paris.", &["assistant: Paris."], &["truncated in a message header"]),
        ("Paris.<|return|>", &["assistant: Paris."], &["message header ended by `<|return|>`"]),
        ("The capital of France is Paris.<|return|>", &["assistant: The capital of France is Paris."], &["message without `<|message|>`"]),
        ("    fn main() {\n    }\n\n// One two three\n<|return|>", &["assistant:     fn main() {\n    }\n\n// One two three\n"], &["message without `<|message|>`"]),
        ("法国的首都是巴黎。<|return|>", &["assistant: 法国的首都是巴黎。"], &["message header ended by `<|return|>`"]),
        ("<|channel|>final The capital of France is the city Paris.<|return|>", &["assistant/channel=final: The capital of France is the city Paris."], &["message without `<|message|>`"]),
        ("<|channel|>analysisWe need to answer: Paris, surely.<|end|>", &["assistant/channel=analysis: We need to answer: Paris, surely."], &["message header ended by `<|end|>`"]),
        ("<|channel|>final Paris<|return|>", &["assistant/channel=final: Paris"], &["message header ended by `<|return|>`"]),
        ("<|channel|>commentary to=functions.f <|constrain|>json{\"a\": 1}<|call|>", &["assistant/channel=commentary/to=functions.f/type=<|constrain|>json: {\"a\": 1}"], &["message header ended by `<|call|>`"]),
        ("<|channel|>commentary <|constrain|>json<|message|>{}<|end|>", &["assistant/channel=commentary/type=<|constrain|>json: {}"], &[]),
        ("<|channel|>commentary to=functions.f<|channel|>commentary json<|message|>{}<|call|>", &["assistant/channel=commentary/to=functions.f/type=json: {}"], &["message header with two channels: `commentary` gives way to `commentary`"]),
        ("<|channel|>commentary to=functions.f so it goes <|constrain|>json<|message|>{}<|call|>", &["assistant/channel=commentary/to=functions.f/type=<|constrain|>json: {}"], &["unexpected words in a message header: `so it goes`"]),
        ("<|channel|>thoughts<|message|>Hm.<|end|>", &["assistant/channel=thoughts: Hm."], &["unknown channel `thoughts`"]),
        ("<|channel|><|message|>Hm.<|end|>", &["assistant: Hm."], &["`<|channel|>` without a channel"]),
        ("analysis<|message|>Hm.<|end|>", &["assistant/channel=analysis: Hm."], &["channel `analysis` stands in a message header without `<|channel|>`"]),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistantfinal<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["channel `final` stands in a message header without `<|channel|>`"]),
        ("<|channel|>analysis<|message|>Hm.<|start|>assistant<|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["message ended by `<|start|>`"]),
        ("<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["message ended by `<|channel|>`"]),
        ("<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["`<|channel|>` where `<|start|>` was expected"]),
        ("<|channel|>analysis<|message|>Hm.<|end|>assistant<|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["text where `<|start|>` was expected"]),
        ("<|channel|>analysis<|message|>Hm.<|end|><|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant: Yes."], &["`<|message|>` where `<|start|>` was expected"]),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|><|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=analysis: Hm.", "assistant/channel=final: Yes."], &["message header without a role"]),
        ("<|channel|>final<|message|>a<|message|>b<|constrain|>c<|reserved_200500|>d<|startoftext|>e<|return|>", &["assistant/channel=final: abcde"], &["stray `<|message|>`", "stray `<|constrain|>`", "stray `<|reserved_200500|>`", "stray `<|startoftext|>`"]),
        ("<|channel|>final<|message|>Yes.<|endoftext|><|endoftext|>", &["assistant/channel=final: Yes."], &["message ended by `<|endoftext|>`"]),
        ("<|channel|>final<|message|>Yes.<|return|><|return|>", &["assistant/channel=final: Yes."], &["stray `<|return|>`"]),
        ("<|start|><|start|>assistant<|start|>assistant<|channel|>final<|message|>Yes.<|return|>", &["assistant/channel=final: Yes."], &["`<|start|>` in a message header", "`<|start|>` in a message header"]),
        ("<|startoftext|><|start|>user:ann<|message|>Hi.<|end|><|start|>python<|message|>1<|end|><|start|>assistant", &["user/name=ann: Hi.", "tool/name=python: 1"], &["truncated in a message header"]),
    ];
    for (input, messages, warnings) in rows {
        let parsed = stream(&Tokenizer::o200k().encode_special(input));
        assert_eq!(parsed.messages.iter().map(row).collect::<Vec<_>>(), *messages, "{input}");
        assert_eq!(parsed.warnings, *warnings, "{input}");
    }
    let outside = [200_005, 17196, VOCABULARY, 200_008, 72, u32::MAX, 200_002];
    let parsed = stream(&outside);
    assert_eq!(parsed.messages.iter().map(row).collect::<Vec<_>>(), ["assistant/channel=final: i"]);
    let unknown = |id| format!("token id {id} is outside the vocabulary of 201088");
    assert_eq!(parsed.warnings, [unknown(VOCABULARY), unknown(u32::MAX)]);
}

fn row(message: &Message) -> String {
    let mut row = message.role.name().to_owned();
    let parts = [("name", &message.name), ("channel", &message.channel), ("to", &message.recipient)];
    for (key, value) in parts.into_iter().chain([("type", &message.content_type)]) {
        if let Some(value) = value {
            let _ = write!(row, "/{key}={value}");
        }
    }
    format!("{row}: {}", message.plain_text())
}

/// Parses one token at a time and holds the events to the messages.
fn stream(ids: &[u32]) -> Parsed {
    let mut parser = StreamParser::new();
    let mut events = ids.iter().flat_map(|&id| parser.push(id)).collect::<Vec<_>>();
    events.extend(parser.finish());
    let mut shown = Vec::new();
    let mut warned = Vec::new();
    let mut is_open = false;
    for event in events {
        match event {
            Event::MessageStart { role, channel, recipient } => {
                assert!(!std::mem::replace(&mut is_open, true));
                shown.push((role, channel, recipient, String::new()));
            }
            Event::Text(text) => {
                assert!(is_open && !text.is_empty());
                shown.last_mut().unwrap().3.push_str(&text);
            }
            Event::MessageEnd => assert!(std::mem::take(&mut is_open)),
            Event::Warning(warning) => warned.push(warning),
        }
    }
    assert!(!is_open);
    let kept =
        |message: &Message| (message.role, message.channel.clone(), message.recipient.clone(), message.plain_text());
    assert_eq!(shown, parser.messages().iter().map(kept).collect::<Vec<_>>());
    assert_eq!(warned, parser.warnings());
    let whole = parse(ids);
    assert_eq!((&whole.messages[..], &whole.warnings[..]), (parser.messages(), parser.warnings()));
    whole
}

fn text(ids: &Option<Vec<u32>>) -> Option<String> {
    let bytes = |ids: &Vec<u32>| Tokenizer::o200k().decode_bytes(ids).unwrap();
    ids.as_ref().map(|ids| String::from_utf8_lossy(&bytes(ids)).into_owned())
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    ids: Vec<u32>,
}

#[test]
fn texts_encode_as_in_tiktoken() {
    for case in cases::<Encoded>(include_str!("fixtures/harmony/texts.json")) {
        assert_eq!(tokens::of_text(&case.text).ids, case.ids, "{:?}", case.text);
    }
}

#[test]
fn special_tokens_are_recognised_on_request() {
    let ids = [200_006, 1428, 200_008, 12194, 200_007];
    assert_eq!(tokens::of_special_text("<|start|>user<|message|>Hi<|end|>").ids, ids);
    assert!(tokens::of_text("<|start|>user<|message|>Hi<|end|>").ids.iter().all(|id| !SPECIAL.contains(id)));
}

/// A long word is quadratic in openai-harmony.
#[test]
fn one_long_word_is_quick() {
    let word = "é".repeat(20_000);
    let tokenizer = Tokenizer::o200k();
    let started = Instant::now();
    let ids = tokenizer.encode(&word);
    assert_eq!(ids.len(), 20_000);
    let parsed = parse(&[&[200_005, 17196, 200_008], &ids[..], &[200_002]].concat());
    assert_eq!(parsed.messages[0].plain_text(), word);
    // A few milliseconds even in a debug build; the rest is for a busy machine.
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}

#[test]
fn a_dialogue_grows_by_turns() {
    let system = SystemContent { conversation_start_date: Some("2025-06-28".to_owned()), ..SystemContent::default() };
    let mut dialogue = Dialogue::new(system).with_instructions("Be brief.");
    dialogue.system_mut().reasoning_effort = Some(ReasoningEffort::Low);
    for question in ["First?", "Second?"] {
        dialogue.add_user(question);
        let answer =
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>";
        dialogue.add_assistant(parse(&Tokenizer::o200k().encode_special(answer)).messages);
    }
    dialogue.add_user("Third?");
    let expected = "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n\
        Knowledge cutoff: 2024-06\nCurrent date: 2025-06-28\n\nReasoning: low\n\n\
        # Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>\
        <|start|>developer<|message|># Instructions\n\nBe brief.<|end|>\
        <|start|>user<|message|>First?<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|end|>\
        <|start|>user<|message|>Second?<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|end|>\
        <|start|>user<|message|>Third?<|end|><|start|>assistant";
    assert_eq!(text(&dialogue.render().ok()).as_deref(), Some(expected));
    dialogue.clear();
    assert_eq!(dialogue.conversation().messages.len(), 2);
}

#[test]
fn parsed_tokens_have_the_documented_form() {
    let parsed = tokens::to_messages(&[200_005, 17196, 200_008, 12194]);
    let message =
        json!({"role": "assistant", "name": null, "content": [{"type": "text", "text": "Hi"}], "channel": "final"});
    let expected = json!({"messages": [message], "warnings": ["truncated in a message"]});
    assert_eq!(serde_json::to_value(parsed).unwrap(), expected);
}

/// Structure, words that can be found again, halves of characters, and ids of every other kind.
fn any_id() -> impl Strategy<Value = u32> {
    let structure = prop::sample::select(vec![200_002, 200_003, 200_005, 200_006, 200_007, 200_008, 200_012]);
    let header = ["assistant", " to", "=", "analysis", "final", " json", "user", "\n", " "];
    let header = prop::sample::select(header.map(|text| Tokenizer::o200k().encode(text)[0]).to_vec());
    prop_oneof![4 => structure, 3 => header, 4 => 0..199_998u32, 1 => 128..256u32, 1 => 199_998..VOCABULARY, 1 => any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tokens_parse(ids in prop::collection::vec(any_id(), 0..60)) {
        stream(&ids);
    }

    /// Every word that the model said is in a message or in the warning that says why not.
    #[test]
    fn no_text_is_lost(ids in prop::collection::vec(any_id(), 0..40), at in prop::collection::vec(0usize..40, 1..8)) {
        let mut ids = ids;
        let words = (0..at.len()).map(|index| format!(" {}", ["Paris", "London", "Tokyo", "Rome", "Madrid", "Berlin", "Vienna"][index]));
        let words = words.collect::<Vec<_>>();
        for (word, at) in words.iter().zip(at) {
            let tokens = Tokenizer::o200k().encode(word);
            prop_assert_eq!(tokens.len(), 1);
            ids.insert(at.min(ids.len()), tokens[0]);
        }
        let said = serde_json::to_string(&stream(&ids)).unwrap();
        for word in words {
            prop_assert!(said.contains(word.trim()), "{} is lost in {}", word, said);
        }
    }

    /// In a message's text nothing changes: what arrives is what was sent.
    #[test]
    fn text_arrives_whole(text: String) {
        let tokenizer = Tokenizer::o200k();
        let ids = tokenizer.encode(&text);
        prop_assert_eq!(tokenizer.decode_bytes(&ids).unwrap(), text.as_bytes());
        let parsed = stream(&[&[200_005, 17196, 200_008], &ids[..], &[200_002]].concat());
        prop_assert_eq!(parsed.messages[0].plain_text(), text);
        prop_assert!(parsed.warnings.is_empty());
    }

    #[test]
    fn special_names_never_become_special(text in "(<\\|(start|end|message|return|reserved_200013)\\|>|[ -~]){0,12}") {
        let ids = Tokenizer::o200k().encode(&text);
        prop_assert!(ids.iter().all(|id| !SPECIAL.contains(id)));
    }
}
