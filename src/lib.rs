//! HaX-CoNN: contention-aware placement and order of layer groups of several neural networks on one shared-memory
//! chip. The modules are listed in the order in which data flows through them; ARCHITECTURE.md draws the map.

pub mod units;

pub mod network;

pub mod platform;

pub mod group;

pub mod engine;

pub mod backend;

pub mod profile;

pub mod problem;

pub mod schedule;

pub mod run;

pub mod report;

pub mod artifact;

pub mod cli;
