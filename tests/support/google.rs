//! A store that speaks as much of Google Cloud Storage as bundles need: objects are read, and written if their generation is as expected.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// Content and generation by path.
type Stored = BTreeMap<String, (Vec<u8>, u64)>;

/// Ends with the test's process.
pub struct Google {
    stored: Arc<Mutex<Stored>>,
    /// Holds the file that says where it is, and that it asks for no token.
    folder: TempDir,
}

impl Google {
    pub fn start() -> Google {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let stored = Arc::new(Mutex::new(Stored::new()));
        let google = Google { stored: stored.clone(), folder: tempfile::tempdir().expect("a folder") };
        let account = serde_json::json!({
            "gcs_base_url": format!("http://127.0.0.1:{port}"), "disable_oauth": true,
            "client_email": "", "private_key": "", "private_key_id": "",
        });
        std::fs::write(google.account(), account.to_string()).expect("a file");
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let stored = stored.clone();
                std::thread::spawn(move || answer(connection, &stored));
            }
        });
        google
    }

    /// The variables with which `command` reaches the store.
    pub fn reach(&self, command: &mut Command) {
        command.env("GOOGLE_SERVICE_ACCOUNT", self.account());
    }

    fn account(&self) -> PathBuf {
        self.folder.path().join("account.json")
    }

    pub fn names(&self) -> Vec<String> {
        self.stored.lock().expect("no panic").keys().cloned().collect()
    }
}

/// One request of a connection, which is closed then.
fn answer(connection: TcpStream, stored: &Mutex<Stored>) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut writer = connection;
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    // Writers quote more of a name than readers do.
    let path = percent_encoding::percent_decode_str(words.next()?).decode_utf8().ok()?.into_owned();
    let (mut length, mut expected) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let line = line.trim().to_ascii_lowercase();
        match line.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().ok()?,
            Some(("x-goog-if-generation-match", value)) => expected = value.trim().parse::<u64>().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stored = stored.lock().expect("no panic");
    let found = stored.get(&path).cloned();
    let (status, content, generation) = match method.as_str() {
        "PUT" => {
            let old = found.map_or(0, |(_, generation)| generation);
            if expected.is_some_and(|expected| expected != old) {
                (412, Vec::new(), old)
            } else {
                stored.insert(path, (body, old + 1));
                (200, Vec::new(), old + 1)
            }
        }
        _ => found.map_or((404, Vec::new(), 0), |(content, generation)| (200, content, generation)),
    };
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\netag: \"{generation}\"\r\nx-goog-generation: {generation}\r\n\
         last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close\r\n\r\n",
        content.len()
    );
    writer.write_all(head.as_bytes()).ok()?;
    if method != "HEAD" {
        writer.write_all(&content).ok()?;
    }
    writer.shutdown(Shutdown::Both).ok()
}
