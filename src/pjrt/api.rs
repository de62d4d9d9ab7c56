//! A loaded plugin and the one way to call it. Knows no client and no program.

use std::ffi::c_void;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::error::{Code, PjrtError};
use super::raw::{self, Args, Function};
use super::value::{self, Value};

/// The oldest minor version whose structs precast's declarations fit.
const MINIMUM_MINOR: i32 = 100;

/// More elements than any array of a plugin has; a larger count is nonsense.
const MAXIMUM_COUNT: usize = 1 << 24;

/// The header knows some thirty extensions; a longer chain has no end.
const MAXIMUM_EXTENSIONS: usize = 1000;

/// A PJRT plugin, loaded and initialized. It stays loaded until the process ends. Clones share it.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    table: NonNull<raw::Api>,
    path: PathBuf,
    minor: i32,
}

// SAFETY: pjrt_c_api.h: `GetPjrtApi` returns a static table with static extensions, which nobody writes; the functions may be called from any thread.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// Every plugin of this process: each is initialized once, however often it is loaded.
static LOADED: Mutex<Vec<Plugin>> = Mutex::new(Vec::new());

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plugin({}, 0.{})", self.0.path.display(), self.0.minor)
    }
}

impl Plugin {
    /// Loads and initializes a plugin, or returns it if this process has it already.
    ///
    /// Fails when the library cannot be opened, is no plugin, speaks a version of the API that does not do, or refuses
    /// to be initialized. libtpu reads its environment here: see [`super::plugins::environment`].
    pub fn load(path: &Path) -> Result<Plugin, PjrtError> {
        let open_error = |cause: String| PjrtError::Open { path: path.into(), cause };
        let path_found = path.canonicalize().map_err(|error| open_error(error.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);

        // SAFETY: loading runs the library's initializers. That the file is a plugin is the caller's word; it is pinned by
        // hash where precast installed it.
        let library = unsafe { Library::open(Some(&path_found), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| open_error(deepest(&error)))?;
        let not_a_plugin = |cause: &str| PjrtError::NotAPlugin { path: path.into(), cause: cause.into() };
        // SAFETY: pjrt_c_api.h declares `const PJRT_Api* GetPjrtApi()`.
        let entry = unsafe { library.get::<unsafe extern "C" fn() -> *mut raw::Api>(b"GetPjrtApi\0") }
            .map_err(|_| not_a_plugin("it has no `GetPjrtApi`"))?;
        // SAFETY: as above; it takes nothing.
        let table = NonNull::new(unsafe { entry() }).ok_or_else(|| not_a_plugin("`GetPjrtApi` returns nothing"))?;
        // Code of a plugin may run until the process ends (threads, exit handlers), so it is never unloaded.
        std::mem::forget(library);

        if let Some(plugin) = loaded.iter().find(|plugin| plugin.0.table == table) {
            return Ok(plugin.clone());
        }
        // SAFETY: the table is static and begins with its size.
        if unsafe { (*table.as_ptr()).struct_size } < size_of::<raw::Api>() {
            return Err(not_a_plugin("its function table has no version"));
        }
        // SAFETY: the table is static and reaches to the end of the version.
        let (major, minor) = unsafe { ((*table.as_ptr()).version.major, (*table.as_ptr()).version.minor) };
        if major != 0 || minor < MINIMUM_MINOR {
            return Err(PjrtError::Version { path: path.into(), major, minor, minimum: MINIMUM_MINOR });
        }
        let plugin = Plugin(Arc::new(Inner { table, path: path.into(), minor }));
        // SAFETY: takes nothing but its size.
        unsafe { plugin.call(&mut args::<raw::Plugin_Initialize>()) }?;
        loaded.push(plugin.clone());
        Ok(plugin)
    }

    /// The file that was loaded, as it was named.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Major and minor version of the PJRT C API that the plugin speaks.
    pub fn api_version(&self) -> (i32, i32) {
        (0, self.0.minor)
    }

    /// What the plugin says about itself, such as its StableHLO version, sorted by name.
    pub fn attributes(&self) -> Result<Vec<(String, Value)>, PjrtError> {
        let mut args = args::<raw::Plugin_Attributes>();
        // SAFETY: takes nothing but its size.
        unsafe { self.call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the attributes live as long as the process.
        unsafe { value::read(raw::Plugin_Attributes::FUNCTION, args.attributes, args.num_attributes) }
    }

    /// Whether both are the same plugin.
    pub(super) fn is(&self, other: &Plugin) -> bool {
        self.0.table == other.0.table
    }

    /// Calls `function` with a `struct_size` of 0, which no plugin accepts, and returns its refusal: it names the size
    /// that the plugin expects. `None` where the plugin lacks the function, answers nothing, or takes any size.
    pub fn probe(&self, function: &Function) -> Option<PjrtError> {
        // The two functions that read errors return nothing.
        if [raw::Error_Destroy::FUNCTION, raw::Error_Message::FUNCTION].contains(function) {
            return None;
        }
        let entry = self.entry(function).ok()?;
        let mut zeros = [0_u64; 64];
        // SAFETY: pjrt_c_api.h: a function checks `struct_size` before it reads anything else, and all else is null.
        let error = NonNull::new(unsafe { entry(zeros.as_mut_ptr().cast()) })?;
        Some(self.error(function.name, error))
    }

    /// Calls the function of `args`.
    ///
    /// # Safety
    /// Pointers in `args` are what the header wants for this function.
    pub(super) unsafe fn call<A: Args>(&self, args: &mut Padded<A>) -> Result<(), PjrtError> {
        let entry = self.entry(&A::FUNCTION)?;
        // SAFETY: `Padded` is `repr(C)` with `A` first, and sized as its `struct_size` says; pointers are the caller's word.
        let error = unsafe { entry(ptr::from_mut(args).cast()) };
        match NonNull::new(error) {
            None => Ok(()),
            Some(error) => Err(self.error(A::FUNCTION.name, error)),
        }
    }

    /// Calls a function that frees what `args` point to; there is nothing to do if that fails.
    ///
    /// # Safety
    /// As [`Plugin::call`].
    pub(super) unsafe fn destroy<A: Args>(&self, args: &mut Padded<A>) {
        // SAFETY: the caller's word.
        if let Err(error) = unsafe { self.call(args) } {
            log::warn!("{error}");
        }
    }

    /// Whether the plugin has `function`, which may be one of an extension.
    pub(super) fn has(&self, function: &Function) -> bool {
        self.entry(function).is_ok()
    }

    fn entry(&self, function: &Function) -> Result<raw::Entry, PjrtError> {
        let missing = || PjrtError::Missing { function: function.name, minor: self.0.minor, path: self.0.path.clone() };
        let start: *const usize = match function.extension {
            None => self.0.table.as_ptr().cast(),
            Some(kind) => self.extension(kind).ok_or_else(missing)?.as_ptr().cast(),
        };
        // SAFETY: table and extensions are static and begin with their size.
        let size = unsafe { start.read() };
        if function.offset() + size_of::<raw::Entry>() > size {
            return Err(missing());
        }
        // SAFETY: the table or extension reaches beyond this function's place, and a place holds a function or null.
        let entry = unsafe { start.byte_add(function.offset()).cast::<Option<raw::Entry>>().read() };
        entry.ok_or_else(missing)
    }

    /// The extension of type `kind`, if the plugin has it. The chain is in no order.
    fn extension(&self, kind: i32) -> Option<NonNull<raw::Extension_Base>> {
        // SAFETY: the table is static and was found to reach to the end of the version.
        let mut next = unsafe { (*self.0.table.as_ptr()).extension_start };
        for _ in 0..MAXIMUM_EXTENSIONS {
            let extension = NonNull::new(next).filter(|extension| extension.is_aligned())?;
            // SAFETY: pjrt_c_api.h: `extension_start` and `next` are null or a static struct that begins with its size.
            if unsafe { (*extension.as_ptr()).struct_size } < size_of::<raw::Extension_Base>() {
                return None;
            }
            // SAFETY: as above, and it has a whole head.
            let (found, behind) = unsafe { ((*extension.as_ptr()).kind, (*extension.as_ptr()).next) };
            if found == kind {
                return Some(extension);
            }
            next = behind;
        }
        None
    }

    /// Turns the plugin's error into ours and frees it.
    pub(super) fn error(&self, function: &'static str, error: NonNull<raw::Error>) -> PjrtError {
        let mut message_args = args::<raw::Error_Message>();
        message_args.error = error.as_ptr();
        let mut code_args = args::<raw::Error_GetCode>();
        code_args.error = error.as_ptr();
        let mut destroy_args = args::<raw::Error_Destroy>();
        destroy_args.error = error.as_ptr();

        let mut message = String::new();
        let mut code = Code::Unknown;
        if let Ok(entry) = self.entry(&raw::Error_Message::FUNCTION) {
            // SAFETY: pjrt_c_api.h: `void PJRT_Error_Message(PJRT_Error_Message_Args*)`; the error is alive.
            unsafe {
                std::mem::transmute::<raw::Entry, unsafe extern "C" fn(*mut c_void)>(entry)(
                    ptr::from_mut(&mut message_args).cast(),
                );
            }
            // SAFETY: the message lives as long as the error, which is freed below.
            let text = unsafe { text(raw::Error_Message::FUNCTION, message_args.message, message_args.message_size) };
            message = text.unwrap_or_else(|problem| problem.to_string());
        }
        if let Ok(entry) = self.entry(&raw::Error_GetCode::FUNCTION) {
            // SAFETY: the error is alive. Were its code unreadable, the second error would be leaked rather than followed.
            if unsafe { entry(ptr::from_mut(&mut code_args).cast()) }.is_null() {
                code = Code::from(code_args.code);
            }
        }
        if let Ok(entry) = self.entry(&raw::Error_Destroy::FUNCTION) {
            // SAFETY: pjrt_c_api.h: `void PJRT_Error_Destroy(PJRT_Error_Destroy_Args*)`; the caller owns the error, and
            // nothing refers to it any more.
            unsafe {
                std::mem::transmute::<raw::Entry, unsafe extern "C" fn(*mut c_void)>(entry)(
                    ptr::from_mut(&mut destroy_args).cast(),
                );
            }
        }
        PjrtError::Call { function, code, message }
    }
}

/// The innermost cause of an error: what `dlopen` said.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Arguments with zeros behind them: a plugin that is newer than our declarations reads those as absent, and may write there.
#[repr(C)]
pub(super) struct Padded<A> {
    args: A,
    beyond: [u64; 16],
}

/// Zeroed arguments with their size set.
pub(super) fn args<A: Args>() -> Padded<A> {
    // SAFETY: `Args` promises that zeros are valid.
    let mut padded: Padded<A> = unsafe { std::mem::zeroed() };
    // SAFETY: `Args` promises that the first field is `struct_size: usize`.
    unsafe { ptr::from_mut(&mut padded).cast::<usize>().write(size_of::<Padded<A>>()) };
    padded
}

impl<A> Deref for Padded<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.args
    }
}

impl<A> DerefMut for Padded<A> {
    fn deref_mut(&mut self) -> &mut A {
        &mut self.args
    }
}

pub(super) fn malformed(function: Function, problem: impl Into<String>) -> PjrtError {
    PjrtError::Malformed { function: function.name, problem: problem.into() }
}

/// An object that the plugin must have set.
pub(super) fn object<T>(function: Function, pointer: *mut T) -> Result<NonNull<T>, PjrtError> {
    NonNull::new(pointer).ok_or_else(|| malformed(function, "it succeeded and set no object"))
}

/// An array that the plugin returned.
///
/// # Safety
/// If `pointer` is not null, `count` elements lie there and stay unchanged for `'a`.
pub(super) unsafe fn array<'a, T>(function: Function, pointer: *const T, count: usize) -> Result<&'a [T], PjrtError> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(malformed(function, format!("{count} elements at no address")));
    }
    if !pointer.is_aligned() {
        return Err(malformed(function, format!("array at the odd address {pointer:p}")));
    }
    if count > MAXIMUM_COUNT {
        return Err(malformed(function, format!("an array of {count} elements")));
    }
    // SAFETY: not null, aligned and of a sane length; the rest is the caller's word.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Bytes that the plugin returned. Unlike an array they may be large.
///
/// # Safety
/// As [`array`].
pub(super) unsafe fn bytes<'a>(function: Function, pointer: *const u8, size: usize) -> Result<&'a [u8], PjrtError> {
    if size == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || size > isize::MAX as usize {
        return Err(malformed(function, format!("{size} bytes at {pointer:p}")));
    }
    // SAFETY: not null and of a possible length; the rest is the caller's word.
    Ok(unsafe { std::slice::from_raw_parts(pointer, size) })
}

/// Text that the plugin returned; what is not UTF-8 becomes replacement characters.
///
/// # Safety
/// As [`array`].
pub(super) unsafe fn text(function: Function, pointer: *const u8, size: usize) -> Result<String, PjrtError> {
    // SAFETY: the caller's word.
    let bytes = unsafe { bytes(function, pointer, size) }?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}
