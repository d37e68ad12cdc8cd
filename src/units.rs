//! Quantities with their units: what a number means is in its type, not in its name.
//!
//! Real-valued units are what profiles and platform files hold. The scheduler counts in integers
//! (`Nanoseconds`, `MegabytesPerSecond`, `Permille`), so that it computes the same on every machine.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A duration as profiles and people write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Milliseconds(pub f64);

/// A duration or a moment as the scheduler counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanoseconds(pub u64);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Memory throughput, in 10^9 bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct GigabytesPerSecond(pub f64);

/// Memory throughput as the scheduler counts it, in 10^6 bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MegabytesPerSecond(pub u32);

/// A share of a whole, in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

/// A clock frequency, in 10^6 periods per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Megahertz(pub u32);

/// Electric power, in thousandths of a watt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milliwatts(pub u32);

/// A relative speed, in thousandths of the speed without contention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permille(pub u32);

impl Milliseconds {
    /// The same duration in whole nanoseconds, rounded half to even. Negative values become zero.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped at zero; `as` saturates above"
    )]
    pub fn to_nanoseconds(self) -> Nanoseconds {
        Nanoseconds((self.0 * 1e6).round_ties_even().max(0.0) as u64)
    }
}

impl Nanoseconds {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// The same duration in milliseconds.
    pub fn to_milliseconds(self) -> Milliseconds {
        Milliseconds(self.0 as f64 / 1e6)
    }
}

impl Bytes {
    /// So many units of 2^20 bytes, rounded half to even. Negative values become zero.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped at zero; `as` saturates above"
    )]
    pub fn of_mebibytes(mebibytes: f64) -> Self {
        Self((mebibytes * f64::from(1 << 20)).round_ties_even().max(0.0) as u64)
    }

    /// The same amount in units of 2^20 bytes.
    pub fn mebibytes(self) -> f64 {
        self.0 as f64 / f64::from(1 << 20)
    }

    /// The throughput of moving these bytes in `time`; zero for an empty time.
    pub fn over(self, time: Milliseconds) -> GigabytesPerSecond {
        if time.0 > 0.0 { GigabytesPerSecond(self.0 as f64 / (time.0 * 1e6)) } else { GigabytesPerSecond(0.0) }
    }
}

impl GigabytesPerSecond {
    /// The same throughput in whole megabytes per second, rounded half to even. Negative values become zero.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped at zero; `as` saturates above"
    )]
    pub fn to_megabytes_per_second(self) -> MegabytesPerSecond {
        MegabytesPerSecond((self.0 * 1e3).round_ties_even().max(0.0) as u32)
    }
}

impl MegabytesPerSecond {
    /// The same throughput in gigabytes per second.
    pub fn to_gigabytes_per_second(self) -> GigabytesPerSecond {
        GigabytesPerSecond(f64::from(self.0) / 1e3)
    }
}

impl Milliwatts {
    /// The power of so many watts, rounded half to even. Negative values become zero.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped at zero; `as` saturates above"
    )]
    pub fn of_watts(watts: f64) -> Self {
        Self((watts * 1e3).round_ties_even().max(0.0) as u32)
    }

    /// The same power in watts.
    pub fn to_watts(self) -> f64 {
        f64::from(self.0) / 1e3
    }
}

impl Permille {
    /// The speed without contention.
    pub const FULL: Self = Self(1000);
}

impl Add for Milliseconds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sum for Milliseconds {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|time| time.0).sum())
    }
}

impl Add for Nanoseconds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Nanoseconds {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Nanoseconds {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Nanoseconds {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|time| time.0).sum())
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|bytes| bytes.0).sum())
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms", self.0)
    }
}

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_milliseconds().fmt(f)
    }
}

impl fmt::Display for GigabytesPerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} GB/s", self.0)
    }
}

impl fmt::Display for Megahertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MHz", self.0)
    }
}

/// The splitmix64 sequence of Steele, Lea and Flood (OOPSLA 2014): what is random here is the same for the same seed.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A whole number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next_bits() % limit.max(1) as u64).unwrap_or(0)
    }

    /// Uniform in `[0, 1)` with 53 random bits, which is what a real number there holds.
    pub fn uniform(&mut self) -> f64 {
        (self.next_bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A hash of `name` that begins with `seed`: FNV-1a of 64 bits (Fowler, Noll and Vo), the same on every machine.
pub fn hash_of_name(seed: u64, name: &str) -> u64 {
    let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_round_half_to_even_nanoseconds() {
        assert_eq!(Milliseconds(0.000_000_5).to_nanoseconds(), Nanoseconds(0));
        assert_eq!(Milliseconds(0.000_001_5).to_nanoseconds(), Nanoseconds(2));
        assert_eq!(Milliseconds(1.056).to_nanoseconds(), Nanoseconds(1_056_000));
    }

    #[test]
    fn names_are_hashed_by_fnv_1a() {
        // Vectors of the IETF's draft of FNV, appendix C.
        assert_eq!(hash_of_name(0, ""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_of_name(0, "a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_of_name(0, "foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn bytes_over_a_millisecond_are_gigabytes_per_second() {
        assert_eq!(Bytes(1_000_000).over(Milliseconds(1.0)), GigabytesPerSecond(1.0));
        assert_eq!(Bytes(1).over(Milliseconds(0.0)), GigabytesPerSecond(0.0));
    }
}
