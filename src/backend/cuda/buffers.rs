//! Memory that several engines share by the names of their tensors: whoever comes first makes it, the others get the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Tensors of one network by name, shared between the lanes that run its engines.
#[derive(Debug)]
pub struct Buffers<M> {
    shared: Arc<Mutex<BTreeMap<String, Buffer<M>>>>,
}

#[derive(Debug)]
struct Buffer<M> {
    bytes: u64,
    /// The engine that made it, for errors.
    engine: String,
    memory: Arc<M>,
}

/// Two engines disagree about a tensor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "tensor `{tensor}` takes {bytes} bytes in {engine} and {other_bytes} in {other}; remove both plans, and they are built \
     anew alike"
)]
pub struct BufferMismatch {
    /// The tensor's name.
    pub tensor: String,
    /// The engine that came later.
    pub engine: String,
    /// Bytes that the tensor takes in it.
    pub bytes: u64,
    /// The engine that came first.
    pub other: String,
    /// Bytes that the tensor takes there.
    pub other_bytes: u64,
}

impl<M> Default for Buffers<M> {
    fn default() -> Self {
        Self { shared: Arc::default() }
    }
}

impl<M> Clone for Buffers<M> {
    /// The same buffers, for another holder.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M> Buffers<M> {
    /// The memory of `tensor`, which takes `bytes` in `engine`; made by `make` where nobody has it yet.
    ///
    /// # Errors
    /// Where another engine says that the tensor takes another number of bytes; else `make`'s.
    pub fn claim<E: From<BufferMismatch>>(
        &self,
        tensor: &str,
        bytes: u64,
        engine: &str,
        make: impl FnOnce() -> Result<M, E>,
    ) -> Result<Arc<M>, E> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(buffer) = shared.get(tensor) {
            if buffer.bytes != bytes {
                return Err(E::from(BufferMismatch {
                    tensor: tensor.to_owned(),
                    engine: engine.to_owned(),
                    bytes,
                    other: buffer.engine.clone(),
                    other_bytes: buffer.bytes,
                }));
            }
            return Ok(Arc::clone(&buffer.memory));
        }
        let memory = Arc::new(make()?);
        let buffer = Buffer { bytes, engine: engine.to_owned(), memory: Arc::clone(&memory) };
        shared.insert(tensor.to_owned(), buffer);
        Ok(memory)
    }

    /// The memory of `tensor`, where somebody claimed it.
    pub fn get(&self, tensor: &str) -> Option<Arc<M>> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.get(tensor).map(|buffer| Arc::clone(&buffer.memory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_makes_it_and_the_others_get_the_same() {
        let buffers = Buffers::default();
        let made = buffers.claim("pool", 8, "a.plan", || Ok::<_, BufferMismatch>(7)).unwrap();
        let of_other = buffers
            .clone()
            .claim("pool", 8, "b.plan", || unreachable!("it is there"))
            .map_err(|error: BufferMismatch| error);
        assert!(Arc::ptr_eq(&made, &of_other.unwrap()) && Arc::ptr_eq(&made, &buffers.get("pool").unwrap()));
        assert_eq!(buffers.get("data"), None);
    }

    #[test]
    fn engines_that_disagree_are_both_named() {
        let buffers = Buffers::default();
        buffers.claim("pool", 8, "a.plan", || Ok::<_, BufferMismatch>(7)).unwrap();
        let refusal = buffers.claim("pool", 4, "b.plan", || Ok::<_, BufferMismatch>(8)).unwrap_err().to_string();
        assert_eq!(
            refusal,
            "tensor `pool` takes 4 bytes in b.plan and 8 in a.plan; remove both plans, and they are built anew alike"
        );
    }

    #[test]
    fn memory_that_could_not_be_made_is_not_there() {
        let buffers: Buffers<()> = Buffers::default();
        let mismatch = BufferMismatch {
            tensor: "no memory".into(),
            engine: String::new(),
            bytes: 0,
            other: String::new(),
            other_bytes: 0,
        };
        assert_eq!(buffers.claim("pool", 8, "a.plan", || Err(mismatch.clone())), Err(mismatch));
        assert_eq!(buffers.get("pool"), None);
    }
}
