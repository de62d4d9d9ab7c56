//! Programs on several devices at once: what each holds, what comes back, and what is refused before anything runs.

use hlo::{Builder, ElementType, Mesh, Module, Sharding, Signature, TensorType};
use precast::pjrt::{
    Argument, Buffer, Client, ClientOptions, CompileOptions, LoadedExecutable, PjrtError, Placement, plugins,
};

use crate::support::{CPUS, bytes_of, f32s, floats_of, in_process, plugin};

/// Two layers over `devices` devices: the first matrix is divided by its rows and the second by its columns, so that only the
/// last sum goes over all devices. It is added to a state, divided by its columns, which the program takes over.
///
/// x f32 `[3, 8]`, up f32 `[16, 8]`, down f32 `[24, 16]`, state f32 `[3, 24]`.
fn layers(mesh: &[(&str, usize)]) -> Module {
    let b = Builder::new("layers");
    let divided: Vec<&str> = mesh.iter().map(|(axis, _)| *axis).collect();
    let divided = divided.join(",");
    if !mesh.is_empty() {
        b.mesh("devices", mesh);
    }
    b.function("main", || {
        let x = b.argument("x", &f32s([3, 8]));
        let up = b.argument("up", &f32s([16, 8])).sharded(&[&divided, ""]);
        let down = b.argument("down", &f32s([24, 16])).sharded(&["", &divided]);
        let state = b.donated("state", &f32s([3, 24]), 1).sharded(&["", &divided]);
        let hidden = x.dot("tc,fc->tf", up).logistic().constrained(&["", &divided]);
        let sum = hidden.dot("tf,cf->tc", down).constrained(&["", ""]);
        vec![sum, state + sum]
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

fn compile(client: &Client, module: &Module) -> LoadedExecutable {
    let signature = &module.main().unwrap().signature;
    let options = CompileOptions::for_signature(signature);
    client.compile(&module.text(), signature, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn clients(devices: usize) -> Vec<Client> {
    let options = ClientOptions { devices: Some(devices), ..Default::default() };
    CPUS.iter().map(|cpu| plugin(cpu).client(&options).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// Different values, of both signs, whose sums need no rounding.
fn values(count: usize, step: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * step) % 17) as f32 / 8.0 - 1.0).collect()
}

/// x, up, down and state, where the program wants them.
fn arguments(program: &LoadedExecutable) -> Vec<Buffer> {
    let upload = |(place, (parameter, step)): (Placement<'_>, (&hlo::Parameter, usize))| {
        let bytes = bytes_of(&values(parameter.ty.count(), step));
        program.client().upload(place, &parameter.ty, &bytes).unwrap_or_else(|error| panic!("{error}"))
    };
    let parameters = program.signature().parameters.iter().zip([3, 5, 7, 11]);
    program.placements().zip(parameters).map(upload).collect()
}

fn run(program: &LoadedExecutable, mut arguments: Vec<Buffer>) -> Result<Vec<Buffer>, PjrtError> {
    let last = arguments.pop().map(Argument::Donate);
    program.execute(arguments.iter().map(Argument::Keep).chain(last).collect())
}

#[test]
fn many_devices_compute_what_one_does() {
    for (mesh, part) in [(&[("model", 4)][..], 6), (&[("model", 8)], 3), (&[("row", 2), ("column", 4)], 3)] {
        for client in clients(8) {
            let alone = compile(&client, &layers(&[]));
            let expected = run(&alone, arguments(&alone)).unwrap();
            let program = compile(&client, &layers(mesh));
            let devices: usize = mesh.iter().map(|(_, size)| size).product();
            assert_eq!(program.devices().count(), devices);
            assert_eq!(program.executable().replicas_and_partitions().unwrap(), (1, devices));

            let arguments = arguments(&program);
            assert_eq!(arguments[3].local_ty(), &f32s([3, part]));
            assert_eq!(floats_of(&arguments[3].to_host().unwrap()), values(72, 11));
            let results = run(&program, arguments).unwrap();
            assert_eq!((results[0].local_ty(), results[1].local_ty()), (&f32s([3, 24]), &f32s([3, part])));
            assert_eq!(results[1].on_device_bytes().unwrap(), 3 * part * 4);
            for (found, expected) in results.iter().zip(&expected) {
                found.await_ready().unwrap();
                let (found, expected) = (floats_of(&found.to_host().unwrap()), floats_of(&expected.to_host().unwrap()));
                // Sums of 16 numbers below 1, in another order.
                let near = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-5);
                assert!(near && found.len() == expected.len(), "{mesh:?}\n{found:?}\n{expected:?}");
            }
        }
    }
}

#[test]
fn a_divided_state_is_taken_over_again_and_again() {
    for client in clients(4) {
        let program = compile(&client, &layers(&[("model", 4)]));
        let mut all = arguments(&program);
        let mut state = all.pop().unwrap();
        let mut sum = Vec::new();
        for _ in 0..3 {
            let mut list: Vec<Argument<'_>> = all.iter().map(Argument::Keep).collect();
            list.push(Argument::Donate(state));
            let mut results = program.execute(list).unwrap();
            state = results.remove(1);
            sum = floats_of(&results[0].to_host().unwrap());
        }
        let expected: Vec<f32> = values(72, 11).iter().zip(&sum).map(|(start, sum)| start + sum + sum + sum).collect();
        assert_eq!(floats_of(&state.to_host().unwrap()), expected);
        let stats = program.executable().memory_stats().unwrap();
        assert_eq!((stats.argument, stats.alias), ((24 + 32 + 96 + 18) * 4, 18 * 4));

        let renewed = state.upload_beside(&bytes_of(&values(72, 13))).unwrap();
        assert_eq!(floats_of(&renewed.to_host().unwrap()), values(72, 13));
        run(&program, all.into_iter().chain([renewed]).collect()).unwrap();
    }
}

#[test]
fn a_serialized_program_of_many_devices_runs_again() {
    for client in clients(4) {
        let module = layers(&[("model", 4)]);
        let program = compile(&client, &module);
        let expected = run(&program, arguments(&program)).unwrap()[0].to_host().unwrap();
        let serialized = program.executable().serialize().unwrap();
        drop(program);
        let program = client.load(&serialized, &module.main().unwrap().signature).unwrap();
        assert_eq!(run(&program, arguments(&program)).unwrap()[0].to_host().unwrap(), expected);

        let error = client.load(&serialized, &layers(&[]).main().unwrap().signature).unwrap_err();
        assert_eq!(error.to_string(), "executable `layers` runs on 4 devices, its signature is for 1");
        let error = client.load(&serialized, &layers(&[("row", 2), ("column", 2)]).main().unwrap().signature);
        assert!(error.is_ok(), "another mesh with the same parts is the same program");
    }
}

#[test]
fn arguments_that_lie_elsewhere_are_refused_with_both_sides_named() {
    let client = &clients(8)[0];
    let program = compile(client, &layers(&[("model", 4)]));
    let alone = compile(client, &layers(&[]));
    let eight = compile(client, &layers(&[("model", 8)]));
    let mesh = Mesh::new("devices", &[("model", 4)]).unwrap();
    let up = |place: Placement<'_>| client.upload(place, &f32s([16, 8]), &bytes_of(&values(128, 5))).unwrap();
    let divided = |devices: [usize; 4], words: &[&str]| {
        let devices = devices.map(|device| &client.devices()[device]);
        up(Placement::divided(devices, &mesh, &Sharding::new(words)).unwrap())
    };
    // The shapes of its parts, as if they were a tensor of its own.
    let local = client.upload(&client.devices()[0], &f32s([4, 8]), &bytes_of(&values(32, 5))).unwrap();
    let rows = [
        (divided([0, 1, 2, 3], &["", "model"]), r#"parts of f32[16, 2] by ["", "model"], "#),
        (up(Placement::whole(program.devices())), "parts of f32[16, 8] by [], "),
    ];
    for (wrong, found) in rows {
        let mut arguments = arguments(&program);
        arguments[1] = wrong;
        let error = run(&program, arguments).unwrap_err().to_string();
        let expected = r#"the program takes parts of f32[4, 8] by ["model"]"#;
        assert_eq!(error, format!("argument 1 `up` lies in {found}{expected}"));
    }
    let rows = [
        (divided([0, 1, 3, 2], &["model", ""]), "cpu 0, cpu 1, cpu 3, cpu 2"),
        (divided([4, 5, 6, 7], &["model", ""]), "cpu 4, cpu 5, cpu 6, cpu 7"),
        (arguments(&eight).remove(1), "cpu 0, cpu 1, cpu 2, cpu 3, cpu 4, cpu 5, cpu 6, cpu 7"),
        (arguments(&alone).remove(1), "cpu 0"),
    ];
    for (wrong, found) in rows {
        let mut arguments = arguments(&program);
        arguments[1] = wrong;
        let error = run(&program, arguments).unwrap_err().to_string();
        let expected = "the program runs on cpu 0, cpu 1, cpu 2, cpu 3";
        assert_eq!(error, format!("argument 1 `up` lies on {found}, {expected}"));
    }
    let mut arguments = arguments(&program);
    arguments[1] = local;
    let error = run(&program, arguments).unwrap_err();
    assert_eq!(error.to_string(), "argument 1 `up` is f32[4, 8], the program takes f32[16, 8]");
    let error = program.execute(self::arguments(&program).into_iter().map(Argument::Donate).collect()).unwrap_err();
    assert_eq!(error.to_string(), "argument 0 `x` is donated, the program only reads it");
}

#[test]
fn what_does_not_divide_is_refused() {
    let client = &clients(4)[0];
    let mesh = Mesh::new("devices", &[("model", 3)]).unwrap();
    let sharding = Sharding::new(&["model"]);
    let error = Placement::divided(client.devices(), &mesh, &sharding).unwrap_err();
    assert_eq!(error.to_string(), "4 devices given for mesh `devices`, which has 3");
    let place = Placement::divided(&client.devices()[..3], &mesh, &sharding).unwrap();
    let error = client.upload(place.clone(), &f32s([4, 3]), &[0; 48]).unwrap_err();
    assert_eq!(error.to_string(), "axis 0 of f32[4, 3] cannot be divided by the 3 parts of mesh axis `model`");
    let error = client.upload(place, &f32s([3, 3]), &[0; 35]).unwrap_err();
    assert_eq!(error.to_string(), "35 bytes given for f32[3, 3], which takes 36");
    let error = client.upload(Placement::whole([]), &f32s([3]), &[0; 12]).unwrap_err();
    assert_eq!(error.to_string(), "f32[3] on no device");

    // A text for four devices whose signature, or whose options, are of another number.
    let module = layers(&[("model", 4)]);
    let signature = &module.main().unwrap().signature;
    let two = CompileOptions { partitions: 2, ..CompileOptions::default() };
    for (signature, options) in
        [(signature, two), (&Signature { mesh: None, ..signature.clone() }, CompileOptions::for_signature(signature))]
    {
        assert!(client.compile(&module.text(), signature, &options).is_err());
    }
}

#[test]
fn shared_bytes_are_cut_like_others() {
    for client in clients(6) {
        let mesh = Mesh::new("devices", &[("row", 2), ("column", 3)]).unwrap();
        for words in [["", ""], ["row", ""], ["", "column"], ["column", "row"], ["row,column", ""]] {
            for element in [ElementType::Bf16, ElementType::F4E2M1FN, ElementType::S32] {
                let ty = TensorType::new(element, [12, 6]);
                let bytes: Vec<u8> = (0..ty.host_bytes()).map(|index| (index % 16) as u8).collect();
                let sharding = Sharding::new(&words);
                let place = Placement::divided(client.devices(), &mesh, &sharding).unwrap();
                assert_eq!(client.upload(place.clone(), &ty, &bytes).unwrap().to_host().unwrap(), bytes, "{sharding}");
                let shared = client.upload_shared(place, &ty, bytes.clone().into()).unwrap();
                assert_eq!(shared.to_host().unwrap(), bytes, "{sharding}");
            }
        }
    }
}

#[test]
fn a_divided_program_takes_its_share_of_a_tpu() {
    in_process("shards::a_divided_program_takes_its_share_of_a_tpu", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let bf16 = |dims: [usize; 2]| TensorType::new(ElementType::Bf16, dims);
        let product = |mesh: &[(&str, usize)]| {
            let b = Builder::new("product");
            if !mesh.is_empty() {
                b.mesh("devices", mesh);
            }
            b.function("main", || {
                let x = b.argument("x", &bf16([64, 1024])).sharded(&["", "model"]);
                let w = b.argument("w", &bf16([2048, 1024])).sharded(&["", "model"]);
                let state = b.donated("state", &bf16([64, 2048]), 0).sharded(&["", "model"]);
                vec![state + x.dot("tc,oc->to", w)]
            });
            b.finish().unwrap()
        };
        let compile = |topology: &str, module: &Module| {
            let signature = &module.main().unwrap().signature;
            let options = CompileOptions::for_signature(signature);
            let topology = plugin.topology(topology, &[]).unwrap();
            plugin.compile(&topology, &module.text(), signature, &options).unwrap_or_else(|error| panic!("{error}"))
        };
        let alone = compile("v5e:1x1", &product(&[]));
        let four = compile("v5e:2x2", &product(&[("model", 4)]));
        assert_eq!(four.replicas_and_partitions().unwrap(), (1, 4));
        let (whole, part) = (alone.memory_stats().unwrap(), four.memory_stats().unwrap());
        assert_eq!(whole.argument, (64 * 1024 + 2048 * 1024 + 64 * 2048) * 2);
        assert_eq!((part.argument, part.alias), (whole.argument / 4, whole.alias / 4));
        let program = four.optimized_program().unwrap().hlo_module.unwrap();
        let opcodes = program.computations.iter().flat_map(|computation| &computation.instructions);
        let exchanges = |opcode: &str| opcode.starts_with("all-reduce") || opcode.starts_with("reduce-scatter");
        assert!(opcodes.map(|instruction| instruction.opcode.as_str()).any(exchanges));
    });
}
