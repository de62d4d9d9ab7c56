//! A compiler in a process of its own: what it prints goes to a log, and when it crashes that is an error like any other.
//! `wire` is what the two sides say, `serve` the child. Knows programs and processes, and no cache.
//!
//! The channel is a socket pair whose one end is the child's standard input: nothing that a plugin prints can get in its way,
//! and its end is the end of the other side.

mod serve;
mod wire;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::entry::{Memory, Payload};
use super::error::BundleError;
use super::identity;
use super::key::Key;
use super::manifest::{MeshEntry, ParameterEntry, TypeEntry};
use super::program::Program;
use crate::pjrt::plugins::environment;
use crate::pjrt::{CompileOptions, Value};
use crate::target::Target;
pub use serve::serve;
use wire::{Answer, Opened, PROTOCOL, Request, receive, send};

/// The verb of the command line that is the child: `precast compile-worker`.
pub const VERB: &str = "compile-worker";

/// What a worker compiles with and for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The plugin's library.
    pub plugin: PathBuf,
    /// Whose plugin it is, such as `tpu`: it decides what the child finds in its environment.
    pub platform: String,
    /// What people call the devices, such as `v5e-1`.
    pub target: String,
    /// What the plugin calls them, such as `v5e:1x1`; `None` compiles for the devices that the plugin has here.
    pub topology: Option<String>,
    /// How the topology is made, by the plugin's own names.
    pub topology_options: Vec<(String, Value)>,
    /// Host devices; only without a topology.
    pub devices: usize,
}

impl Job {
    /// Compiles for `target` with the library `plugin`.
    pub fn new(target: &Target, plugin: &Path) -> Job {
        let option = |(name, value): &(&str, &str)| (name.to_string(), Value::Text(value.to_string()));
        Job {
            plugin: plugin.into(),
            platform: target.platform.name().into(),
            target: target.name.clone(),
            topology: target.topology.as_ref().map(|topology| topology.name.clone()),
            topology_options: target.topology.iter().flat_map(|topology| topology.options).map(option).collect(),
            devices: target.devices,
        }
    }
}

/// What a worker's programs have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The entries of every program's key that tell the compiler, the devices and the environment.
    pub key: Key,
    /// Memory of one device; `None` where it is the host's.
    pub hbm_bytes: Option<u64>,
    pub devices: usize,
}

/// A program as it came from the compiler.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    pub payload: Payload,
    pub memory: Memory,
    /// `None` where the compiler does not predict.
    pub cost: Option<Cost>,
    /// How each parameter lies on a device; none where the plugin does not tell.
    pub layouts: Vec<String>,
    pub seconds: f64,
}

/// A process that compiles one program after another. It ends with its owner; one that crashed is started again for the next
/// program.
#[derive(Debug)]
pub struct Worker {
    executable: PathBuf,
    job: Job,
    log: PathBuf,
    identity: Identity,
    running: Option<Running>,
    /// Where plugins may leave files of their own. Goes last, when nobody writes there any more.
    scratch: tempfile::TempDir,
}

