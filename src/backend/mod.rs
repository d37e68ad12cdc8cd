//! What executes layer groups. The simulator of a board is one; it stands in where no board can be reached.

pub mod sim;
