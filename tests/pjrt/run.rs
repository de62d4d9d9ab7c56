//! Programs on both CPU plugins: compile, upload, execute, download, serialize, load; and what is refused before the plugin sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hlo::{ElementType, Signature, TensorType};
use precast::pjrt::{
    Argument, Buffer, Client, ClientOptions, Code, CompileOptions, OptionValue, PjrtError, SharedBytes, plugins,
};
use proptest::prelude::*;

use crate::support::{CPUS, accumulate, bytes_of, clients, compiled, f32s, floats_of, in_process, parameter, plugin};

const ONES: [f32; 6] = [1.0; 6];
const COUNT: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

fn upload(client: &Client, values: &[f32]) -> Buffer {
    client.upload(&client.devices()[0], &f32s([2, 3]), &bytes_of(values)).unwrap()
}

#[test]
fn a_program_runs_and_takes_over_what_is_donated() {
    for client in clients() {
        let program = compiled(client);
        let step = upload(client, &ONES);
        let mut state = upload(client, &COUNT);
        for _ in 0..3 {
            state = program.execute(vec![Argument::Donate(state), Argument::Keep(&step)]).unwrap().remove(0);
        }
        state.await_ready().unwrap();
        assert_eq!(floats_of(&state.to_host().unwrap()), COUNT.map(|value| value + 3.0));
        assert_eq!(state.on_device_bytes().unwrap(), 24);
        let stats = program.executable().memory_stats().unwrap();
        assert_eq!((stats.argument, stats.output, stats.alias), (48, 24, 24));
    }
}

/// A program that takes over an argument although its signature does not say so.
#[test]
fn a_buffer_that_was_taken_over_is_refused() {
    for client in clients() {
        let (text, mut signature) = accumulate();
        signature.parameters[0].donated_to = None;
        let program = client.compile(text, &signature, &CompileOptions::default()).unwrap();
        let (state, step) = (upload(client, &COUNT), upload(client, &ONES));
        assert!(!state.is_deleted().unwrap());
        let sum = program.execute(vec![Argument::Keep(&state), Argument::Keep(&step)]).unwrap();
        assert!(state.is_deleted().unwrap());
        let again = program.execute(vec![Argument::Keep(&state), Argument::Keep(&step)]).unwrap_err();
        assert_eq!(again.code(), Some(Code::InvalidArgument), "{again}");
        assert!(state.to_host().is_err());
        assert_eq!(floats_of(&sum[0].to_host().unwrap()), COUNT.map(|value| value + 1.0));
    }
}

#[test]
fn a_serialized_program_runs_in_another_client_and_outlives_it() {
    for cpu in CPUS {
        let plugin = plugin(cpu);
        let client = plugin.client(&ClientOptions::default()).unwrap();
        let program = compiled(&client);
        let serialized = program.executable().serialize().unwrap();
        drop((program, client));

        let client = plugin.client(&ClientOptions::default()).unwrap();
        let program = client.load(&serialized, &accumulate().1).unwrap();
        let arguments = vec![Argument::Donate(upload(&client, &COUNT)), Argument::Donate(upload(&client, &ONES))];
        let error = program.execute(arguments).unwrap_err();
        assert_eq!(error.to_string(), "argument 1 `step` is donated, the program only reads it");
        let step = upload(&client, &ONES);
        let sum = program.execute(vec![Argument::Donate(upload(&client, &COUNT)), Argument::Keep(&step)]).unwrap();
        let executable = program.executable();
        drop((program, client, step));
        assert_eq!(floats_of(&sum[0].to_host().unwrap()), COUNT.map(|value| value + 1.0));
        assert_eq!(executable.name(), "accumulate");
    }
}

#[test]
fn damaged_executables_are_refused() {
    for client in clients() {
        let good = compiled(client).executable().serialize().unwrap();
        let cut = [0, 1, 2, 16, good.len() / 4, good.len() / 2, good.len() - 1].map(|length| good[..length].to_vec());
        let flipped = good.iter().map(|byte| !byte).collect();
        for bad in cut.into_iter().chain([flipped, b"not an executable".to_vec(), vec![0; 4096]]) {
            let error = client.load(&bad, &accumulate().1).err();
            assert!(error.as_ref().is_some_and(|error| error.code().is_some()), "{} bytes: {error:?}", bad.len());
        }
        let other = Signature { results: vec![f32s([3, 2]), f32s([])], ..accumulate().1 };
        let error = client.load(&good, &other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "executable `accumulate` has results (f32[2, 3]), its signature says results (f32[3, 2], f32[])"
        );
    }
}

