//! Where ONNX Runtime's library is: named by `ORT_DYLIB_PATH`, else known to the system, else in Python's package.

use std::path::{Path, PathBuf};

use super::OnnxRuntimeError;

/// What may know where the library is. Asking the system and Python means starting programs, which isn't done here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibrarySource {
    /// What the environment names.
    pub named: Option<PathBuf>,
    /// The folders of the loader's variable.
    pub folders: Vec<PathBuf>,
    /// The library in the loader's list.
    pub system: Option<PathBuf>,
    /// The folder of Python's package `onnxruntime`.
    pub package: Option<PathBuf>,
    /// A folder that is filled for the development of this program.
    pub development: Option<PathBuf>,
}

impl LibrarySource {
    /// The library's file.
    pub fn find(&self) -> Result<PathBuf, OnnxRuntimeError> {
        if let Some(named) = &self.named {
            let looked = || format!("`ORT_DYLIB_PATH` is {}: no such file", named.display());
            return if named.is_file() {
                Ok(named.clone())
            } else {
                Err(OnnxRuntimeError::NotFound { looked: looked() })
            };
        }
        let in_folders = self.folders.iter().find_map(|folder| library_in(folder));
        let in_package = || self.package.as_ref().and_then(|package| library_in(&package.join("capi")));
        let in_development = || self.development.as_ref().and_then(|folder| library_in(folder));
        let found = in_folders.or_else(|| self.system.clone()).or_else(in_package).or_else(in_development);
        found.ok_or_else(|| OnnxRuntimeError::NotFound {
            looked: "no libonnxruntime.so in the system, and no Python package `onnxruntime`".to_owned(),
        })
    }
}

/// The library's path in the loader's list: `libonnxruntime.so.1 (libc6,x86-64) => /usr/lib/..`.
pub fn of_loader_list(list: &str) -> Option<PathBuf> {
    let line = list.lines().find(|line| line.trim_start().starts_with("libonnxruntime.so"))?;
    line.split_once("=> ").map(|(_, path)| PathBuf::from(path.trim()))
}

/// The first `libonnxruntime.so*` in a folder.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so"));
    files.filter(named).min()
}

/// The version that a library's file is named by: `libonnxruntime.so.1.32.0`, or a link to it.
pub(super) fn version_of(path: &Path) -> Option<String> {
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = resolved.file_name()?.to_str()?;
    name.strip_prefix("libonnxruntime.so.").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_names_the_library() {
        let list = "12 libs found\n\tlibm.so.6 (libc6) => /lib/libm.so.6\n\tlibonnxruntime.so.1 (libc6,x86-64) => /usr/lib/libonnxruntime.so.1\n";
        assert_eq!(of_loader_list(list), Some(PathBuf::from("/usr/lib/libonnxruntime.so.1")));
        assert_eq!(of_loader_list("nothing"), None);
    }

    #[test]
    fn what_is_named_comes_first_and_must_be_there() {
        let named = |path: &str| LibrarySource {
            named: Some(path.into()),
            system: Some("/usr/lib/libonnxruntime.so.1".into()),
            ..LibrarySource::default()
        };
        let words = "no ONNX Runtime: `ORT_DYLIB_PATH` is /nonexistent/x.so: no such file";
        assert_eq!(named("/nonexistent/x.so").find().unwrap_err().to_string(), words);
        let system = LibrarySource { named: None, ..named("") };
        assert_eq!(system.find(), Ok(PathBuf::from("/usr/lib/libonnxruntime.so.1")));
        assert!(LibrarySource::default().find().unwrap_err().to_string().contains("no Python package `onnxruntime`"));
    }

    #[test]
    fn a_version_is_in_the_files_name() {
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so.1.32.0")).as_deref(), Some("1.32.0"));
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so")), None);
    }
}
