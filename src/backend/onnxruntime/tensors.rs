//! Tensors between sessions: each is made once and read where it lies.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use ort::value::{DynValue, Tensor, TensorElementType, ValueType};

use crate::units::{SplitMix64, hash_of_name};

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its sides; one that the model leaves open is 1.
    pub sides: Vec<usize>,
    /// ONNX Runtime's word for the type of an element, `f32`; `None` of what is no tensor.
    pub element: Option<String>,
    pub(super) kind: Option<TensorElementType>,
}

impl Port {
    pub(super) fn of(name: &str, kind: &ValueType) -> Self {
        let (element, sides) = match kind {
            ValueType::Tensor { ty, shape, .. } => (Some(*ty), shape.iter().map(|&side| side.max(1).unsigned_abs())),
            _ => return Self { name: name.to_owned(), sides: Vec::new(), element: None, kind: None },
        };
        let sides = sides.map(|side| usize::try_from(side).unwrap_or(usize::MAX)).collect();
        Self { name: name.to_owned(), sides, element: element.map(|kind| kind.to_string()), kind: element }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.sides.iter().product()
    }
}

/// The tensors of one network's run by their names, shared by its segments, which run one after the other.
#[derive(Clone, Debug, Default)]
pub struct Tensors(Arc<Mutex<HashMap<String, Held>>>);

/// A tensor, and how often a session has written it.
#[derive(Debug)]
struct Held {
    value: Arc<DynValue>,
    times: u64,
}

impl Tensors {
    /// The tensor called `name`.
    pub(super) fn get(&self, name: &str) -> Option<Arc<DynValue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(|held| Arc::clone(&held.value))
    }

    /// Puts what a session computed there, in the place of what it computed before.
    pub(super) fn put(&self, name: &str, value: DynValue) {
        let mut tensors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tensors.get_mut(name) {
            Some(held) => *held = Held { value: Arc::new(value), times: held.times + 1 },
            None => drop(tensors.insert(name.to_owned(), Held { value: Arc::new(value), times: 1 })),
        }
    }

    /// How often each tensor that sessions compute was written; those that were made up aren't among them.
    pub fn written(&self) -> BTreeMap<String, u64> {
        let tensors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let computed = tensors.iter().filter(|(_, held)| held.times > 0);
        computed.map(|(name, held)| (name.clone(), held.times)).collect()
    }

    /// Makes up the tensor of `port` where it isn't there: numbers from -1 to 1 that `seed` and the name tell, so that no
    /// branch and no power-saving of zeros is measured. Integers are zeros, which index anything. The error says why it can't.
    pub(super) fn make_up(&self, port: &Port, seed: u64) -> Result<(), String> {
        if self.get(&port.name).is_some() {
            return Ok(());
        }
        let sides = port.sides.clone();
        let n_elements = port.elements();
        let value = match port.kind {
            Some(TensorElementType::Float32) => {
                let mut random = SplitMix64::new(hash_of_name(seed, &port.name));
                Tensor::from_array((
                    sides,
                    (0..n_elements).map(|_| from_bits(random.next_bits())).collect::<Vec<f32>>(),
                ))
                .map(Tensor::into_dyn)
            }
            Some(TensorElementType::Int64) => {
                Tensor::from_array((sides, vec![0_i64; n_elements])).map(Tensor::into_dyn)
            }
            Some(TensorElementType::Int32) => {
                Tensor::from_array((sides, vec![0_i32; n_elements])).map(Tensor::into_dyn)
            }
            Some(TensorElementType::Bool) => Tensor::from_array((sides, vec![false; n_elements])).map(Tensor::into_dyn),
            Some(other) => return Err(format!("is of {other}, of which no input is made up")),
            None => return Err("is no tensor".to_owned()),
        };
        let value = Arc::new(value.map_err(|error| format!("can't be made: {error}"))?);
        let mut tensors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tensors.insert(port.name.clone(), Held { value, times: 0 });
        Ok(())
    }

    /// The numbers of a tensor of single precision, whole numbers or truth values; `None` where there is none of that name and
    /// kind.
    pub fn numbers(&self, name: &str) -> Option<Vec<f32>> {
        let value = self.get(name)?;
        if let Ok((_, numbers)) = value.try_extract_tensor::<f32>() {
            return Some(numbers.to_vec());
        }
        if let Ok((_, truths)) = value.try_extract_tensor::<bool>() {
            return Some(truths.iter().map(|truth| f32::from(u8::from(*truth))).collect());
        }
        let (_, whole) = value.try_extract_tensor::<i64>().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "indices are small, and both sides lose the same")]
        Some(whole.iter().map(|number| *number as f32).collect())
    }
}

/// A number from -1 to 1 of 24 random bits.
fn from_bits(bits: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "24 bits are what a float holds")]
    let share = (bits >> 40) as f32 / (1 << 24) as f32;
    2.0 * share - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_numbers_lie_between_minus_one_and_one() {
        assert!((from_bits(0) + 1.0).abs() < f32::EPSILON);
        assert!(from_bits(u64::MAX) < 1.0 && from_bits(u64::MAX) > 0.999);
    }
}
