//! Constant tensors: whether their data fits their shape, their numbers where they are few, and their external files.

use prost::bytes::Bytes;

use super::element;
use super::proto::TensorProto;

/// Most elements of a constant whose numbers are looked at: they are parameters of shapes, not weights.
pub(super) const MAX_VALUES: u64 = 1024;

/// Most elements that a constant may have; more than any file holds.
const MAX_ELEMENTS: u64 = 1 << 40;

/// Most sides of a tensor.
const MAX_RANK: usize = 16;

/// Numbers of a small constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Whole numbers and truth values.
    Whole(Vec<i64>),
    /// Real numbers.
    Real(Vec<f64>),
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
        }
    }

    /// The whole numbers, where they are.
    pub(super) fn whole(&self) -> Option<&[i64]> {
        match self {
            Self::Whole(values) => Some(values),
            Self::Real(_) => None,
        }
    }

    /// All numbers as real ones.
    pub(super) fn real(&self) -> Vec<f64> {
        match self {
            Self::Whole(values) => values.iter().map(|value| *value as f64).collect(),
            Self::Real(values) => values.clone(),
        }
    }
}

/// The product of `dims`, where it is small enough to be a tensor's.
pub(super) fn n_elements(dims: &[u64]) -> Option<u64> {
    let product = dims.iter().try_fold(1_u64, |product, side| product.checked_mul(*side))?;
    (dims.len() <= MAX_RANK && product <= MAX_ELEMENTS).then_some(product)
}

/// The sides of a constant whose data fits them; else what is wrong, as a sentence about it.
pub(super) fn checked_dims(tensor: &TensorProto) -> Result<Vec<u64>, String> {
    let dims = tensor.dims.iter().map(|side| u64::try_from(*side).ok()).collect::<Option<Vec<_>>>();
    let dims = dims.ok_or_else(|| format!("has the negative shape {:?}", tensor.dims))?;
    let n_elements = n_elements(&dims).ok_or_else(|| format!("has the shape {dims:?}, which is too large"))?;
    if is_external(tensor) {
        let key = tensor.external_data.iter().any(|entry| entry.key == "location" && !entry.value.is_empty());
        return if key { Ok(dims) } else { Err("is in external data without a `location`".to_owned()) };
    }
    let (has, needs, what) = match &tensor.raw_data {
        Some(raw) => {
            let Some(bits) = element::bits(tensor.data_type) else {
                return Err(format!("has raw data of {}", element::name(tensor.data_type)));
            };
            (raw.len() as u64, (n_elements * bits).div_ceil(8), "bytes of data")
        }
        None => typed(tensor, n_elements)?,
    };
    if has != needs {
        return Err(format!(
            "has {has} {what}, but its shape {dims:?} of {} needs {needs}",
            element::name(tensor.data_type)
        ));
    }
    Ok(dims)
}

/// How many numbers the typed fields hold, and how many they must hold.
fn typed(tensor: &TensorProto, n_elements: u64) -> Result<(u64, u64, &'static str), String> {
    let (has, needs) = match tensor.data_type {
        1 => (tensor.float_data.len(), n_elements),
        14 => (tensor.float_data.len(), 2 * n_elements),
        2..=6 | 9 | 10 | 16..=20 | 24 => (tensor.int32_data.len(), n_elements),
        21..=23 => (tensor.int32_data.len(), n_elements.div_ceil(2)),
        25 | 26 => (tensor.int32_data.len(), n_elements.div_ceil(4)),
        7 => (tensor.int64_data.len(), n_elements),
        8 => (tensor.string_data.len(), n_elements),
        11 => (tensor.double_data.len(), n_elements),
        15 => (tensor.double_data.len(), 2 * n_elements),
        12 | 13 => (tensor.uint64_data.len(), n_elements),
        other => return Err(format!("has the element type {other}, which is unknown")),
    };
    Ok((has as u64, needs, "numbers"))
}

/// Whether the tensor's data lies in another file.
pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(1)
}

