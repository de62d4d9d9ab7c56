//! A tiny model, and every program of it that goldens hold. No two of its dimensions are equal, so that a swapped axis does not
//! pass; hidden channels and vocabulary divide over 2, 4 and 8 devices, kv heads over 4 at most.

use std::collections::BTreeMap;

use hlo::Module;
use precast::config::{Config, LayerKind};
use precast::estimate::{Sizes, WEIGHTS};
use precast::golden::Case;
use precast::graph::{Block, Phase, block, module, sampler};
use precast::plan::{Plan, Precision, Spelling, Strategy};
use precast::target::{Platform, Target};

/// One layer of each kind.
pub fn config() -> Config {
    Config {
        name: "tiny".into(),
        layers: 2,
        hidden: 416,
        vocabulary: 1336,
        experts: 9,
        experts_per_token: 2,
        expert_width: 608,
        query_heads: 36,
        kv_heads: 12,
        head_dim: 28,
        sliding_window: 40,
        layer_kinds: vec![LayerKind::Sliding, LayerKind::Full],
        ..Config::gpt_oss_20b()
    }
}

/// What blocks are built for.
const PHASES: [Phase; 2] = [Phase::Prefill { tokens: 48 }, Phase::Decode { steps: 1 }];

/// One sequence, whose cache two attention blocks of a host cover.
pub fn sizes() -> Sizes {
    Sizes { context: 600, batch: 1, prefill: vec![48] }
}

/// Every program of the tiny model: all targets and four host devices; the experts in every precision with a bf16 cache, and the
/// cache's other precisions with MXFP4 experts; both phases.
pub fn cases() -> Vec<Case> {
    let targets: Vec<Target> = Target::all().into_iter().chain(Target::named("cpu-4")).collect();
    let caches = [Precision::Fp8, Precision::Int8].map(|cache| Strategy { cache, ..Strategy::new(Precision::Mxfp4) });
    Case::of(&targets, &[&WEIGHTS.map(Strategy::new)[..], &caches].concat(), &sizes(), |_| true)
}

/// The distinct programs among them by name, and those that each stands for.
pub fn programs() -> BTreeMap<String, (Module, Vec<Case>)> {
    let mut programs: BTreeMap<String, (Module, Vec<Case>)> = BTreeMap::new();
    for case in cases() {
        let of_name = programs.entry(case.text_name()).or_insert_with(|| {
            let module = module(&config(), &case.plan, case.phase).unwrap_or_else(|problem| panic!("{problem}"));
            (module, Vec::new())
        });
        of_name.1.push(case);
    }
    programs
}

/// Whether the text itself is kept, not only its digest: of a single TPU all, of the rest those of the published precision.
pub fn is_kept(case: &Case) -> bool {
    let single = case.target.platform == Platform::Tpu && case.plan.devices == 1;
    single || case.plan.strategy == Strategy::new(Precision::Mxfp4)
}

/// What a block's text depends on beside the spelling and the rows.
fn varieties(part: Block) -> Vec<(&'static str, Strategy)> {
    let named = |stored: [Precision; 3], strategy: fn(Precision) -> Strategy| {
        stored.map(|stored| (stored.name(), strategy(stored))).to_vec()
    };
    match part {
        Block::Attention(_) => named([Precision::Bf16, Precision::Fp8, Precision::Int8], |cache| Strategy {
            cache,
            ..Strategy::new(Precision::Mxfp4)
        }),
        Block::Moe => {
            let coarse = named([Precision::Bf16, Precision::Fp8, Precision::Int8], Strategy::new);
            [coarse, vec![("mxfp4", Strategy::new(Precision::Mxfp4))]].concat()
        }
        _ => vec![("bf16", Strategy::new(Precision::Mxfp4))],
    }
}

/// Single parts, by names such as `moe.tpu.decode.mxfp4`: in each spelling that differs.
pub fn blocks() -> BTreeMap<String, Module> {
    let mut blocks = BTreeMap::from([("sample".to_owned(), sampler(1, config().vocabulary).expect("a sampler"))]);
    for part in Block::ALL {
        for (precision, strategy) in varieties(part) {
            for phase in PHASES {
                let module = |spelling| {
                    let sizes = sizes();
                    let plan = Plan { spelling, ..Plan::host(strategy, sizes.context).sized(1, &sizes.prefill) };
                    block(&config(), &plan, part, phase).unwrap_or_else(|problem| panic!("{problem}"))
                };
                let (host, tpu) = (module(Spelling::HOST), module(Spelling::TPU));
                let name = |spelling: &str| format!("{}.{spelling}{}.{precision}", part.name(), phase.kind());
                if host.text() == tpu.text() {
                    blocks.insert(name(""), host);
                } else {
                    blocks.extend([(name("host."), host), (name("tpu."), tpu)]);
                }
            }
        }
    }
    blocks
}
