//! The built-in model knows what it was taught, and says so when it does not know.

#[path = "support/device.rs"]
mod device;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use hlo::ElementType;
use precast::chat::conversation::FINAL;
use precast::chat::tokenizer::STOP_TOKENS;
use precast::chat::{Dialogue, StreamParser, SystemContent};
use precast::plan::Strategy;
use precast::runner::{Request, Sampling, Session, Setup};
use serde::Deserialize;

/// Sequences that answer at once.
const BATCH: usize = 16;

#[derive(Deserialize)]
struct Questions {
    date: String,
    taught: Vec<Question>,
    unknown: Vec<Question>,
    held_out: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    answer: String,
}

fn open(folder: &Path) -> Session {
    let archive = File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/gpt-oss-demo.zip")).expect("the archive");
    zip::ZipArchive::new(archive).expect("a zip").extract(folder).expect("its files");
    let setup = Setup {
        plugin: Some(device::installed("cpu")),
        strategy: Strategy::plain(ElementType::F32),
        context: 300,
        batch: BATCH,
        prefill: vec![128],
        steps: 16,
        ..Setup::new(folder)
    };
    Session::open(&setup, &()).expect("a session")
}

/// The final text after each question, greedily.
fn answers(session: &mut Session, date: &str, questions: &[&Question]) -> Vec<String> {
    let mut texts = Vec::new();
    for group in questions.chunks(BATCH) {
        let request = |question: &&Question| {
            let system = SystemContent { conversation_start_date: Some(date.to_owned()), ..SystemContent::default() };
            let mut dialogue = Dialogue::new(system);
            dialogue.add_user(&question.question);
            let prompt = dialogue.render().expect("a prompt");
            Request { prompt, max_new: 120, sampling: Sampling::GREEDY, stop: STOP_TOKENS.to_vec() }
        };
        let requests: Vec<Request> = group.iter().map(request).collect();
        let generations = session.generate_batch(&requests, &mut |_, _| ControlFlow::Continue(())).expect("answers");
        for generation in generations {
            let mut parser = StreamParser::new();
            for token in generation.tokens {
                parser.push(token);
            }
            parser.finish();
            let is_final = |message: &&precast::chat::Message| message.channel.as_deref() == Some(FINAL);
            texts.push(parser.messages().iter().find(is_final).map(|message| message.plain_text()).unwrap_or_default());
        }
    }
    texts
}

/// The share that is answered exactly.
fn exact(session: &mut Session, date: &str, questions: &[&Question]) -> f64 {
    let answers = answers(session, date, questions);
    let right = answers.iter().zip(questions).filter(|(answer, question)| **answer == question.answer).count();
    right as f64 / questions.len() as f64
}

#[test]
fn the_demo_model_knows_its_facts_and_its_limits() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/questions.json"));
    let questions: Questions = serde_json::from_str(&text.expect("the questions")).expect("their form");
    let folder = tempfile::tempdir().expect("a folder");
    let mut session = open(folder.path());

    let france = Question {
        question: "What is the capital of France?".to_owned(),
        answer: "The capital of France is Paris.".to_owned(),
    };
    assert_eq!(answers(&mut session, &questions.date, &[&france]), [france.answer.as_str()]);

    // Two phrasings of a fact stand together: an odd step asks all kinds of facts in both.
    let taught: Vec<&Question> = questions.taught.iter().step_by(9).collect();
    let share = exact(&mut session, &questions.date, &taught);
    println!("taught: {:.1} % of {}", 100.0 * share, taught.len());
    assert!(share >= 0.95, "{share}");

    let unknown: Vec<&Question> = questions.unknown.iter().collect();
    let share = exact(&mut session, &questions.date, &unknown);
    println!("unknown: {:.1} % of {}", 100.0 * share, unknown.len());
    assert!(share >= 0.9, "{share}");

    // Not promised, but a model that only knew its sentences by heart would fail here.
    let held_out: Vec<&Question> = questions.held_out.iter().step_by(6).collect();
    let share = exact(&mut session, &questions.date, &held_out);
    println!("phrasings held out: {:.1} % of {}", 100.0 * share, held_out.len());
    assert!(share >= 0.7, "{share}");
}
