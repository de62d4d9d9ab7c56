//! The environment that plugins want to be loaded in. Knows no plugin, only variables.

/// Variables that must be set before the plugin of a platform is loaded, and are best given to a child process.
///
/// libtpu without them asks a metadata server for minutes, and refuses to be loaded twice on a machine. The CPU plugins only
/// write more to stderr without theirs.
pub fn environment(platform: &str) -> &'static [(&'static str, &'static str)] {
    match platform {
        "tpu" => &[
            ("TPU_SKIP_MDS_QUERY", "1"),
            ("TPU_ACCELERATOR_TYPE", "v6e-1"),
            ("TPU_WORKER_HOSTNAMES", "localhost"),
            ("ALLOW_MULTIPLE_LIBTPU_LOAD", "1"),
            ("TF_CPP_MIN_LOG_LEVEL", "1"),
        ],
        _ => &[("TF_CPP_MIN_LOG_LEVEL", "1")],
    }
}

/// Sets [`environment`] in this process, where it is not set already. Returns whether it could: it is for the first lines of
/// `main`, and does nothing once the process has a second thread.
pub fn adopt_environment(platform: &str) -> bool {
    if threads() != Some(1) {
        return false;
    }
    for (name, value) in environment(platform) {
        if std::env::var_os(name).is_none() {
            // SAFETY: `set_var` must not run while another thread reads the environment. The process has no other thread,
            // and this one starts none here.
            unsafe { std::env::set_var(name, value) };
        }
    }
    true
}

/// Threads of this process; `None` where the system does not tell.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}
