//! The program as people and scripts meet it: the real binary, the real CPU plugin, a small synthetic model.

mod support;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

const VERBS: [&str; 20] = [
    "demo", "doctor", "plugins", "targets", "plan", "fetch", "run", "chat", "score", "bench", "compile", "inspect",
    "sign", "pack", "unpack", "golden", "emit", "tokens", "cache", "help",
];

/// A model with the real vocabulary, and a bundle for it that a test of its own has to be content with.
struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn get() -> &'static Fixture {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| {
            let fixture = Fixture { folder: tempfile::tempdir().expect("a folder") };
            Shape::named("wide").write(Layout::Original { shards: 1 }, &fixture.model()).expect("a checkpoint");
            let compile = ["compile", "--context", "512", "--prefill", "64", "--out"];
            let mut command = precast(&compile);
            let output = output(command.arg(fixture.bundle()).arg("--json").arg("--model").arg(fixture.model()));
            let report = json(&output);
            let names: Vec<&Value> = array(&report["programs"]).iter().map(|program| &program["name"]).collect();
            assert_eq!(names, ["prefill_64", "decode_16"]);
            fixture
        })
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("wide")
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// `precast VERB BUNDLE --model MODEL …`
    fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = precast(&[verb]);
        command.arg(self.bundle()).arg("--model").arg(self.model()).args(arguments);
        command
    }
}

