//! The page of `precast inspect --html` in a real browser: Servo, out of a wheel. The browser reaches the page through a proxy
//! of the test's own, which sees every request that the page makes, and refuses all but the first.

#[path = "support/python.rs"]
mod python;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use precast::bundle::{
    Collective, Cost, InstructionCost, Key, Known, LoopCost, Manifest, PartCost, Plugin, ProgramEntry, Uncosted,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a bundle could try.
const HOSTILE: &str = "layers.0.<script>document.title='taken'</script>\"'&<img src=http://elsewhere.example/x.png>";

fn cost() -> Cost {
    let part = |part: &str, cycles| PartCost { part: part.into(), cycles };
    let instruction = |name: &str, opcode: &str, part: &str, scope: &str, shape: &str, trips, cycles| InstructionCost {
        name: name.into(),
        opcode: opcode.into(),
        part: part.into(),
        scope: scope.into(),
        shape: shape.into(),
        trips,
        cycles,
        bytes: Some(cycles * 900),
    };
    Cost {
        cycles: 96_000_000,
        flops: 0,
        parts: vec![
            part("experts", 48_000_000),
            part("head", 24_000_000),
            part("attention", 14_400_000),
            part("sampling", 7_200_000),
            part("copies", 2_400_000),
        ],
        instructions: vec![
            instruction(
                "fusion.223",
                "convolution fusion",
                "experts",
                "layers.0.moe",
                "bf16[8, 5760]",
                1536,
                31_000_000,
            ),
            instruction("fusion.12", "convolution fusion", "head", "head", "f32[8, 201088]", 16, 24_000_000),
            instruction("fusion.<7>", "copy fusion", "copies", HOSTILE, "bf16[32, 2880]", 16, 2_400_000),
            instruction("fusion.31", "reduce fusion", "sampling", "sample.top_k", "f32[]", 480, 1_200_000),
        ],
        uncosted: vec![
            Uncosted {
                opcode: "copy-start".into(),
                custom_call_target: None,
                count: 21,
                shape: "bf16[2880, 4096]".into(),
                largest_bytes: 23_592_960,
                bytes: 686_817_792,
            },
            Uncosted {
                opcode: "custom-call".into(),
                custom_call_target: Some("tpu_custom_call".into()),
                count: 2,
                shape: "bf16[8, 2880]".into(),
                largest_bytes: 46_080,
                bytes: 92_160,
            },
            Uncosted {
                opcode: "compare".into(),
                custom_call_target: None,
                count: 18,
                shape: "pred[]".into(),
                largest_bytes: 1,
                bytes: 288,
            },
        ],
        kernels: Vec::new(),
        collectives: vec![Collective {
            opcode: "all-reduce".into(),
            scope: "layers.0.attention".into(),
            shape: "bf16[8, 2880]".into(),
            bytes: 46_080,
            trips: 16,
        }],
        loops: vec![
            LoopCost {
                name: "while.50".into(),
                scope: String::new(),
                trips: 16,
                known: Known::Bound,
                entered: 1,
                cycles: 95_000_000,
            },
            LoopCost {
                name: "while.51".into(),
                scope: "layers.0.moe".into(),
                trips: 1,
                known: Known::Unknown,
                entered: 16,
                cycles: 40_000_000,
            },
        ],
    }
}

fn program(name: &str, phase: &str, rows: usize, cost: Option<Cost>) -> ProgramEntry {
    ProgramEntry {
        name: name.into(),
        phase: phase.into(),
        rows,
        stablehlo: format!("{name}.stablehlo.mlir"),
        stablehlo_sha256: "00".into(),
        stablehlo_bytes: 1,
        executable: format!("{name}.executable"),
        executable_sha256: "00".into(),
        executable_bytes: 1,
        argument_bytes: 14_000_000_000,
        output_bytes: 210_000_000,
        alias_bytes: 200_000_000,
        temp_bytes: 350_000_000,
        code_bytes: 3_936_768,
        peak_bytes: 14_350_000_000,
        total_bytes: 14_360_000_000,
        moved_bytes: Some(2_400_000_000),
        cost,
        options: String::new(),
        compile_seconds: 11.0,
        cached: false,
        key: Key::new().entry("program", name),
        mesh: None,
        parameters: Vec::new(),
        results: Vec::new(),
    }
}

/// A bundle's folder as far as `inspect` reads it, made without a compiler.
fn bundle(folder: &Path) -> PathBuf {
    let manifest = Manifest {
        format: 1,
        precast: "0.1.0".into(),
        model: "gpt-oss-20b".into(),
        config: Key::new(),
        target: "v5e-1".into(),
        topology: Some("v5e:1x1".into()),
        devices: 1,
        weights: "mxfp4".into(),
        kv: "bf16".into(),
        dense: String::new(),
        kernels: String::new(),
        context: 4096,
        batch: 1,
        plugin: Plugin { name: "tpu".into(), version: "libtpu <0.0.52>\nbuilt".into(), api: "0.117".into() },
        programs: vec![program("decode_16", "decode", 1, Some(cost())), program("prefill_128", "prefill", 128, None)],
    };
    let json = serde_json::to_vec(&manifest).expect("JSON");
    let digest: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(folder.join("manifest.json"), &json).expect("written");
    std::fs::write(folder.join("SHA256SUMS"), format!("{digest}  manifest.json\n")).expect("written");
    folder.to_path_buf()
}

fn precast(arguments: &[&str]) -> std::process::Output {
    let output = Command::new(env!("CARGO_BIN_EXE_precast")).args(arguments).output().expect("precast runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Answers a request for `/`, and takes down all the others.
fn serve(stream: TcpStream, page: &str, requests: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let mut output = stream;
    let mut request = head(&mut input)?;
    // Servo tunnels whatever it fetches.
    if request.starts_with("CONNECT ") {
        output.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        request = head(&mut input)?;
    }
    requests.lock().expect("the list").push(request.clone());
    if request.starts_with("GET / ") {
        let header = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n";
        output.write_all(format!("{header}content-length: {}\r\n\r\n{page}", page.len()).as_bytes())
    } else {
        output.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }
}

/// The first line of a request, whose other lines are passed over.
fn head(input: &mut impl BufRead) -> std::io::Result<String> {
    let mut first = String::new();
    input.read_line(&mut first)?;
    let mut line = String::new();
    while input.read_line(&mut line)? > 2 {
        line.clear();
    }
    Ok(first)
}

/// What the browser makes of `page`, and what it asked for; the picture goes to `picture`.
fn browse(page: String, picture: &Path) -> (Value, Vec<String>) {
    let python = python::environment("browser", &["servo-fetch==0.15.1", "pillow==12.0.0"]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = serve(stream, &page, &seen);
        }
    });
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/browse.py"))
        .arg(picture)
        .env("http_proxy", &proxy)
        .env("https_proxy", &proxy)
        // The wheel's library holds more thread-local data than a C library sets aside for what is loaded late.
        .env("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=16384")
        .output()
        .expect("the browser runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let line = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    let found = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`\n{said}"));
    let requests = requests.lock().expect("the list").clone();
    (found, requests)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn a_browser_shows_the_page_and_loads_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let file = folder.path().join("page.html");
    let written = precast(&["inspect", &bundle.to_string_lossy(), "--html", &file.to_string_lossy(), "--ops", "3"]);
    assert!(written.stdout.is_empty(), "the page takes the report's place");
    let page = std::fs::read_to_string(&file).expect("the page");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 3, "nothing but the manifest, its checksum and the page: {left:?}");

    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-light.png");
    let (found, requests) = browse(page.clone(), &picture);
    assert!(requests.iter().all(|request| request.starts_with("GET / ")), "{requests:?}");
    assert_eq!(found["console"], serde_json::json!([]));
    assert_eq!(found["title"], "gpt-oss-20b on v5e-1");
    assert_eq!((&found["scripts"], &found["images"]), (&0.into(), &0.into()), "what was hostile is text");

    let text = found["text"].as_str().expect("text");
    for expected in [
        "Predicted by the compiler, not measured.",
        "decode_16",
        "6,000,000",
        "96,000,000 for a launch of 16 steps",
        "tokens a second",
        "times the roofline",
        "13.4 GiB of 15.7 GiB on each device, 84.9 %: fits",
        "all-reduce",
        "custom-call tpu_custom_call",
        "18 operations on single numbers: compare",
        "unknown: counted once",
        "libtpu <0.0.52>",
        HOSTILE,
    ] {
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }
    assert!(!text.contains("reduce fusion"), "that is beyond `--ops 3`");

    // Bars have the widths that the figures say, the largest the whole of its track.
    let bars = numbers(&found["bars"]);
    assert_eq!(bars.len(), 5);
    assert!(bars[0] > 200.0 && bars.is_sorted_by(|a, b| a >= b), "{bars:?}");
    for (bar, share) in bars.iter().zip([1.0, 0.5, 0.3, 0.15, 0.05]) {
        assert!((bar / bars[0] - share).abs() < 0.01, "{bars:?}");
    }
    let stack = numbers(&found["stack"]);
    assert_eq!(stack.len(), 8, "four kinds in each of two programs");
    let (filled, track) = (stack[..4].iter().sum::<f64>(), found["track"].as_f64().expect("a width"));
    assert!((filled / track - 0.849).abs() < 0.01, "{filled} of {track}");
    assert!(stack.iter().all(|width| *width > 1.0), "{stack:?}");

    // Every table has a caption and headers, for those who hear the page.
    assert_eq!((&found["tables"], &found["bare_tables"]), (&7.into(), &0.into()));
    assert_eq!(found["overflow"], false, "nothing is wider than the window");
    let painted = numbers(&found["painted"]);
    assert!(painted[0] > 200.0 && painted[1] > 230.0, "the page is light, and its first bar is painted: {painted:?}");

    // In the dark the same page, other colours.
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page-dark.png");
    let (dark, _) = browse(page.replace("(prefers-color-scheme: dark)", "all"), &picture);
    assert!(numbers(&dark["painted"])[1] < 50.0, "{}", dark["painted"]);
    assert_eq!(dark["text"], found["text"]);
}

