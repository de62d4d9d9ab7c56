//! The child: loads a plugin, compiles what it is sent, answers. Whatever the plugin prints is not its business.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Job;
use super::wire::{Answer, Opened, PROTOCOL, Request, receive, send};
use crate::bundle::compile::{cost, layouts, memory};
use crate::bundle::error::Refusal;
use crate::bundle::identity::Compiler;
use crate::bundle::kernels;
use crate::bundle::manifest::signature;
use crate::bundle::shortage::Shortage;
use crate::pjrt::{Client, ClientOptions, Code, CompileOptions, Executable, PjrtError, Plugin, Topology};

/// Serves the parent over standard input, which is a socket of its own; standard output and error are the plugin's to write.
/// Returns only on an error: the process ends with its parent.
pub fn serve() -> io::Result<()> {
    let mut channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut input = channel.try_clone()?;
    // Read beside the compiler, so that the end of the parent is noticed at once and not after minutes of compiling.
    let (requests, inbox) = mpsc::channel();
    let reader = std::thread::spawn(move || -> io::Result<()> {
        let mut scratch = None;
        while let Some(request) = receive::<Request>(&mut input)? {
            if let Request::Open { scratch: folder, .. } = &request.0 {
                scratch = Some(folder.clone());
            }
            if requests.send(request).is_err() {
                return Ok(());
            }
        }
        end(scratch.as_deref())
    });
    let mut devices = None;
    for (request, attached) in inbox {
        let (answer, payload) = match request {
            Request::Open { protocol, .. } if protocol != PROTOCOL => (other_program(), Vec::new()),
            Request::Open { job, .. } => match Devices::open(&job) {
                Ok((opened, found)) => {
                    devices = Some(found);
                    (Answer::Opened(opened), Vec::new())
                }
                Err(error) => (refused(&error), Vec::new()),
            },
            Request::Compile { program, mesh, parameters, results, options } => {
                // The log has what the compiler prints, and this says of which program.
                eprintln!("precast: compile {program}");
                let text = String::from_utf8_lossy(&attached);
                match (&devices, signature(mesh.as_ref(), &parameters, &results)) {
                    (Some(devices), Ok(signature)) => devices.answer(&text, &signature, &options),
                    (Some(_), Err(problem)) => (refusal(&problem), Vec::new()),
                    (None, _) => (refusal("no plugin is loaded; this is a bug in precast"), Vec::new()),
                }
            }
        };
        send(&mut channel, &answer, &payload)?;
    }
    reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader panicked")))
}

/// Ends the process after its parent, without waiting for a compiler that runs.
fn end(scratch: Option<&Path>) -> ! {
    // A parent that was killed could not remove it.
    if let Some(folder) = scratch {
        let _ = std::fs::remove_dir_all(folder);
    }
    // The plugin's exit handlers may wait for its compiler for ever.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(500));
        std::process::abort()
    });
    std::process::exit(0)
}

/// What programs are compiled for.
enum Devices {
    Here(Client),
    Anywhere(Topology),
}

impl Devices {
    fn open(job: &Job) -> Result<(Opened, Devices), PjrtError> {
        let plugin = Plugin::load(&job.plugin)?;
        let Some(name) = &job.topology else {
            let devices = Some(job.devices);
            let client = plugin.client(&ClientOptions { devices, ..ClientOptions::default() })?;
            kernels::provide(&client)?;
            return Ok((Opened { compiler: Compiler::of_client(&client), hbm_bytes: None }, Devices::Here(client)));
        };
        let topology = plugin.topology(name, &job.topology_options)?;
        let devices = topology.devices()?;
        let (major, minor) = plugin.api_version();
        let compiler = Compiler {
            platform: topology.platform_name()?,
            platform_version: topology.platform_version()?,
            api: format!("{major}.{minor}"),
            device: devices.first().map(|device| device.kind.clone()).unwrap_or_default(),
            devices: devices.len(),
        };
        let limits = devices.iter().filter_map(|device| device.attribute("device_memory_bytes_limit")?.as_int());
        let hbm_bytes = limits.min().and_then(|bytes| u64::try_from(bytes).ok());
        Ok((Opened { compiler, hbm_bytes }, Devices::Anywhere(topology)))
    }

    fn compile(
        &self,
        text: &str,
        signature: &hlo::Signature,
        options: &CompileOptions,
    ) -> Result<Executable, PjrtError> {
        match self {
            Devices::Here(client) => Ok(client.compile(text, signature, options)?.executable()),
            Devices::Anywhere(topology) => topology.plugin().compile(topology, text, signature, options),
        }
    }

    fn answer(&self, text: &str, signature: &hlo::Signature, options: &CompileOptions) -> (Answer, Vec<u8>) {
        let begin = Instant::now();
        let executable = match self.compile(text, signature, options) {
            Ok(executable) => executable,
            Err(error) if error.code() == Some(Code::ResourceExhausted) => {
                eprintln!("{}", error.message().unwrap_or_default());
                return (Answer::DoesNotFit(Shortage::read(error.message().unwrap_or_default())), Vec::new());
            }
            Err(error) => return (refused(&error), Vec::new()),
        };
        let seconds = begin.elapsed().as_secs_f64();
        match executable.serialize() {
            Ok(payload) => {
                let (memory, cost, layouts) = (memory(&executable), cost(&executable), layouts(&executable));
                (Answer::Compiled { memory, cost, layouts, seconds }, payload)
            }
            Err(error) => (refused(&error), Vec::new()),
        }
    }
}

/// A refusal says one line; the log has them all.
fn refused(error: &PjrtError) -> Answer {
    eprintln!("{error}\n{}", error.message().unwrap_or_default());
    Answer::Refused(Refusal { message: error.to_string(), hint: error.hint() })
}

fn refusal(message: &str) -> Answer {
    Answer::Refused(Refusal { message: message.into(), hint: None })
}

fn other_program() -> Answer {
    Answer::Refused(Refusal {
        message: "the program was replaced by another version while it ran".into(),
        hint: Some("run the command again".into()),
    })
}