#[test]
fn wrong_arguments_are_refused_with_both_sides_named() {
    let client = &clients()[0];
    let program = compiled(client);
    let two = plugin("cpu").client(&ClientOptions { devices: Some(2), ..Default::default() }).unwrap();
    let program_of_two = compiled(&two);
    let on_device_1 = two.upload(&two.devices()[1], &f32s([2, 3]), &bytes_of(&ONES)).unwrap();
    let words = TensorType::new(ElementType::S32, [2, 3]);
    let words = client.upload(&client.devices()[0], &words, &bytes_of(&ONES)).unwrap();
    let turned = client.upload(&client.devices()[0], &f32s([3, 2]), &bytes_of(&ONES)).unwrap();
    let step = upload(client, &ONES);
    let state = || Argument::Donate(upload(client, &COUNT));

    let rows = [
        (program.execute(vec![state()]), "1 arguments given, the program takes 2"),
        (
            program.execute(vec![state(), Argument::Keep(&words)]),
            "argument 1 `step` is s32[2, 3], the program takes f32[2, 3]",
        ),
        (
            program.execute(vec![state(), Argument::Keep(&turned)]),
            "argument 1 `step` is f32[3, 2], the program takes f32[2, 3]",
        ),
        (
            program.execute(vec![Argument::Keep(&step), Argument::Keep(&step)]),
            "argument 0 `state` is kept, the program takes over it",
        ),
        (program.execute(vec![state(), state()]), "argument 1 `step` is donated, the program only reads it"),
        (
            program_of_two.execute(vec![Argument::Donate(upload(&two, &COUNT)), Argument::Keep(&on_device_1)]),
            "argument 1 `step` lies on cpu 1, the program runs on cpu 0",
        ),
        (
            program_of_two.execute(vec![state(), Argument::Keep(&on_device_1)]),
            "argument 0 `state` belongs to another client",
        ),
    ];
    for (outcome, expected) in rows {
        assert_eq!(outcome.unwrap_err().to_string(), expected);
    }
    let error = client.upload(&client.devices()[0], &f32s([2, 3]), &[0; 23]).unwrap_err();
    assert_eq!(error.to_string(), "23 bytes given for f32[2, 3], which takes 24");
    let error = client.upload(&client.devices()[0], &f32s([usize::MAX / 8, 8]), &[]).unwrap_err();
    assert!(matches!(error, PjrtError::TooLarge { .. }), "{error}");
    let error = client.upload(&two.devices()[0], &f32s([]), &[0; 4]).unwrap_err();
    assert_eq!(error.to_string(), "device `cpu 0` belongs to another client");
}

#[test]
fn a_program_runs_on_the_device_it_is_assigned() {
    for cpu in CPUS {
        let client = plugin(cpu).client(&ClientOptions { devices: Some(3), ..Default::default() }).unwrap();
        let (text, signature) = accumulate();
        let options = CompileOptions { devices: Some(vec![vec![2]]), ..CompileOptions::default() };
        let program = client.compile(text, &signature, &options).unwrap();
        assert_eq!(program.devices().map(|device| device.id()).collect::<Vec<_>>(), [2]);
        let upload = |values: &[f32]| client.upload(&client.devices()[2], &f32s([2, 3]), &bytes_of(values)).unwrap();
        let step = upload(&ONES);
        let sum = program.execute(vec![Argument::Donate(upload(&COUNT)), Argument::Keep(&step)]).unwrap();
        assert_eq!(floats_of(&sum[0].to_host().unwrap())[5], 6.0);

        let options = CompileOptions { replicas: 2, ..CompileOptions::default() };
        let error = client.compile(text, &signature, &options).unwrap_err();
        assert_eq!(error.to_string(), "executable `accumulate` runs on 2 devices, its signature is for 1");
    }
}

#[test]
fn a_program_compiled_for_a_clients_topology_is_loaded_there() {
    let compile = |client: &Client| {
        let (text, signature) = accumulate();
        client.plugin().compile(&client.topology().unwrap(), text, &signature, &CompileOptions::default())
    };
    let [client, other] = clients() else { panic!("two plugins") };
    let program = client.load_compiled(&compile(client).unwrap()).unwrap();
    let step = upload(client, &ONES);
    let sum = program.execute(vec![Argument::Donate(upload(client, &COUNT)), Argument::Keep(&step)]).unwrap();
    assert_eq!(floats_of(&sum[0].to_host().unwrap()), COUNT.map(|value| value + 1.0));

    let error = other.load_compiled(&compile(client).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "executable `accumulate` belongs to another client");
    // The older plugin was built without a compiler that needs no client.
    assert_eq!(compile(other).unwrap_err().code(), Some(Code::NotFound));
}

