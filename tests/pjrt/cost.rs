//! What libtpu predicts of a program, read out of its optimized program. Each test is a process of its own.

use hlo::{Builder, ElementType, Module, TensorType};
use precast::bundle::{Cost, Known};
use precast::pjrt::{CompileOptions, Plugin, plugins};

use crate::support::{in_process, plugin};

/// When the loop of the test's program ends.
#[derive(Clone, Copy)]
enum End {
    After(i64),
    /// As an argument says, of which nothing is known.
    Asked,
    /// As an argument says, which the graph promises to be no more.
    AskedAtMost(usize),
}

/// A product that is repeated, inside of the scope `layers.3.moe`.
fn repeated(end: End) -> Module {
    let b = Builder::new("repeated");
    let bf16 = |dims: [usize; 2]| TensorType::new(ElementType::Bf16, dims);
    b.function("main", || {
        let x = b.argument("x", &bf16([8, 512]));
        let w = b.argument("w", &bf16([512, 512]));
        let wanted = b.argument("wanted", &TensorType::new(ElementType::S32, []));
        let state = [b.integer(0), x];
        let last = b.scope("layers.3.moe", || match end {
            End::After(trips) => {
                b.while_loop(&state, |s| s[0].below(trips), |s| vec![s[0] + 1, s[1].dot("nc,oc->no", w)])
            }
            End::Asked => b.while_loop(&state, |s| s[0].below(wanted), |s| vec![s[0] + 1, s[1].dot("nc,oc->no", w)]),
            End::AskedAtMost(trips) => b.while_loop_at_most(
                trips,
                &state,
                |s| s[0].below(wanted),
                |s| vec![s[0] + 1, s[1].dot("nc,oc->no", w)],
            ),
        });
        vec![last[1]]
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

fn cost(plugin: &Plugin, end: End) -> Cost {
    let module = repeated(end);
    let topology = plugin.topology("v6e:1x1", &[]).expect("a topology");
    let signature = &module.main().expect("a main function").signature;
    let executable = plugin
        .compile(&topology, &module.text_with_locations(), signature, &CompileOptions::default())
        .unwrap_or_else(|error| panic!("{error}"));
    Cost::of(&executable.optimized_program().expect("an optimized program"))
}

#[test]
fn a_loop_costs_its_trips_and_a_promise_reaches_the_optimized_program() {
    let name = "cost::a_loop_costs_its_trips_and_a_promise_reaches_the_optimized_program";
    in_process(name, plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let [few, many] = [100, 300].map(|trips| cost(&plugin, End::After(trips)));
        let loops = |cost: &Cost| cost.loops.iter().map(|row| (row.trips, row.known)).collect::<Vec<_>>();
        assert_eq!((loops(&few), loops(&many)), (vec![(100, Known::Constant)], vec![(300, Known::Constant)]));
        let each = few.loops[0].cycles / 100;
        assert!(each > 100, "{few:?}");
        assert_eq!(many.cycles - few.cycles, 200 * each, "the rest of the program costs the same");

        let [once, promised] = [End::Asked, End::AskedAtMost(16)].map(|end| cost(&plugin, end));
        assert_eq!((loops(&once), loops(&promised)), (vec![(1, Known::Unknown)], vec![(16, Known::Bound)]));
        assert_eq!(promised.cycles - once.cycles, 15 * once.loops[0].cycles);

        let product = &promised.instructions[0];
        assert_eq!((product.scope.as_str(), product.part.as_str(), product.trips), ("layers.3.moe", "experts", 16));
        assert!(product.opcode.starts_with("convolution"), "{product:?}");
        let parts: u64 = promised.parts.iter().map(|part| part.cycles).sum();
        assert_eq!(parts, promised.cycles, "every cycle belongs to a part");

        // What libtpu gives no figure for: the counter, what brings its limit along, and copies that go on beside other work.
        let uncosted: Vec<&str> = promised.uncosted.iter().map(|group| group.opcode.as_str()).collect();
        assert_eq!(uncosted, ["copy-start", "add", "compare", "copy"], "{:?}", promised.uncosted);
        assert_eq!(promised.collectives, []);
    });
}
