//! Numbers that go into an engine, and those that come out.

use crate::units::SplitMix64;

/// Bytes that are small and finite numbers in every type that an input may have: half-precision numbers between 1/8 and 1
/// of either sign, which in pairs are single-precision numbers below 1/100 and one by one whole numbers of 8 bits. Zeros
/// would toggle fewer wires than a network's input does, and so change power and clocks.
pub fn small_numbers(name: &str, n_bytes: u64) -> Vec<u8> {
    let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut sequence = SplitMix64::new(seed);
    let n_words = usize::try_from(n_bytes.div_ceil(2)).unwrap_or(usize::MAX);
    let words = std::iter::repeat_with(|| half_bits(sequence.next_bits()).to_le_bytes()).take(n_words);
    let mut bytes: Vec<u8> = words.flatten().collect();
    bytes.truncate(usize::try_from(n_bytes).unwrap_or(usize::MAX));
    bytes
}

fn half_bits(random: u64) -> u16 {
    let [magnitude, sign] = [random % 0x0c00, random >> 63];
    u16::try_from(0x3000 + magnitude + (sign << 15)).unwrap_or(0x3000)
}

/// The numbers in `bytes`, which are `n_elements` of single or of half precision; `None` where they are neither.
pub fn numbers(bytes: &[u8], n_elements: u64) -> Option<Vec<f32>> {
    let n_elements = usize::try_from(n_elements).ok()?;
    if bytes.len() == n_elements.checked_mul(4)? {
        let single = |word: &[u8]| f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        return Some(bytes.chunks_exact(4).map(single).collect());
    }
    let half = |word: &[u8]| half::f16::from_le_bytes([word[0], word[1]]).to_f32();
    (bytes.len() == n_elements.checked_mul(2)?).then(|| bytes.chunks_exact(2).map(half).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_small_finite_and_not_zero_in_every_type() {
        let bytes = small_numbers("data", 4001);
        assert_eq!(bytes.len(), 4001);
        for word in bytes.chunks_exact(2) {
            let value = half::f16::from_le_bytes([word[0], word[1]]).to_f32().abs();
            assert!((0.125..1.0).contains(&value), "{value}");
        }
        for word in bytes.chunks_exact(4) {
            let value = f32::from_le_bytes([word[0], word[1], word[2], word[3]]).abs();
            assert!(value > 0.0 && value < 0.01, "{value}");
        }
        assert_eq!(bytes, small_numbers("data", 4001));
        assert_ne!(bytes, small_numbers("other", 4001));
    }

    #[test]
    fn what_comes_out_is_read_by_its_size() {
        let single: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let half: Vec<u8> = [1.5, -2.0].iter().flat_map(|number| half::f16::from_f32(*number).to_le_bytes()).collect();
        assert_eq!(numbers(&single, 2), Some(vec![1.5, -2.0]));
        assert_eq!(numbers(&half, 2), Some(vec![1.5, -2.0]));
        for n_elements in [0, 1, 3, u64::MAX] {
            assert_eq!(
                numbers(&half, n_elements).filter(|found| !found.is_empty()),
                (n_elements == 1).then(|| numbers(&half, 1).unwrap())
            );
        }
    }
}