#[test]
fn the_text_tells_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path()).to_string_lossy().into_owned();
    let text = String::from_utf8(precast(&["inspect", &bundle, "--ops", "2"]).stdout).expect("text");
    for expected in [
        "decode_16, predicted by the compiler, not measured",
        "6,000,000",
        "experts",
        "50.0 %",
        "all-reduce",
        "copy-start",
        "unknown: counted once",
    ] {
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }
    assert!(!text.contains("copy fusion"), "that is beyond `--ops 2`");

    let report: Value = serde_json::from_slice(&precast(&["inspect", &bundle, "--json"]).stdout).expect("JSON");
    let decode = &report["programs"][0];
    // 2.4 GB at 819 GB/s and 1.5 GHz; 6 million cycles at that clock are 4 ms.
    let roofline = decode["roofline_cycles"].as_u64().expect("cycles");
    assert!((4_300_000..4_500_000).contains(&roofline), "{roofline}");
    assert_eq!(decode["estimated_cycles"], 6_000_000);
    assert_eq!(decode["uncosted"], serde_json::json!(["compare", "copy-start", "custom-call"]));
    assert!((decode["predicted_tokens_per_second"].as_f64().expect("a rate") - 250.0).abs() < 10.0, "{decode}");
    assert_eq!(report["programs"][1]["estimated_cycles"], Value::Null);
}