#[test]
fn compiler_errors_carry_function_code_and_first_line() {
    for client in clients() {
        let (_, signature) = accumulate();
        let error = client.compile("module {\n  func.func @main(", &signature, &CompileOptions::default()).unwrap_err();
        let PjrtError::Call { function, code, message } = &error else { panic!("{error}") };
        assert_eq!(*function, "PJRT_Client_Compile");
        assert!(matches!(code, Code::InvalidArgument | Code::Unknown), "{code}");
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(message.contains("expected"), "{message}");

        let overrides = vec![("xla_no_such_flag".to_owned(), OptionValue::Bool(true))];
        let options = CompileOptions { overrides, ..CompileOptions::default() };
        let error = client.compile(accumulate().0, &signature, &options).unwrap_err();
        assert!(
            error.code() == Some(Code::InvalidArgument) && error.to_string().contains("xla_no_such_flag"),
            "{error}"
        );
    }
}

/// The whole of an error that arises on the device, long after the program was started.
#[test]
fn running_out_of_memory_is_an_error() {
    in_process("run::running_out_of_memory_is_an_error", plugins::environment("cpu"), || {
        let text = "module @huge {
  func.func public @main(%x: tensor<f32>) -> (tensor<1048576x1048576xf32>, tensor<f32>) {
    %y = stablehlo.broadcast_in_dim %x, dims = [] : (tensor<f32>) -> tensor<1048576x1048576xf32>
    %z = stablehlo.sine %x : tensor<f32>
    return %y, %z : tensor<1048576x1048576xf32>, tensor<f32>
  }
}";
        let parameters = vec![parameter("x", &f32s([]), None)];
        let signature = Signature { mesh: None, parameters, results: vec![f32s([1 << 20, 1 << 20]), f32s([])] };
        for client in clients() {
            let program = client.compile(text, &signature, &CompileOptions::default()).unwrap();
            let x = client.upload(&client.devices()[0], &f32s([]), &1_f32.to_le_bytes()).unwrap();
            let outcome = program.execute(vec![Argument::Keep(&x)]).and_then(|results| results[1].to_host());
            let error = outcome.unwrap_err();
            assert_eq!(error.code(), Some(Code::ResourceExhausted), "{error}");
            assert!(error.to_string().contains("4398046511104"), "{error}");
        }
    });
}

#[test]
fn threads_share_a_client() {
    for client in clients() {
        let serialized = compiled(client).executable().serialize().unwrap();
        let shared = compiled(client);
        let step = upload(client, &ONES);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (shared, serialized, step) = (&shared, &serialized, &step);
                scope.spawn(move || {
                    let own = client.load(serialized, &accumulate().1).unwrap();
                    let start = COUNT.map(|value| value + thread as f32);
                    let mut state = upload(client, &start);
                    for turn in 0..50 {
                        let program = if turn % 2 == 0 { shared } else { &own };
                        let arguments = vec![Argument::Donate(state), Argument::Keep(step)];
                        state = program.execute(arguments).unwrap().remove(0);
                    }
                    assert_eq!(floats_of(&state.to_host().unwrap()), start.map(|value| value + 50.0));
                });
            }
        });
    }
}

/// Bytes that tell when they are dropped.
struct Watched {
    bytes: Vec<u8>,
    dropped: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.bytes.fill(0xff);
        self.dropped.store(true, Ordering::SeqCst);
    }
}

/// Six floats in the middle of an allocation, `past` bytes after a 64-byte border.
fn watched(values: &[f32], past: usize) -> (SharedBytes, Arc<AtomicBool>) {
    let dropped = Arc::new(AtomicBool::new(false));
    let mut bytes = vec![0; 256];
    let start = bytes.as_ptr().align_offset(64) + past;
    bytes[start..start + 24].copy_from_slice(&bytes_of(values));
    let owner = Arc::new(Watched { bytes, dropped: dropped.clone() });
    (SharedBytes::new(owner, start..start + 24).unwrap(), dropped)
}