/// The program with a cache of its own, and nothing to read.
fn precast(arguments: &[&str]) -> Command {
    static CACHE: OnceLock<TempDir> = OnceLock::new();
    let cache = CACHE.get_or_init(|| {
        if precast::pjrt::plugins::find("cpu", None).is_err() {
            precast::pjrt::plugins::install("cpu", &()).expect("the CPU's plugin can be installed");
        }
        tempfile::tempdir().expect("a folder")
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.args(arguments).env("PRECAST_CACHE_DIR", cache.path()).stdin(Stdio::null());
    // No model that somebody has fetched is known by its name.
    command.env("HF_HOME", cache.path().join("hub"));
    for variable in ["RUST_LOG", "CLICOLOR_FORCE", "NO_COLOR", "PRECAST_NO_INSTALL", "HF_HUB_CACHE", "HF_ENDPOINT"] {
        command.env_remove(variable);
    }
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The one JSON document on standard output of a run that went well.
fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array"))
}

/// Runs, expects the exit code, and expects standard error to say every one of `said` and standard output nothing.
fn check_refused(command: &mut Command, code: i32, said: &[&str]) {
    let output = output(command);
    let text = stderr(&output);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(code), ""), "{text}");
    for said in said {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
}

#[test]
fn help_is_what_was_agreed() {
    let output = output(&mut precast(&["--help"]));
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("help", stdout(&output));
}

#[test]
fn every_verb_explains_itself_with_an_example() {
    for verb in VERBS.into_iter().filter(|&verb| verb != "help") {
        let output = output(&mut precast(&[verb, "--help"]));
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{verb}");
        assert!(text.contains("Examples:\n") && text.contains(&format!("precast {verb}")), "{text}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_both_sides() {
    let rows: [(&[&str], &[&str]); 25] = [
        (&["plan", "--model", "demo", "--target", "v9"], &["there is no target `v9`", "hint:"]),
        (&["plan", "--model", "demo", "--no-cache"], &["--compiled"]),
        (&["fetch", "gpt-oss-20b"], &["no name of a repository", "openai/gpt-oss-20b"]),
        (&["frobnicate"], &["frobnicate"]),
        (&["run", "--model", "/nowhere", "--tokens", "1"], &["/nowhere", "neither a folder nor", "hint:"]),
        (
            &["run", "--model", "gpt-oss-20b", "--prompt", "x"],
            &[
                "`openai/gpt-oss-20b` is not here",
                "no terminal",
                "hint: `--yes` fetches it from https://huggingface.co",
            ],
        ),
        (&["run", "--model", "demo", "--prompt", "x", "--tokens", "1"], &["--prompt", "--tokens"]),
        (&["run", "--prompt", "x"], &["--model"]),
        (&["run", "demo", "--revision", "v1", "--prompt", "x"], &["`--revision v1` beside `demo`", "hint:"]),
        (&["score", "x", "--model", "demo", "--tokens", "1", "--out", "x"], &["scoring takes no bundle"]),
        (&["run", "--model", "demo", "--tokens", "1,two"], &["entry 1 of `--tokens` is `two`, expected a token id"]),
        (
            &["run", "--model", "demo", "--tokens", "1", "--target", "v6e-1"],
            &["runs on the CPU, not on target `v6e-1`", "hint: use `--target cpu`"],
        ),
        (&["score", "--model", "demo", "--tokens", "1", "--out", "x", "--target", "cpu-0"], &["`cpu-0` asks for 0"]),
        (&["score", "--model", "demo", "--tokens", "1,2"], &["--out"]),
        (&["score", "--model", "demo", "--tokens", "1,2", "--text", "x", "--out", "x"], &["--tokens", "--text"]),
        (
            &["score", "--model", "demo", "--tokens", "1", "--against", "f32"],
            &["1 token has no perplexity", "2 tokens at least", "hint:"],
        ),
        (
            &["score", "--model", "demo", "--text", "a b", "--against", "bf16"],
            &["plain bf16 with itself", "hint: say what is to be judged"],
        ),
        (&["tokens"], &["--conversation", "--text", "--parse"]),
        (
            &["emit", "--model", "gpt-oss-20b", "--phase", "decode", "--target", "v9:1x1"],
            &["`v9`, expected one of v2, v3, v4, v5e", "hint:"],
        ),
        (
            &["compile", "--model", "gpt-oss-20b", "--target", "cuda", "--out", "x"],
            &["`cuda` has no topology", "hint:"],
        ),
        (
            &["emit", "--model", "gpt-oss-20b", "--phase", "decode", "--target", "cpu-99"],
            &["`cpu-99` asks for 99", "1 to 64"],
        ),
        (
            &["compile", "--model", "gpt-oss-20b", "--weights", "fp4", "--out", "x"],
            &["fp4", "bf16, fp8, int8, mxfp4, auto"],
        ),
        (
            &["emit", "--model", "gpt-oss-20b", "--phase", "decode", "--compute", "f32", "--kv", "fp8"],
            &["'--compute <COMPUTE>' cannot be used with '--kv <KV>'"],
        ),
        (
            &["emit", "--model", "gpt-oss-20b", "--phase", "decode", "--compute", "f32", "--target", "v6e-1"],
            &["`--compute f32` is for hosts, `v6e-1` computes in bf16", "hint:"],
        ),
        (&["plugins", "install", "abacus"], &["`abacus`", "cpu"]),
    ];
    for (arguments, said) in rows {
        check_refused(&mut precast(arguments), 2, said);
    }
}

#[test]
fn a_missing_plugin_is_not_fetched_against_ones_will() {
    let home = tempfile::tempdir().unwrap();
    let mut command = precast(&["run", "--tokens", "1", "--model"]);
    command.arg(Fixture::get().model()).env("PRECAST_NO_INSTALL", "1");
    // Nothing is found in an empty home by a Python without packages.
    command.env("HOME", home.path()).env("XDG_DATA_HOME", home.path()).env("PATH", home.path());
    command.env_remove("PRECAST_PJRT_CPU");
    check_refused(
        &mut command,
        1,
        &["plugin for `cpu` not found", "`PRECAST_NO_INSTALL`", "precast plugins install cpu"],
    );
}

#[test]
fn tokens_go_there_and_back() {
    let ids = json(&output(&mut precast(&["tokens", "--text", "Hello, <|start|>"])));
    assert!(!array(&ids["ids"]).contains(&Value::from(200_006)));
    let special = "<|channel|>final<|message|>Naïve 🦀<|return|>";
    let ids = json(&output(&mut precast(&["tokens", "--special", "--text", special])));
    let list: Vec<String> = array(&ids["ids"]).iter().map(Value::to_string).collect();
    let parsed = json(&output(&mut precast(&["tokens", "--parse", &list.join(",")])));
    let message = &parsed["messages"][0];
    assert_eq!(
        (&message["channel"], &message["content"][0]["text"]),
        (&Value::from("final"), &Value::from("Naïve 🦀"))
    );
    assert_eq!(parsed["warnings"], Value::Array(Vec::new()));
}

#[test]
fn what_is_here_is_reported() {
    let report = json(&output(&mut precast(&["doctor", "--json"])));
    assert_eq!(report["works"], Value::Bool(true));
    let text = stdout(&output(&mut precast(&["doctor"])));
    assert!(text.contains("CPU plugin") && text.contains("precast demo") && !text.contains('\u{1b}'), "{text}");
    let mut broken = precast(&["doctor", "--json", "--plugin", "/nowhere.so"]);
    let output_of_broken = output(&mut broken);
    assert_eq!(output_of_broken.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output_of_broken.stdout).expect("JSON");
    assert_eq!((&report["works"], &report["checks"][0]["status"]), (&Value::Bool(false), &Value::from("failed")));

    let plugins = json(&output(&mut precast(&["plugins", "list", "--json"])));
    let cpu = &plugins["plugins"][0];
    assert!(cpu["name"] == "cpu" && cpu["api"].as_str().is_some_and(|api| api.starts_with("0.")), "{cpu}");
}

#[test]
fn targets_are_listed_in_numbers() {
    let targets = json(&output(&mut precast(&["targets", "--json"])));
    let row = |name: &str| {
        let found = array(&targets["targets"]).iter().find(|target| target["name"] == name);
        found.unwrap_or_else(|| panic!("`{name}` is missing in {targets}"))
    };
    let v2 = row("v2-8");
    assert_eq!((&v2["platform"], &v2["topology"], &v2["generation"]), (&"tpu".into(), &"v2:2x2".into(), &"v2".into()));
    assert_eq!((&v2["devices"], &v2["stores_4_bit"]), (&Value::from(8), &Value::Bool(false)));
    for field in ["hbm_bytes", "hbm_bytes_per_second", "clock_hz", "bf16_flops", "matrix_units", "matrix_columns"] {
        assert!(v2[field].as_u64() > Some(0) && row("cpu")[field].is_null(), "{field}");
    }
    assert_eq!(v2["tiles"][0], serde_json::json!({"element_bits": 32, "sublanes": 8, "lanes": 128}));
    assert_eq!(row("cpu")["native_matmul"], serde_json::json!(["f32"]));

    let text = stdout(&output(&mut precast(&["targets"])));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("target") && lines.iter().all(|line| line.len() <= 130), "{text}");
    let shown = lines.iter().find(|line| line.starts_with("v5e-1 ")).expect("a line");
    for said in ["v5e:1x1", "15.7 GiB", "820 GB/s", "1.50 GHz", "197 TFLOP/s", "bf16 int8 int4", "4 bits"] {
        assert!(shown.contains(said), "`{said}` is not in `{shown}`");
    }
    assert!(text.contains("`cpu-N`") && text.contains("`GENERATION:SIDES`"), "{text}");
}

#[test]
fn stablehlo_comes_out_for_a_model_without_weights() {
    let text = stdout(&output(&mut precast(&["emit", "--model", "gpt-oss-20b", "--phase", "prefill", "--rows", "8"])));
    assert!(text.starts_with("module @prefill_8") && text.contains("stablehlo.while"), "{}", &text[..200]);
}

#[test]
fn a_run_answers_in_json_the_same_each_time() {
    let run = |more: &[&str]| {
        let arguments = ["--tokens", "1,2,3", "--max-new", "6", "--ignore-stop", "--json"];
        json(&output(&mut Fixture::get().command("run", &[&arguments, more].concat())))
    };
    let greedy = run(&[]);
    assert_eq!((&greedy["prompt_tokens"], &greedy["stop"]), (&Value::from(3), &Value::from("max_new")));
    assert_eq!(array(&greedy["tokens"]).len(), 6);
    for field in ["text", "channels", "seed", "ttft_ms", "prefill_tps", "decode_tps"] {
        assert!(!greedy[field].is_null(), "`{field}` is missing in {greedy}");
    }
    assert_eq!(run(&[])["tokens"], greedy["tokens"]);
    let drawn = ["--temperature", "1", "--top-k", "50", "--seed", "7"];
    assert_eq!(run(&drawn)["tokens"], run(&drawn)["tokens"]);
}

#[test]
fn a_pipe_gets_text_alone() {
    let fixture = Fixture::get();
    let raw = output(&mut fixture.command("run", &["--raw", "--prompt", "Once", "--max-new", "4"]));
    assert_eq!(raw.status.code(), Some(0), "{}", stderr(&raw));
    assert!(!raw.stdout.is_empty() && !raw.stdout.contains(&0x1b) && !raw.stderr.contains(&0x1b));
    assert!(stderr(&raw).contains("1 prompt tokens, 4 generated") && stderr(&raw).contains("peak memory"));
    // The model was never trained: it comes to no final answer, and nothing else goes into a pipe.
    let quiet = output(&mut fixture.command("run", &["-q", "--tokens", "1,2,3", "--max-new", "4"]));
    assert_eq!((quiet.status.code(), stdout(&quiet).as_str()), (Some(0), ""), "{}", stderr(&quiet));
}

#[test]
fn a_bundle_made_from_the_cache_runs() {
    let fixture = Fixture::get();
    let again = fixture.folder.path().join("again");
    let mut command = precast(&["compile", "--context", "512", "--prefill", "64", "--json", "--out"]);
    let report = json(&output(command.arg(&again).arg("--model").arg(fixture.model())));
    assert!(array(&report["programs"]).iter().all(|program| program["cached"] == true), "{report}");
    let mut run = precast(&["run", "--tokens", "1,2,3", "--max-new", "3", "--json"]);
    assert_eq!(json(&output(run.arg(&again).arg("--model").arg(fixture.model())))["prompt_tokens"], 3);
}

#[test]
fn options_that_contradict_a_bundle_or_a_model_are_refused() {
    let fixture = Fixture::get();
    let rows: [(&[&str], &[&str]); 4] = [
        (&["--tokens", "1", "--compute", "f32"], &["`--compute f32`", "compiled for bf16", "hint:"]),
        (&["--tokens", "1", "--context", "64"], &["`--context 64`", "compiled for 512"]),
        (&["--tokens", "1,300000"], &["token 300000 at place 1", "201088"]),
        (&["--tokens", "1", "--top-p", "0"], &["top-p is 0"]),
    ];
    for (arguments, said) in rows {
        check_refused(&mut fixture.command("run", arguments), 2, said);
    }
    let odd = fixture.folder.path().join("odd");
    Shape::named("odd").write(Layout::HuggingFace { shards: 1 }, &odd).unwrap();
    let mut other = precast(&["run", "--tokens", "1"]);
    check_refused(other.arg(fixture.bundle()).arg("--model").arg(odd), 1, &["another model", "`hidden`", "hint:"]);
}

#[test]
fn a_chat_takes_lines_and_saves_what_was_said() {
    use std::io::Write;
    let fixture = Fixture::get();
    let saved = fixture.folder.path().join("saved.json");
    let mut command = fixture.command("chat", &["--max-new", "4"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = format!("two \\\nlines\n/effort high\n/nonsense\n/save {}\n/quit\nnever\n", saved.display());
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("> two \n  lines\n") && !text.contains("never") && !text.contains('\u{1b}'), "{text}");
    assert!(stderr(&output).contains("there is no `/nonsense`"));
    let conversation: Value = serde_json::from_slice(&std::fs::read(&saved).expect("a file")).expect("JSON");
    assert_eq!(conversation["messages"][0]["content"][0]["reasoning_effort"], "High");
    assert_eq!(conversation["messages"][1]["content"][0]["text"], "two \nlines");
    let ids = json(&self::output(precast(&["tokens", "--conversation"]).arg(&saved)));
    assert_eq!(array(&ids["ids"])[0], 200_006);
}

#[test]
fn scores_are_a_tensor_file() {
    let fixture = Fixture::get();
    let out = fixture.folder.path().join("logits.safetensors");
    let mut command = precast(&["score", "--context", "512", "--tokens", "5,6,7", "--compute", "f32", "--json"]);
    let report = json(&output(command.arg("--model").arg(fixture.model()).arg("--out").arg(&out)));
    assert_eq!((&report["tokens"], &report["vocabulary"]), (&Value::from(3), &Value::from(201_088)));
    let bytes = std::fs::read(&out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let logits = tensors.tensor("logits").unwrap();
    assert_eq!((logits.dtype(), logits.shape()), (safetensors::Dtype::F32, [3, 201_088].as_slice()));

    // What was compiled for it is listed, and can be forgotten.
    let kept = json(&output(&mut precast(&["cache", "list", "--json"])));
    assert!(array(&kept["entries"]).iter().any(|entry| entry["program"] == "score_128"), "{kept}");
}

#[test]
fn a_precision_is_judged_by_what_it_does_to_a_text() {
    let fixture = Fixture::get();
    let file = fixture.folder.path().join("text.txt");
    std::fs::write(&file, "The quick brown fox jumps over <|start|> the lazy dog.").unwrap();
    let (text, out) = (format!("@{}", file.display()), fixture.folder.path().join("judged.safetensors"));
    let score = |more: &[&str]| {
        let usual = ["score", "--context", "512", "--compute", "f32", "--weights", "mxfp4", "--text", &text];
        output(precast(&[&usual[..], more].concat()).arg("--model").arg(fixture.model()))
    };
    let report = json(&score(&["--against", "f32", "--json", "--out", &out.display().to_string()]));
    let figure = |name: &str| report[name].as_f64().unwrap_or_else(|| panic!("`{name}` is missing in {report}"));
    assert_eq!(
        (&report["weights"], &report["against"], &report["exact"]),
        (&"mxfp4".into(), &"f32".into(), &true.into())
    );
    // MXFP4 is exact: f32 sums in another order are all that is left.
    assert!(figure("mean_kl_nats") <= figure("max_kl_nats") && figure("max_kl_nats") < 1e-8, "{report}");
    assert!(figure("max_absolute_logit_difference") < 1e-4 && figure("top1_agreement_percent") == 100.0, "{report}");
    assert!((figure("perplexity") / figure("reference_perplexity") - 1.0).abs() < 1e-5, "{report}");

    // The perplexity is that of the logits which were written, and of the text's own tokens, no special one among them.
    let listed = json(&output(&mut precast(&["tokens", "--text", &std::fs::read_to_string(&file).unwrap()])));
    let tokens: Vec<usize> = array(&listed["ids"]).iter().map(|id| id.as_u64().expect("an id") as usize).collect();
    let bytes = std::fs::read(&out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let logits: Vec<f32> = bytemuck::pod_collect_to_vec(tensors.tensor("logits").unwrap().data());
    assert_eq!((figure("tokens"), logits.len()), (tokens.len() as f64, tokens.len() * 201_088));
    let surprise = logits
        .chunks(201_088)
        .zip(&tokens[1..])
        .map(|(row, next)| row.iter().map(|logit| f64::from(*logit).exp()).sum::<f64>().ln() - f64::from(row[*next]));
    let perplexity = (surprise.sum::<f64>() / (tokens.len() - 1) as f64).exp();
    assert!((figure("perplexity") / perplexity - 1.0).abs() < 1e-9, "{perplexity}: {report}");

    let text = stdout(&score(&["--against", "f32"]));
    for said in
        ["mxfp4 experts", "mean KL divergence", "nats", "top-1 agreement", "perplexity in plain f32", "order of sums"]
    {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
}

#[test]
fn measurements_have_the_agreed_fields() {
    let arguments = ["--prefill", "64", "--decode", "4", "--depth", "0,100", "--repeat", "2", "--json"];
    let report = json(&output(&mut Fixture::get().command("bench", &arguments)));
    let measured = |result: &Value| {
        let of = |name: &str| result[name].as_u64().expect("a number");
        (result["phase"].as_str().expect("text").to_owned(), of("rows"), of("tokens"), of("depth"))
    };
    let measured: Vec<_> = array(&report["results"]).iter().map(measured).collect();
    let expected = [("prefill", 64, 64, 0), ("decode", 1, 4, 0), ("decode", 1, 4, 100)];
    assert_eq!(measured, expected.map(|(phase, rows, tokens, depth)| (phase.to_owned(), rows, tokens, depth)));
    for result in array(&report["results"]) {
        let spread = ["min", "median", "max"].map(|name| result["tokens_per_second"][name].as_f64().expect("a number"));
        assert!(spread[0] > 0.0 && spread.is_sorted() && result["peak_rss_bytes"].is_u64(), "{result}");
    }
    assert_eq!((&report["target"], &report["weights"]), (&Value::from("cpu"), &Value::from("bf16")));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let bench = |arguments: &[&str]| {
        let mut command = precast(&["bench", "--model"]);
        command.arg(Fixture::get().model()).args(arguments);
        command
    };
    check_refused(&mut bench(&["--prefill", "0", "--decode", "0"]), 2, &["nothing to measure"]);
    let too_deep = ["--depth", "500", "--decode", "64", "--context", "512"];
    check_refused(&mut bench(&too_deep), 2, &["the 564 positions", "`--context 1024`"]);
    check_refused(&mut bench(&["--tokens", "1,201088"]), 2, &["token 201088", "vocabulary of 201088"]);
    check_refused(&mut Fixture::get().command("bench", &["--batch", "2"]), 2, &["`--batch 2`", "compiled for 1"]);
}

#[test]
fn several_sequences_are_measured_together() {
    let arguments = ["--prefill", "0", "--batch", "3", "--decode", "4", "--repeat", "1", "--context", "128", "--json"];
    let arguments = [&arguments[..], &["--tokens", "1,2,3"]].concat();
    let report = json(&output(precast(&["bench", "--model"]).arg(Fixture::get().model()).args(arguments)));
    let results = array(&report["results"]);
    assert_eq!((results.len(), &report["batch"]), (1, &Value::from(3)));
    assert_eq!((&results[0]["phase"], &results[0]["rows"]), (&Value::from("decode"), &Value::from(3)));
    assert_eq!((&results[0]["tokens"], &results[0]["depth"]), (&Value::from(12), &Value::from(16)));
}

#[test]
fn a_bundle_tells_what_it_needs() {
    let bundle = Fixture::get().bundle();
    let report = json(&output(precast(&["inspect", "--json"]).arg(&bundle)));
    for field in ["key", "model", "target", "weights", "kv", "context", "batch", "plugin"] {
        assert!(!report[field].is_null(), "`{field}` is missing in {report}");
    }
    assert!(array(&report["programs"]).iter().all(|program| program["argument_bytes"].as_u64() > Some(40 << 20)));
    check_refused(precast(&["inspect", "--program", "decode_3"]).arg(&bundle), 2, &["`decode_3`", "`decode_16`"]);
    check_refused(precast(&["inspect"]).arg(Path::new("/")), 1, &["`precast compile --out DIR` makes one"]);
}

/// A generation of hundreds of tokens whose first has come out.
fn long_run() -> std::process::Child {
    let mut command = Fixture::get().command("run", &["--raw", "--tokens", "1,2,3", "--ignore-stop"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("a first token");
    child
}

#[test]
fn ctrl_c_ends_a_generation_and_keeps_what_came() {
    let child = long_run();
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("`kill` runs");
    assert!(signalled.success());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(130));
    let text = stderr(&output);
    assert!(text.contains("3 prompt tokens") && text.contains("interrupted") && !text.contains("error"), "{text}");
}

#[test]
fn a_reader_that_leaves_ends_a_generation_quietly() {
    let mut child = long_run();
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), stderr(&output).contains("error")), (Some(0), false), "{}", stderr(&output));
}

#[test]
fn the_demo_answers_and_starts_from_what_is_kept() {
    let first = output(&mut precast(&["demo", "--prompt", "What is the capital of France?"]));
    let text = stdout(&first);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(text.contains("[analysis]\n") && text.contains("[final]\n") && text.contains("Paris"), "{text}");
    assert!(stderr(&first).contains("tokens/s · peak memory"), "{}", stderr(&first));
    // A folder of that name does not stand in the way, and nothing is compiled twice.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("demo")).unwrap();
    let again =
        output(precast(&["demo", "-v", "--prompt", "What is the capital of France?"]).current_dir(folder.path()));
    assert_eq!(stdout(&again), text);
    let compiled =
        stderr(&again).lines().filter(|line| line.starts_with("compile ")).map(str::to_owned).collect::<Vec<_>>();
    assert!(!compiled.is_empty() && compiled.iter().all(|line| line.ends_with("cached")), "{compiled:?}");
}
