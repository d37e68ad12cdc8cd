//! Runs a schedule in rounds and records when every group started and ended.