impl Worker {
    /// Starts a process of `executable`, which is precast itself, and has it load the plugin. `log` takes what the process prints.
    pub fn start(executable: &Path, job: &Job, log: &Path) -> Result<Worker, BundleError> {
        let scratch = tempfile::Builder::new().prefix("precast-").tempdir();
        let scratch = scratch.map_err(|source| io_error("create a folder", &std::env::temp_dir(), source))?;
        let mut worker = Worker {
            executable: executable.to_path_buf(),
            job: job.clone(),
            log: log.to_path_buf(),
            scratch,
            identity: Identity { key: Key::new(), hbm_bytes: None, devices: 0 },
            running: None,
        };
        worker.spawn()?;
        // Reading a large plugin for its digest takes as long as loading it, so both are done at once.
        let digest = identity::digest(&job.plugin, identity::default_stamps().as_deref());
        let digest = digest.map_err(|source| io_error("read the plugin", &job.plugin, source))?;
        let Opened { compiler, hbm_bytes } = worker.opened()?;
        let key = match &job.topology {
            Some(name) => identity::of_topology(&compiler, &digest, name, &job.topology_options),
            None => identity::of_compiler(&compiler, &digest),
        };
        worker.identity = Identity { key, hbm_bytes, devices: compiler.devices };
        Ok(worker)
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What people call the devices.
    pub fn target(&self) -> &str {
        &self.job.target
    }

    /// The file that has what the compiler printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Compiles `program`. A crash, a refusal and a program that does not fit are errors that name it.
    pub fn compile(&mut self, program: &Program, options: &CompileOptions) -> Result<Compiled, BundleError> {
        if self.running.is_none() {
            self.spawn()?;
            self.opened()?;
        }
        let request = Request::Compile {
            program: program.name.clone(),
            mesh: program.signature.mesh.as_ref().map(MeshEntry::new),
            parameters: program.signature.parameters.iter().map(ParameterEntry::new).collect(),
            results: program.signature.results.iter().map(TypeEntry::new).collect(),
            options: options.clone(),
        };
        let (answer, payload) = self.ask(&request, program.text.as_bytes(), Some(&program.name))?;
        match answer {
            Answer::Compiled { memory, cost, layouts, seconds } => {
                Ok(Compiled { payload: Payload(payload), memory, cost, layouts, seconds })
            }
            Answer::DoesNotFit(shortage) => Err(BundleError::DoesNotFit {
                program: program.name.clone(),
                target: self.job.target.clone(),
                shortage: Box::new(shortage),
            }),
            Answer::Refused(refusal) => Err(BundleError::NotCompiled {
                program: program.name.clone(),
                target: self.job.target.clone(),
                refusal: Box::new(refusal),
                log: self.log.clone(),
            }),
            Answer::Opened(_) => Err(self.broken(Some(&program.name))),
        }
    }

    /// A new process that is asked to load the plugin, and has not answered yet.
    fn spawn(&mut self) -> Result<(), BundleError> {
        let log_error = |source| io_error("write the log", &self.log, source);
        let log = File::options().create(true).append(true).open(&self.log).map_err(log_error)?;
        let second = log.try_clone().map_err(log_error)?;
        let start_error = |source| io_error("start the compiler", &self.executable, source);
        let (channel, theirs) = UnixStream::pair().map_err(start_error)?;
        let mut command = Command::new(&self.executable);
        command.arg(VERB).env("TPU_LOG_DIR", self.scratch.path());
        for (name, value) in environment(&self.job.platform) {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::from(log)).stderr(Stdio::from(second));
        let child = command.spawn().map_err(start_error)?;
        // The command holds the child's end of the channel, whose closing is to tell that the child has ended.
        drop(command);
        let mut running = Running { child, channel };
        let request = Request::Open { protocol: PROTOCOL, job: self.job.clone(), scratch: self.scratch.path().into() };
        let sent = send(&mut running.channel, &request, &[]);
        self.running = Some(running);
        sent.map_err(|_| self.broken(None))
    }

    /// The answer to what `spawn` asked.
    fn opened(&mut self) -> Result<Opened, BundleError> {
        match self.answer(None)?.0 {
            Answer::Opened(opened) => Ok(opened),
            Answer::Refused(refusal) => {
                self.running = None;
                Err(BundleError::Worker {
                    target: self.job.target.clone(),
                    refusal: Box::new(refusal),
                    log: self.log.clone(),
                })
            }
            Answer::Compiled { .. } | Answer::DoesNotFit(_) => Err(self.broken(None)),
        }
    }

    fn ask(
        &mut self,
        request: &Request,
        attached: &[u8],
        program: Option<&str>,
    ) -> Result<(Answer, Vec<u8>), BundleError> {
        let sent = match &mut self.running {
            Some(running) => send(&mut running.channel, request, attached),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        sent.map_err(|_| self.broken(program))?;
        self.answer(program)
    }

    /// The next answer. Whatever breaks off is a crash.
    fn answer(&mut self, program: Option<&str>) -> Result<(Answer, Vec<u8>), BundleError> {
        let received = match &mut self.running {
            Some(running) => receive(&mut running.channel),
            None => Ok(None),
        };
        match received {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) | Err(_) => Err(self.broken(program)),
        }
    }

    /// Gives up the process and says how it ended; the next program gets a new one.
    fn broken(&mut self, program: Option<&str>) -> BundleError {
        let ended = self.running.take().and_then(Running::ended);
        BundleError::Crashed {
            program: program.map(str::to_string),
            target: self.job.target.clone(),
            end: ended.map_or("it broke off and was ended".into(), described),
            was_killed: ended.is_some_and(|status| status.signal() == Some(9)),
            log: self.log.clone(),
        }
    }
}

/// A living child and the way to it.
#[derive(Debug)]
struct Running {
    child: Child,
    channel: UnixStream,
}

/// How long a child that broke off may take to end: a core dump is large.
const PATIENCE: Duration = Duration::from_secs(20);

impl Running {
    /// How the child ended; `None` if it had to be ended.
    fn ended(mut self) -> Option<ExitStatus> {
        let _ = self.channel.shutdown(std::net::Shutdown::Both);
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(_) => break,
            }
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It holds nothing that would have to be finished.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> BundleError {
    BundleError::Io { action, path: path.to_path_buf(), source }
}

/// Such as `signal 11 SIGSEGV`.
fn described(status: ExitStatus) -> String {
    let names = [
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
    ];
    match (status.signal(), status.code()) {
        (Some(signal), _) => match names.iter().find(|row| row.0 == signal) {
            Some((_, name)) => format!("signal {signal} {name}"),
            None => format!("signal {signal}"),
        },
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => status.to_string(),
    }
}