#[test]
fn shared_bytes_live_as_long_as_the_device_needs_them() {
    for client in clients() {
        let device = &client.devices()[0];
        let program = compiled(client);
        for past in [0, 4] {
            let (shared, dropped) = watched(&COUNT, past);
            let step = client.upload_shared(device, &f32s([2, 3]), shared).unwrap();
            // Aligned bytes are used where they lie; of the others the plugin makes a copy and lets go.
            assert!(past != 0 || !dropped.load(Ordering::SeqCst));
            let (shared, donated_dropped) = watched(&COUNT, past);
            let kept = shared.clone();
            let state = client.upload_shared(device, &f32s([2, 3]), shared).unwrap();
            let sum = program.execute(vec![Argument::Donate(state), Argument::Keep(&step)]).unwrap();
            assert_eq!(floats_of(&sum[0].to_host().unwrap()), COUNT.map(|value| value * 2.0));
            assert_eq!(floats_of(&kept), COUNT, "donating shared bytes must not change them");
            assert_eq!(floats_of(&step.to_host().unwrap()), COUNT);
            drop((step, sum, kept));
            let begin = Instant::now();
            while !(dropped.load(Ordering::SeqCst) && donated_dropped.load(Ordering::SeqCst)) {
                assert!(begin.elapsed() < Duration::from_secs(20), "the plugin never let go of the bytes");
                std::thread::yield_now();
            }
        }
    }
    assert!(SharedBytes::new(Arc::new(vec![0_u8; 4]), 2..5).is_none());
}

#[test]
fn a_client_has_the_threads_it_was_asked_for() {
    in_process("run::a_client_has_the_threads_it_was_asked_for", plugins::environment("cpu"), || {
        let pool = || {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
            tasks
                .filter(|task| std::fs::read_to_string(task.path().join("comm")).unwrap().starts_with("tf_XLA"))
                .count()
        };
        for cpu in CPUS {
            let plugin = plugin(cpu);
            let with = |threads| plugin.client(&ClientOptions { threads, ..Default::default() });
            let before = pool();
            let one = with(Some(1)).unwrap();
            assert_eq!(pool() - before, 1);
            let (all, cpus) = (with(None).unwrap(), std::thread::available_parallelism().unwrap().get());
            assert_eq!(pool() - before, 1 + cpus, "the creating thread alone was narrowed, and for a moment");
            drop((one, all));
            for threads in [0, 4096] {
                assert!(matches!(with(Some(threads)), Err(PjrtError::Threads { .. })));
            }
        }
    });
}

#[test]
fn optimized_programs_are_read() {
    for client in clients() {
        let module = compiled(client).executable().optimized_program().unwrap().hlo_module.unwrap();
        let entry = module.entry().unwrap();
        assert_eq!((module.name.as_str(), entry.name.as_str()), ("accumulate", module.entry_computation_name.as_str()));
        let root = entry.instructions.iter().find(|instruction| instruction.id == entry.root_id).unwrap();
        assert_eq!(root.shape.as_ref().unwrap().dimensions, [2, 3]);
        let parameters = entry.instructions.iter().filter(|instruction| instruction.opcode == "parameter").count();
        assert_eq!(parameters, 2);
        let alias = &module.input_output_alias.as_ref().unwrap().entries[0];
        assert_eq!((alias.parameter_number, alias.kind), (0, 1));
    }
}

#[test]
fn another_client_option_is_told_by_name() {
    let others = vec![("no_such_option".to_owned(), precast::pjrt::Value::Bool(true))];
    let error = plugin("cpu").client(&ClientOptions { others, ..Default::default() }).unwrap_err();
    assert!(error.code() == Some(Code::InvalidArgument) && error.to_string().contains("no_such_option"), "{error}");
}

/// Any tensor: its type and host bytes that are values of it.
fn tensors() -> impl Strategy<Value = (TensorType, Vec<u8>)> {
    let types = (proptest::sample::select(ElementType::ALL.to_vec()), proptest::collection::vec(0_usize..6, 0..5));
    types.prop_flat_map(|(element, dims)| {
        let ty = TensorType::new(element, dims);
        // The bits above a small type's own are not kept.
        let mask = match element {
            ElementType::Pred => 1,
            ElementType::F4E2M1FN => 0x0f,
            _ => 0xff,
        };
        let bytes = proptest::collection::vec(any::<u8>().prop_map(move |byte| byte & mask), ty.host_bytes());
        (Just(ty), bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_uploaded_is_what_is_downloaded((ty, bytes) in tensors()) {
        for client in clients() {
            let device = &client.devices()[0];
            prop_assert_eq!(&client.upload(device, &ty, &bytes).unwrap().to_host().unwrap(), &bytes);
            let shared = client.upload_shared(device, &ty, bytes.clone().into()).unwrap();
            prop_assert_eq!(&shared.to_host().unwrap(), &bytes);
        }
    }
}

#[test]
fn every_element_type_survives_the_way_to_the_device_and_back() {
    for client in clients() {
        for element in ElementType::ALL {
            let ty = TensorType::new(element, [2, 2, 4]);
            let bytes: Vec<u8> = (0..ty.host_bytes()).map(|index| (index % 2) as u8).collect();
            let buffer = client.upload(&client.devices()[0], &ty, &bytes).unwrap();
            assert_eq!(buffer.to_host().unwrap(), bytes, "{element}");
        }
    }
}
