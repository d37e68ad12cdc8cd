//! From what was typed to networks, a platform and groups.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, anyhow};

use super::args::NetworkArguments;
use super::board::HOST;
use super::failure::Failure;
use super::{host, output};
use crate::artifact::{self, Found, Origin, builtin};
use crate::group::{self, AcceleratorRules, GroupError, GroupSpec, LayerGroup};
use crate::network::catalog::{self, Entry};
use crate::network::{Network, caffe};
use crate::platform::Platform;

/// Folder in which a user's own network files win over the built-in ones.
const NETWORK_FOLDER: &str = "prototxt_input_files";

/// The platform of a command that is told of none and runs on none: the simulator's, and that of files without a word of
/// where they are from.
pub(super) const USUAL_PLATFORM: &str = "xavier_agx";

/// The network that `name` means: a file where it looks like a path, else one of the built-in networks.
pub(super) fn network(name: &str) -> Result<Found<Network>, Failure> {
    if is_file_name(name) {
        return read_network_file(Path::new(name));
    }
    let entry = catalog::find(name)
        .map_err(|unknown| Failure::usage(unknown).hint("a path is taken as a file: write `./mine.prototxt`"))?;
    let file = Path::new(NETWORK_FOLDER).join(format!("{}.prototxt", entry.name));
    if file.is_file() && artifact::read_text(&file)? != entry.text {
        return read_network(&file, entry.name, entry.title, true);
    }
    let value = parse_builtin(entry)?;
    let sha256 = value.content_hash.clone();
    Ok(Found { value, origin: Origin::BuiltIn(entry.name.into()), sha256, hides_builtin: false, notes: Vec::new() })
}

/// The name by which a network was found.
pub(super) fn name_of(network: &Found<Network>) -> String {
    match &network.origin {
        Origin::BuiltIn(_) => network.value.name.clone(),
        Origin::File(path) => path.display().to_string(),
    }
}

/// Whether a network is named by its file: by a path, or by a file's ending.
pub(super) fn is_file_name(name: &str) -> bool {
    let ends = |extension: &std::ffi::OsStr| extension == "prototxt" || extension == "onnx";
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(ends)
}

/// Whether a file is read as an ONNX model.
pub(super) fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

/// The network in the file at `path`, or those in the files `*.prototxt` of the folder at `path`, by name.
pub(super) fn network_files(path: &Path) -> Result<Vec<Found<Network>>, Failure> {
    if !path.is_dir() {
        return Ok(vec![read_network_file(path)?]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("{}: can't be read", path.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("{}: can't be read", path.display()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "prototxt"));
    paths.sort();
    if paths.is_empty() {
        return Err(anyhow!("{}: holds no *.prototxt", path.display()).into());
    }
    paths.iter().map(|path| read_network_file(path)).collect()
}

/// The built-in network called `name`, whatever files there are.
pub(super) fn builtin_network(name: &str) -> Result<Network, Failure> {
    parse_builtin(catalog::find(name).map_err(Failure::usage)?)
}

/// The network of an entry that ships with the program.
pub(super) fn parse_builtin(entry: &Entry) -> Result<Network, Failure> {
    Ok(caffe::parse(entry.text, entry.name, entry.title)
        .map_err(|error| anyhow!("built-in `{}`:{error}", entry.name))?)
}

/// The network in the file at `path`, called by the file's stem.
fn read_network_file(path: &Path) -> Result<Found<Network>, Failure> {
    if is_onnx(path) {
        let imported = artifact::read_onnx(path, &[])?;
        return Ok(found_model(path, &imported.network, imported.notes));
    }
    let stem = path.file_stem().map_or_else(|| path.to_string_lossy(), |stem| stem.to_string_lossy());
    read_network(path, &stem, &stem, false)
}

/// A network that the ONNX model at `path` holds.
pub(super) fn found_model(path: &Path, network: &Network, notes: Vec<String>) -> Found<Network> {
    let notes = notes.into_iter().map(|note| format!("{}: {note}", path.display())).collect();
    let sha256 = network.content_hash.clone();
    Found { value: network.clone(), origin: Origin::File(path.into()), sha256, hides_builtin: false, notes }
}

fn read_network(path: &Path, name: &str, title: &str, hides_builtin: bool) -> Result<Found<Network>, Failure> {
    let value = read_by(path, |text| caffe::parse(text, name, title))?;
    let sha256 = value.content_hash.clone();
    Ok(Found { value, origin: Origin::File(path.into()), sha256, hides_builtin, notes: Vec::new() })
}

/// What `reader`, whose errors begin with a line, makes of the file at `path`.
pub(super) fn read_by<T, E: Display>(path: &Path, reader: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
    let text = artifact::read_text(path)?;
    Ok(reader(&text).map_err(|error| anyhow!("{}:{error}", path.display()))?)
}

/// The networks of `--dnns`, in order.
pub(super) fn networks(arguments: &NetworkArguments, least: usize) -> Result<Vec<Found<Network>>, Failure> {
    if arguments.dnns.len() < least || arguments.dnns.iter().any(|name| name.trim().is_empty()) {
        let wanted = if least == 1 { "at least one network" } else { "at least two networks" };
        return Err(Failure::usage(format!("`--dnns` needs {wanted} and no empty names"))
            .hint("separate names by commas: `--dnns googlenet,resnet`; the same one twice is two instances"));
    }
    arguments.dnns.iter().map(|name| network(name.trim())).collect()
}

/// The platform that `choice` means. That of this machine is measured where no file describes it yet.
pub(super) fn platform(choice: &str) -> Result<Found<Platform>, Failure> {
    if choice == HOST && !Path::new("platforms").join(format!("{HOST}.yaml")).exists() {
        let path = host::path();
        if !path.exists() {
            output::note(false, &format!("{}: isn't there yet; this machine is measured for it", path.display()));
            host::detect(&[], host::POINT, &path, false)?;
        }
        return platform(&path.display().to_string());
    }
    builtin::find_platform(choice, Path::new("")).map_err(|error| {
        let is_path = choice.contains('/') || Path::new(choice).extension().is_some();
        let known = is_path || builtin::platform_names().contains(&choice);
        if known { error.into() } else { Failure::usage(format!("{error:#}")) }
    })
}

/// The groups that `--groups` asks for, where it is given.
pub(super) fn group_spec(arguments: &NetworkArguments) -> Result<Option<GroupSpec>, Failure> {
    let spec = arguments.groups.as_deref().map(GroupSpec::from_str);
    spec.transpose().map_err(|error| refused_groups(&error))
}

/// `network` divided into groups for a platform.
pub(super) fn split(network: &Network, platform: &Platform, spec: &GroupSpec) -> Result<Vec<LayerGroup>, Failure> {
    group::split(network, &rules(platform), spec).map_err(|error| refused_groups(&error))
}

/// What the group room needs to know of a platform.
pub(super) fn rules(platform: &Platform) -> Vec<AcceleratorRules<'_>> {
    platform.accelerators.iter().map(Into::into).collect()
}

pub(super) fn refused_groups(error: &GroupError) -> Failure {
    Failure::usage(format!("`--groups`: {error}"))
}

/// A remark where a user's file took the place of a built-in one, and what else is to be said of it.
pub(super) fn announce<T>(what: &str, found: &Found<T>) -> Vec<String> {
    let hides = found.hides_builtin;
    let hides = hides.then(|| format!("{what} {} is used instead of the built-in one of that name", found.origin));
    hides.into_iter().chain(found.notes.iter().cloned()).collect()
}
