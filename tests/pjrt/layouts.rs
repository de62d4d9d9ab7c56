//! How compiled programs want their arguments: as the compiler likes them best, or as the program asks.

use hlo::{Builder, ElementType, TensorType};
use precast::pjrt::{CompileOptions, plugins};

use crate::support::{accumulate, clients, compiled, in_process, plugin};

/// What a TPU makes of bf16 [512, 2880], where nothing is asked, and where an order of axes is.
#[test]
fn a_tpu_program_tells_the_layouts_of_its_parameters() {
    in_process("layouts::a_tpu_program_tells_the_layouts_of_its_parameters", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let topology = plugin.topology("v5e:1x1", &[]).unwrap();
        let ty = TensorType::new(ElementType::Bf16, [512, 2880]);
        let builder = Builder::new("layouts");
        builder.function("main", || {
            let chosen = builder.argument("chosen", &ty);
            let rows = builder.argument("rows", &ty).layout("{1,0}");
            let columns = builder.argument("columns", &ty).layout("{0,1}");
            let scalar = builder.argument("scalar", &TensorType::new(ElementType::S32, []));
            vec![chosen + rows, columns, scalar]
        });
        let module = builder.finish().unwrap_or_else(|problem| panic!("{problem}"));
        let signature = &module.main().expect("a function").signature;
        let options = CompileOptions::default();
        let executable = plugin.compile(&topology, &module.text(), signature, &options).unwrap();
        let layouts = executable.parameter_layouts().unwrap().expect("libtpu has the extension");
        // 2880 is no multiple of 128 and 512 is, so columns pad less.
        assert_eq!(layouts[0], "{0,1:T(8,128)(2,1)}");
        assert_eq!(layouts[1], "{1,0:T(8,128)(2,1)}");
        assert_eq!(layouts[2], "{0,1:T(8,128)(2,1)}");
        assert!(layouts.len() == 4 && layouts[3].starts_with('{'), "{layouts:?}");
        // Asked again it says the same: nothing was given away.
        assert_eq!(executable.parameter_layouts().unwrap(), Some(layouts));
    });
}

#[test]
fn a_host_keeps_rows_together() {
    for client in clients() {
        let program = compiled(client);
        let layouts = program.executable().parameter_layouts().unwrap();
        assert_eq!(layouts.expect("both have the extension"), ["{1,0}", "{1,0}"]);
        let serialized = program.executable().serialize().unwrap();
        let loaded = client.load(&serialized, &accumulate().1).unwrap();
        assert_eq!(loaded.executable().parameter_layouts().unwrap().expect("as above"), ["{1,0}", "{1,0}"]);
    }
}
