//! Element types of tensors, by their numbers in `TensorProto.DataType`.

/// 32-bit floating point.
pub const FLOAT: i32 = 1;
/// Whole number of 8 bits without a sign.
pub const UINT8: i32 = 2;
/// Whole number of 32 bits.
pub const INT32: i32 = 6;
/// Whole number of 64 bits.
pub const INT64: i32 = 7;
/// Text.
pub const STRING: i32 = 8;
/// Truth value, one byte.
pub const BOOL: i32 = 9;
/// 64-bit floating point.
pub const DOUBLE: i32 = 11;

/// Bits of one element; `None` for text and for types that aren't known.
pub fn bits(element: i32) -> Option<u64> {
    match element {
        2 | 3 | 9 | 17..=20 | 24 => Some(8),
        4 | 5 | 10 | 16 => Some(16),
        1 | 6 | 12 => Some(32),
        7 | 11 | 13 | 14 => Some(64),
        15 => Some(128),
        21..=23 => Some(4),
        25 | 26 => Some(2),
        _ => None,
    }
}

/// ONNX's word for a type.
pub fn name(element: i32) -> &'static str {
    const NAMES: [&str; 27] = [
        "UNDEFINED",
        "FLOAT",
        "UINT8",
        "INT8",
        "UINT16",
        "INT16",
        "INT32",
        "INT64",
        "STRING",
        "BOOL",
        "FLOAT16",
        "DOUBLE",
        "UINT32",
        "UINT64",
        "COMPLEX64",
        "COMPLEX128",
        "BFLOAT16",
        "FLOAT8E4M3FN",
        "FLOAT8E4M3FNUZ",
        "FLOAT8E5M2",
        "FLOAT8E5M2FNUZ",
        "UINT4",
        "INT4",
        "FLOAT4E2M1",
        "FLOAT8E8M0",
        "UINT2",
        "INT2",
    ];
    usize::try_from(element).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or("an unknown type")
}
