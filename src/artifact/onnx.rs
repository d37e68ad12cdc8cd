//! Files of ONNX models: the model itself, and the weights that lie beside it.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::file::open;
use crate::network::onnx::{self, ExternalData, Imported, InputShape, Model};

/// No ONNX file is larger: protocol buffers count its bytes in 31 bits.
const LARGEST_MODEL: u64 = 2_147_483_647;

/// The model in the file at `path`, called by the file's stem, with `shapes` of inputs that it leaves open. External
/// weights aren't read.
pub fn read_onnx(path: &Path, shapes: &[InputShape]) -> Result<Imported> {
    let shown = path.display();
    let file = open(path)?;
    let length = file.metadata().with_context(|| format!("{shown}: can't be read"))?.len();
    let too_large =
        || anyhow!("{shown}: is larger than 2 GiB, which no ONNX file can be; save its weights as external data");
    if length > LARGEST_MODEL {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_MODEL + 1).read_to_end(&mut bytes).with_context(|| format!("{shown}: can't be read"))?;
    if bytes.len() as u64 > LARGEST_MODEL {
        return Err(too_large());
    }
    let stem = path.file_stem().map_or_else(|| path.to_string_lossy(), |stem| stem.to_string_lossy());
    onnx::parse_shaped(bytes, &stem, &stem, shapes).map_err(|error| anyhow!("{shown}: {error}"))
}

/// Puts the external weights of a model that was read from `path` into it. They must lie in the model's folder.
pub fn embed_external_data(model: &mut Model, path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    model.embed(|part| read_part(folder, part).with_context(|| format!("{}: {}", path.display(), part.constant)))
}

fn read_part(folder: &Path, part: &ExternalData) -> Result<Vec<u8>> {
    let path = folder.join(&part.location);
    let shown = path.display();
    let mut file = open(&path)?;
    let [inside, whole] = [path.as_path(), folder].map(fs::canonicalize);
    if !inside?.starts_with(whole?) {
        bail!("{shown}: leads out of the model's folder");
    }
    let length = file.metadata()?.len();
    let end = part.offset.checked_add(part.length).filter(|end| *end <= length);
    if end.is_none() {
        bail!("{shown}: has {length} bytes, too few for {} at byte {}", part.length, part.offset);
    }
    file.seek(SeekFrom::Start(part.offset))?;
    let mut bytes = Vec::new();
    file.take(part.length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != part.length {
        bail!("{shown}: became shorter while it was read");
    }
    Ok(bytes)
}
