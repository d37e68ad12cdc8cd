//! Reading and writing of files: sentences instead of system errors, and never a half-written file.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

/// Nothing that this program reads as text comes near it.
const LARGEST_TEXT: u64 = 64 << 20;

/// The text of the file at `path`, at most 64 MiB of UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let shown = path.display();
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        anyhow!("{shown}: is not text; byte {position} is not UTF-8")
    })
}

/// The bytes of the file at `path`, at most 64 MiB.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(|error| anyhow!("{shown}: can't be read ({error})"))?;
    if bytes.len() as u64 > LARGEST_TEXT {
        bail!("{shown}: is larger than {} MiB", LARGEST_TEXT >> 20);
    }
    Ok(bytes)
}

/// The file at `path`, to be read.
pub(super) fn open(path: &Path) -> Result<File> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!("{shown}: no such file"),
        ErrorKind::PermissionDenied => anyhow!("{shown}: may not be read (permission denied)"),
        _ => anyhow!("{shown}: can't be opened ({error})"),
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        bail!("{shown}: is a directory, not a file");
    }
    Ok(file)
}

/// Writes `text` to `path` as [`write_bytes`] does.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    write_bytes(path, text.as_bytes())
}

/// Writes `bytes` to `path`, whole or not at all; makes the folders above it.
///
/// A new file appears under its name only when it is complete; one that was there stays as it was until then. What is
/// no file (a device, a named pipe) stays what it is and gets the bytes; a link stays a link, its file is replaced.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let shown = path.display();
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(Metadata::is_dir) {
        bail!("can't write {shown}: is a directory");
    }
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return write_into(path, bytes).with_context(|| format!("can't write {shown}"));
    }
    let linked = if there.is_some() { fs::canonicalize(path).ok() } else { None };
    let path = linked.as_deref().unwrap_or(path);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)
        .map_err(|error| anyhow!("can't write {shown}: folder {} can't be made ({error})", folder.display()))?;
    replace(path, folder, bytes).with_context(|| format!("can't write {shown}"))
}

/// Makes `folder` with those above it, and refuses one in which no file can be made.
pub fn prepare_folder(folder: &Path) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).map_err(|error| anyhow!("can't write {shown}: it can't be made ({error})"))?;
    tempfile::tempfile_in(folder).map(drop).map_err(|error| anyhow!("can't write in {shown}: {error}"))
}

fn write_into(path: &Path, bytes: &[u8]) -> Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(bytes)?;
    Ok(())
}

fn replace(path: &Path, folder: &Path, bytes: &[u8]) -> Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".haxconn-");
    allow_others_to_read(&mut builder);
    let mut file = builder.tempfile_in(folder).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => anyhow!("permission denied in {}", folder.display()),
        _ => anyhow!("{error}"),
    })?;
    file.write_all(bytes)?;
    // A disk that is full may say so only now, while the old file is still there.
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| anyhow!("{}", error.error))?;
    Ok(())
}

/// Temporary files are private by default; what is written here is as public as any other file, less the umask.
#[cfg(unix)]
fn allow_others_to_read(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn allow_others_to_read(_: &mut tempfile::Builder<'_, '_>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_with_the_folders_above_it_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output/sim/schedule.json");
        write_text(&path, "first").unwrap();
        write_text(&path, "second").unwrap();
        assert_eq!(read_text(&path).unwrap(), "second");
        assert_eq!(names_in(path.parent().unwrap()), ["schedule.json"]);
    }

    #[test]
    fn an_unwritable_output_is_a_sentence_with_its_path_and_cause() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "kept").unwrap();
        let below = folder.path().join("file/schedule.json");
        let message = format!("{:#}", write_text(&below, "text").unwrap_err());
        assert!(message.starts_with(&format!("can't write {}: folder ", below.display())), "{message}");
        let message = format!("{:#}", write_text(folder.path(), "text").unwrap_err());
        assert_eq!(message, format!("can't write {}: is a directory", folder.path().display()));
        assert_eq!(names_in(folder.path()), ["file"]);
        assert_eq!(read_text(&folder.path().join("file")).unwrap(), "kept");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link, full] = ["file", "link", "full"].map(|name| folder.path().join(name));
        fs::write(&file, "first").unwrap();
        symlink("file", &link).unwrap();
        write_text(&link, "second").unwrap();
        assert_eq!(read_text(&file).unwrap(), "second");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // Through a link, so that a program that replaces what it finds replaces only that.
        symlink("/dev/full", &full).unwrap();
        let message = format!("{:#}", write_text(&full, "text").unwrap_err());
        assert!(message.starts_with(&format!("can't write {}: ", full.display())), "{message}");
        assert!(fs::metadata(&full).unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_folder_on_which_nothing_can_be_written_leaves_nothing_behind() {
        let path = Path::new("/proc/haxconn/schedule.json");
        let message = format!("{:#}", write_text(path, "text").unwrap_err());
        assert!(message.starts_with("can't write /proc/haxconn/schedule.json: folder /proc/haxconn"), "{message}");
        let message = format!("{:#}", write_text(Path::new("/proc/schedule.json"), "text").unwrap_err());
        assert!(message.starts_with("can't write /proc/schedule.json: "), "{message}");
    }

    #[test]
    fn what_cannot_be_read_is_a_sentence_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let shown = path.display();
        assert_eq!(read_text(&path).unwrap_err().to_string(), format!("{shown}: no such file"));
        fs::write(&path, b"ab\xff").unwrap();
        assert_eq!(read_text(&path).unwrap_err().to_string(), format!("{shown}: is not text; byte 2 is not UTF-8"));
        let message = read_text(folder.path()).unwrap_err().to_string();
        assert_eq!(message, format!("{}: is a directory, not a file", folder.path().display()));
        File::create(&path).unwrap().set_len(LARGEST_TEXT + 1).unwrap();
        assert_eq!(read_bytes(&path).unwrap_err().to_string(), format!("{shown}: is larger than 64 MiB"));
    }
}