/// The numbers of a small constant, where they are in the model and of a type that shapes are made of.
pub(super) fn values(tensor: &TensorProto, n_elements: u64) -> Option<Values> {
    if n_elements > MAX_VALUES || is_external(tensor) {
        return None;
    }
    let raw = tensor.raw_data.as_deref();
    match tensor.data_type {
        element::FLOAT => Some(Values::Real(match raw {
            Some(raw) => numbers(raw, |bytes| f64::from(f32::from_le_bytes(bytes))),
            None => tensor.float_data.iter().map(|value| f64::from(*value)).collect(),
        })),
        element::DOUBLE => Some(Values::Real(match raw {
            Some(raw) => numbers(raw, f64::from_le_bytes),
            None => tensor.double_data.clone(),
        })),
        element::INT64 => Some(Values::Whole(match raw {
            Some(raw) => numbers(raw, i64::from_le_bytes),
            None => tensor.int64_data.clone(),
        })),
        element::INT32 => Some(Values::Whole(match raw {
            Some(raw) => numbers(raw, |bytes| i64::from(i32::from_le_bytes(bytes))),
            None => tensor.int32_data.iter().map(|value| i64::from(*value)).collect(),
        })),
        element::BOOL | element::UINT8 => Some(Values::Whole(match raw {
            Some(raw) => raw.iter().map(|byte| i64::from(*byte)).collect(),
            None => tensor.int32_data.iter().map(|value| i64::from(*value)).collect(),
        })),
        _ => None,
    }
}

fn numbers<const N: usize, T>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|bytes| read(*bytes)).collect()
}

/// A constant of `values` called `name`.
#[expect(clippy::cast_possible_truncation, reason = "a 32-bit tensor holds 32-bit numbers")]
pub(super) fn of_values(name: &str, element: i32, dims: &[u64], values: &Values) -> TensorProto {
    let raw: Vec<u8> = match (element, values) {
        (element::FLOAT, values) => values.real().iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
        (element::DOUBLE, values) => values.real().iter().flat_map(|value| value.to_le_bytes()).collect(),
        (element::INT32, Values::Whole(values)) => {
            values.iter().flat_map(|value| (*value as i32).to_le_bytes()).collect()
        }
        (element::BOOL | element::UINT8, Values::Whole(values)) => {
            values.iter().map(|value| value.to_le_bytes()[0]).collect()
        }
        (_, Values::Whole(values)) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        (_, Values::Real(values)) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    of_bytes(name, element, dims, raw.into())
}

/// A constant of `raw` bytes, least significant first.
pub(super) fn of_bytes(name: &str, element: i32, dims: &[u64], raw: Bytes) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type: element,
        dims: signed(dims),
        raw_data: Some(raw),
        ..TensorProto::default()
    }
}

/// Sides as ONNX writes them.
pub(super) fn signed(dims: &[u64]) -> Vec<i64> {
    dims.iter().map(|side| i64::try_from(*side).unwrap_or(i64::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(element: i32, dims: &[i64], raw: &[u8]) -> TensorProto {
        let raw_data = Some(Bytes::copy_from_slice(raw));
        TensorProto { data_type: element, dims: dims.to_vec(), raw_data, ..TensorProto::default() }
    }

    #[test]
    fn data_must_fit_the_shape() {
        let check = |tensor: &TensorProto, said: &str| assert_eq!(checked_dims(tensor).unwrap_err(), said);
        assert_eq!(checked_dims(&tensor(element::FLOAT, &[2, 1], &[0; 8])), Ok(vec![2, 1]));
        assert_eq!(checked_dims(&tensor(22, &[3], &[0; 2])), Ok(vec![3]));
        check(&tensor(1, &[2], &[0; 7]), "has 7 bytes of data, but its shape [2] of FLOAT needs 8");
        check(&tensor(1, &[-2], &[]), "has the negative shape [-2]");
        check(
            &tensor(1, &[i64::MAX, i64::MAX], &[]),
            "has the shape [9223372036854775807, 9223372036854775807], which is too large",
        );
        check(&tensor(8, &[1], &[0]), "has raw data of STRING");
        let typed = TensorProto { data_type: 7, dims: vec![2], int64_data: vec![1], ..TensorProto::default() };
        check(&typed, "has 1 numbers, but its shape [2] of INT64 needs 2");
        let external = TensorProto { data_type: 1, dims: vec![2], data_location: Some(1), ..TensorProto::default() };
        check(&external, "is in external data without a `location`");
    }

    #[test]
    fn small_constants_are_read_as_they_were_written() {
        for (element, values) in [
            (element::INT64, Values::Whole(vec![-1, 7])),
            (element::INT32, Values::Whole(vec![-1, 7])),
            (element::BOOL, Values::Whole(vec![1, 0])),
            (element::FLOAT, Values::Real(vec![0.5, -2.0])),
            (element::DOUBLE, Values::Real(vec![0.1, -2.0])),
        ] {
            assert_eq!(super::values(&of_values("c", element, &[2], &values), 2), Some(values));
        }
    }
}
